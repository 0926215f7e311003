"""How many there are of everything."""

import datetime as dt
from dataclasses import dataclass

from sori_kit.database import Transaction

_TALLY_SLOTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many there are of everything."""

    customer_cases: int
    employee_cases: int
    breached: int
    alerts_sent: int
    alerts_pending: int
    alerts_failed: int
    deadlines_due: int
    touchpoints: int


async def count_touchpoints(tx: Transaction, count: int) -> None:
    """Add to the number of touchpoints seen; the last thing a transaction does, for others may wait for it."""
    await tx.fetch(
        "insert into touchpoint_tally as t (slot, touchpoint_count) values (pg_backend_pid() % $1::int, $2)"
        " on conflict (slot) do update set touchpoint_count = t.touchpoint_count + excluded.touchpoint_count",
        _TALLY_SLOTS,
        count,
    )


async def tally(tx: Transaction, *, now: dt.datetime) -> Tally:
    """Count everything."""
    row = (
        await tx.execute(
            """
            select matters.*, alerts.*, deadlines_due,
                (select coalesce(sum(touchpoint_count), 0) from touchpoint_tally) as touchpoints
            from (select count(*) filter (where origin = 'customer') as customer_cases,
                    count(*) filter (where origin = 'employee') as employee_cases,
                    count(*) filter (where clock_state = 'breached') as breached from matter) as matters,
                (select count(*) filter (where state = 'sent') as alerts_sent,
                    count(*) filter (where state = 'pending') as alerts_pending,
                    count(*) filter (where state = 'failed') as alerts_failed
                    from (select state from alert union all select state from delivery
                        where case_id is not null and origin in ('chain', 'rule')) as each) as alerts,
                (select count(*) as deadlines_due from deadline where state = 'armed' and due_time <= :now) as deadlines
            """,
            {"now": now},
        )
    ).one()
    return Tally(**{name: int(value) for name, value in row._asdict().items()})
