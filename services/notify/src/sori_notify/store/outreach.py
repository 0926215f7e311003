"""Messages to customers: what triggered each, and why it was sent or not."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sori_kit.database import Transaction
from sori_notify.domain.automation import Outreach, OutreachState
from sori_notify.store.tables import METADATA, one_of, time

OUTREACH = sa.Table(  # The audit trail of each automation.
    "outreach",
    METADATA,
    sa.Column("outreach_id", sa.Uuid, primary_key=True),
    sa.Column("automation", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False, index=True),
    sa.Column("touchpoint_id", sa.Uuid, nullable=False),
    time("triggered_time", nullable=False),
    time("due_time", nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    time("decided_time"),
    one_of("state", OutreachState),
    sa.Index("ix_outreach_triggered", "triggered_time", "outreach_id"),
    sa.Index("ix_outreach_waiting", "due_time", postgresql_where=sa.text("state = 'waiting'")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOutreach:
    """Which messages a list is about; what is None or empty lets all pass."""

    automation: str = ""
    customer_id: uuid.UUID | None = None
    state: OutreachState | None = None


async def add_outreach(tx: Transaction, given: Sequence[Outreach]) -> None:
    """Let messages wait for their time, each once."""
    await tx.execute(
        """
        insert into outreach (outreach_id, automation, customer_id, touchpoint_id, triggered_time, due_time, state,
            reason)
        select *, 'waiting', '' from unnest(cast(:ids as uuid[]), cast(:automations as text[]),
            cast(:customers as uuid[]), cast(:touchpoints as uuid[]), cast(:triggered as timestamptz[]),
            cast(:due as timestamptz[])) on conflict do nothing""",
        {
            "ids": [each.outreach_id for each in given],
            "automations": [each.automation for each in given],
            "customers": [each.customer_id for each in given],
            "touchpoints": [each.touchpoint_id for each in given],
            "triggered": [each.triggered_time for each in given],
            "due": [each.due_time for each in given],
        },
    )


async def due_outreach(tx: Transaction, *, now: dt.datetime, most: int) -> list[Outreach]:
    """Take up to `most` messages whose time has come, until the transaction ends."""
    rows = await tx.execute(
        "select outreach_id, automation, customer_id, touchpoint_id, triggered_time, due_time from outreach"
        " where state = 'waiting' and due_time <= :now order by due_time limit :most for update skip locked",
        {"now": now, "most": most},
    )
    return [Outreach(**row._asdict()) for row in rows]


async def page_outreach(
    tx: Transaction, wanted: WantedOutreach, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[Outreach]:
    """Give up to `most` messages triggered before a moment, newest first."""
    found = sa.select(OUTREACH)
    for column, value in (
        (OUTREACH.c.automation, wanted.automation),
        (OUTREACH.c.customer_id, wanted.customer_id),
        (OUTREACH.c.state, wanted.state and wanted.state.value),
    ):
        if value:
            found = found.where(column == value)
    newest = sa.tuple_(OUTREACH.c.triggered_time, OUTREACH.c.outreach_id)
    if before:
        found = found.where(newest < sa.tuple_(*map(sa.literal, before)))
    rows = await tx.execute(found.order_by(*(each.desc() for each in newest.clauses)).limit(most))
    return [Outreach(**{**row._asdict(), "state": OutreachState(row.state)}) for row in rows]


async def count_outreach(tx: Transaction, given: Outreach, customers: Collection[str], *, after: dt.datetime) -> int:
    """Count what this automation sent since a moment to the customer, who has these ids by now."""
    await tx.lock(f"outreach\x1f{given.automation}\x1f{min(customers)}")
    rows = await tx.execute(
        "select count(*) from outreach where customer_id = any(cast(:customers as uuid[])) and automation = :automation"
        " and state = 'sent' and decided_time > :after",
        {"customers": list(customers), "automation": given.automation, "after": after},
    )
    return int(rows.scalar_one())


async def happened(tx: Transaction, given: Outreach, customers: Collection[str], kinds: Collection[str]) -> bool:
    """Say whether the customer, who has these ids by now, did something of these kinds since the trigger."""
    rows = await tx.execute(
        "select 1 from rule_fact where customer_id = any(cast(:customers as uuid[])) and occurred_time >= :since"
        " and kind = any(cast(:kinds as text[])) limit 1",
        {"customers": list(customers), "since": given.triggered_time, "kinds": list(kinds)},
    )
    return rows.first() is not None


async def decide(tx: Transaction, outreach_id: uuid.UUID, *, reason: str, now: dt.datetime) -> None:
    """Note that a message was sent, or why not."""
    await tx.execute(
        "update outreach set state = :state, reason = :reason, decided_time = :now where outreach_id = :id",
        {
            "state": (OutreachState.SKIPPED if reason else OutreachState.SENT).value,
            "reason": reason,
            "now": now,
            "id": outreach_id,
        },
    )


async def forget_outreach(tx: Transaction, customer_ids: Collection[uuid.UUID]) -> None:
    """Forget what was sent to customers, or was to be."""
    await tx.execute("delete from outreach where customer_id = any(cast(:ids as uuid[]))", {"ids": list(customer_ids)})
