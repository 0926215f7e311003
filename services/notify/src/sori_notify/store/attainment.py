"""What was kept of what was promised, and what is needed to work it out again."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sori_kit.database import Transaction
from sori_notify.domain import Attainment, Channel, Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Which clocks are counted; what is None or empty lets all pass."""

    since: dt.datetime
    until: dt.datetime
    policy: str = ""
    metric: Metric | None = None
    channel: Channel | None = None
    team: str = ""
    org_unit: str = ""


async def attainment(tx: Transaction, measured: Measured, *, most: int) -> list[Attainment]:
    """Count clocks by week, policy, metric, channel and team; up to `most` of such kinds."""
    rows = await tx.execute(
        """
        select to_char(start_time at time zone 'Asia/Seoul', 'IYYY-"W"IW') as week, case_clock.policy, metric, channel,
            team, count(*) filter (where case_clock.state = 'fulfilled') as attained,
            count(*) filter (where case_clock.state = 'breached') as breached,
            count(*) filter (where case_clock.state in ('running', 'paused')) as running,
            count(*) filter (where case_clock.state = 'cancelled') as cancelled
        from case_clock join matter using (case_id)
        where start_time >= :since and start_time < :until and (:policy = '' or case_clock.policy = :policy)
            and (:metric = '' or metric = :metric) and (:channel = '' or channel = :channel)
            and (:team = '' or team = :team) and (:org_unit = '' or org_unit = :org_unit)
        group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5 limit :most""",
        {
            "since": measured.since,
            "until": measured.until,
            "policy": measured.policy,
            "metric": measured.metric.value if measured.metric else "",
            "channel": measured.channel.value if measured.channel else "",
            "team": measured.team,
            "org_unit": measured.org_unit,
            "most": most,
        },
    )
    return [
        Attainment(
            week=row.week,
            policy=row.policy,
            metric=Metric(row.metric),
            channel=row.channel and Channel(row.channel),
            team=row.team,
            attained=row.attained,
            breached=row.breached,
            running=row.running,
            cancelled=row.cancelled,
        )
        for row in rows
    ]


async def threads_between(tx: Transaction, *, since: dt.datetime, until: dt.datetime, most: int) -> list[uuid.UUID]:
    """Give up to `most` threads whose customers' cases opened then, oldest first."""
    rows = await tx.execute(
        "select key from (select coalesce(thread_key, case_id) as key, min(opened_time) as opened from matter"
        " where origin = 'customer' and opened_time >= :since and opened_time < :until group by 1) as threads"
        " order by opened, key limit :most",
        {"since": since, "until": until, "most": most},
    )
    return list(rows.scalars())
