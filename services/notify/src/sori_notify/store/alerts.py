"""Alerts in line."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from sori_kit.database import Transaction
from sori_notify.domain import (
    Alert,
    AlertState,
)


async def add_alerts(tx: Transaction, alerts: Sequence[Alert], *, now: dt.datetime) -> None:
    """Put alerts in line; of one case and reason only the first ever."""
    if alerts:
        await tx.execute(
            """
            insert into alert (alert_id, case_id, reason, org_unit, body, state, attempts, next_attempt_time,
                created_time)
            select alert_id, case_id, reason, org_unit, body, 'pending', 0, :now, :now
            from unnest(cast(:alert_ids as uuid[]), cast(:case_ids as uuid[]), cast(:reasons as text[]),
                cast(:org_units as text[]), cast(:bodies as text[])) as new (alert_id, case_id, reason, org_unit, body)
            on conflict do nothing""",
            {
                "now": now,
                "alert_ids": [each.alert_id for each in alerts],
                "case_ids": [each.case_id for each in alerts],
                "reasons": [each.reason for each in alerts],
                "org_units": [each.org_unit for each in alerts],
                "bodies": [each.body for each in alerts],
            },
        )


async def claim_alerts(tx: Transaction, *, now: dt.datetime, until: dt.datetime, most: int) -> list[Alert]:
    """Take up to `most` alerts whose time has come, until a moment; each counts as an attempt."""
    rows = await tx.execute(
        """
        update alert set leased_until = :until, attempts = attempts + 1
        where alert_id in (select alert_id from alert where state = 'pending' and next_attempt_time <= :now
            and (leased_until is null or leased_until < :now)
            order by next_attempt_time limit :most for update skip locked)
        returning alert_id, case_id, reason, org_unit, body, attempts""",
        {"now": now, "until": until, "most": most},
    )
    return [Alert(**row._asdict()) for row in rows]


async def forget_threads(tx: Transaction, case_ids: Collection[uuid.UUID]) -> None:
    """Take the threads' ids out of the alerts of cases."""
    await tx.execute(
        """update alert set body = cast(jsonb_set(cast(body as jsonb), '{thread_id}', '""', false) as text)"""
        " where case_id = any(cast(:ids as uuid[]))",
        {"ids": list(case_ids)},
    )


async def mark_sent(tx: Transaction, alert_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """Say that an alert was delivered; False when that was known."""
    changed = await tx.change(
        "update alert set state = 'sent', sent_time = :now, leased_until = null"
        " where alert_id = :id and state <> 'sent'",
        {"id": alert_id, "now": now},
    )
    return changed == 1


async def mark_unsent(tx: Transaction, alert: Alert, *, next_attempt_time: dt.datetime | None) -> bool:
    """Say that an attempt failed: when the next one is, or None to give up; False when another worker was faster."""
    changed = await tx.change(
        "update alert set state = :state, next_attempt_time = coalesce(:next, next_attempt_time), leased_until = null"
        " where alert_id = :id and state = 'pending' and attempts = :attempts",
        {
            "id": alert.alert_id,
            "state": AlertState.PENDING.value if next_attempt_time else AlertState.FAILED.value,
            "next": next_attempt_time,
            "attempts": alert.attempts,
        },
    )
    return changed == 1
