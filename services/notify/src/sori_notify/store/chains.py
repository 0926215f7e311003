"""Escalation chains: what they are, and everything that happened to them."""

import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sori_kit.database import Transaction
from sori_kit.rows import Row
from sori_notify.domain.chains import ChainState, Entry, EntryKind, Plan, Recipient, RecipientKind, Standing
from sori_notify.store.tables import METADATA, one_of, time

ESCALATION = sa.Table(
    "escalation",
    METADATA,
    sa.Column("chain_id", sa.Uuid, primary_key=True),
    sa.Column("case_id", sa.Uuid, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("plan", postgresql.JSONB, nullable=False),  # Frozen as it was at the start.
    sa.Column("about", postgresql.JSONB, nullable=False),  # What its messages say of the case; no words.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    time("due_time"),  # Null: nothing is to be done unless somebody acts.
    time("until_time"),
    sa.Column("acknowledged_by", sa.Text, nullable=False),
    time("started_time", nullable=False),
    one_of("state", ChainState),
    sa.Index("ix_escalation_due", "due_time", postgresql_where=sa.text("due_time is not null")),
    sa.Index("ix_escalation_started", "name", "started_time"),
)
ESCALATION_ENTRY = sa.Table(  # Only ever added to.
    "escalation_entry",
    METADATA,
    sa.Column("chain_id", sa.Uuid, sa.ForeignKey("escalation.chain_id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    time("entry_time", nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    time("until_time"),
    sa.Column("recipient", postgresql.JSONB, nullable=False),  # [kind, name] or []
    one_of("kind", EntryKind),
)
ROUND_ROBIN = sa.Table(
    "round_robin",
    METADATA,
    sa.Column("team", sa.Text, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """An escalation of one case, and its log."""

    chain_id: uuid.UUID
    case_id: uuid.UUID
    plan: Plan
    about: Mapping[str, object]
    started_time: dt.datetime
    log: tuple[Entry, ...] = ()


async def add_chains(tx: Transaction, chains: Collection[Chain]) -> set[uuid.UUID]:
    """Keep chains, each once, unless one of the same name is under way for the case; gives those that are new."""
    found: set[uuid.UUID] = set()
    for each in chains:
        rows = await tx.execute(
            """
            insert into escalation (chain_id, case_id, name, plan, about, state, round, step, due_time,
                acknowledged_by, started_time)
            select :chain_id, :case_id, cast(:name as text), cast(:plan as jsonb), cast(:about as jsonb), 'running',
                1, 0, cast(:started as timestamptz), '', cast(:started as timestamptz)
            where not exists (select from escalation where case_id = :case_id and name = cast(:name as text)
                and state in ('running', 'acknowledged'))
            on conflict do nothing returning chain_id""",
            {
                "chain_id": each.chain_id,
                "case_id": each.case_id,
                "name": each.plan.name,
                "plan": json.dumps(each.plan.content()),
                "about": json.dumps(each.about),
                "started": each.started_time,
            },
        )
        if rows.first() is not None:
            found.add(each.chain_id)
            await _add_entries(tx, each.chain_id, each.log)
    return found


async def due_chains(tx: Transaction, *, now: dt.datetime, most: int) -> list[Chain]:
    """Take up to `most` chains whose time has come and which nobody else has in hand, until the transaction ends."""
    rows = await tx.execute(
        "select * from escalation where due_time <= :now order by due_time limit :most for update skip locked",
        {"now": now, "most": most},
    )
    return await _with_logs(tx, rows.all())


async def chains_of(tx: Transaction, case_ids: Collection[uuid.UUID]) -> list[Chain]:
    """Give the chains of cases that are not over, and keep them in hand."""
    rows = await tx.execute(
        "select * from escalation where case_id = any(cast(:ids as uuid[])) and state <> 'stopped'"
        " order by chain_id for update",
        {"ids": list(case_ids)},
    )
    return await _with_logs(tx, rows.all())


async def all_chains_of(tx: Transaction, case_id: uuid.UUID) -> list[Chain]:
    """Give every chain that a case ever had, in the order in which they were started."""
    rows = await tx.execute(
        "select * from escalation where case_id = :id order by started_time, chain_id", {"id": case_id}
    )
    return await _with_logs(tx, rows.all())


_OPEN = """
    from escalation join matter using (case_id)
    where escalation.state <> 'stopped' and matter.state not in ('resolved', 'closed')
        and not (escalation.state = 'acknowledged' and escalation.due_time is null)"""


async def count_open(tx: Transaction) -> int:
    """Count the chains of cases that are not done, but for those that were stopped or taken for good."""
    return int((await tx.execute(f"select count(*) {_OPEN}")).scalar_one())


async def doubtful_chains(tx: Transaction, *, before: dt.datetime) -> list[Chain]:
    """Give those of them whose row names no step that is yet to come; what fell due since `before` still is."""
    rows = await tx.execute(
        f"select escalation.* {_OPEN}"
        " and (escalation.state = 'ended' or escalation.due_time is null or escalation.due_time < :before)",
        {"before": before},
    )
    return await _with_logs(tx, rows.all())


async def record(tx: Transaction, chain: Chain, entries: Sequence[Entry], standing: Standing) -> None:
    """Write what happened to a chain that is in hand."""
    await _add_entries(tx, chain.chain_id, entries)
    await tx.execute(
        "update escalation set state = :state, round = :round, step = :step, due_time = :due, until_time = :until,"
        " acknowledged_by = :by where chain_id = :id",
        {
            "id": chain.chain_id,
            "state": standing.state.value,
            "round": standing.round,
            "step": standing.step,
            "due": standing.due_time,
            "until": standing.until,
            "by": standing.by,
        },
    )


async def count_starts(tx: Transaction, name: str, *, after: dt.datetime) -> int:
    """Count how often a chain was started since a moment, for whichever case."""
    rows = await tx.execute(
        "select count(*) from escalation where name = :name and started_time > :after", {"name": name, "after": after}
    )
    return int(rows.scalar_one())


async def next_turn(tx: Transaction, team: str) -> int:
    """Give whose turn it is in a team, from 0, and let it be the next one's."""
    rows = await tx.execute(
        "insert into round_robin as r (team, turn) values (:team, 1)"
        " on conflict (team) do update set turn = r.turn + 1 returning turn - 1",
        {"team": team},
    )
    return int(rows.scalar_one())


async def _add_entries(tx: Transaction, chain_id: uuid.UUID, entries: Sequence[Entry]) -> None:
    if entries:
        await tx.execute(
            """
            insert into escalation_entry (chain_id, key, kind, entry_time, round, step, reason, by, until_time,
                recipient)
            select :chain_id, * from unnest(cast(:keys as text[]), cast(:kinds as text[]),
                cast(:times as timestamptz[]), cast(:rounds as int[]), cast(:steps as int[]), cast(:reasons as text[]),
                cast(:bys as text[]), cast(:untils as timestamptz[]), cast(:recipients as jsonb[]))
            on conflict do nothing""",
            {
                "chain_id": chain_id,
                "keys": [each.key for each in entries],
                "kinds": [each.kind.value for each in entries],
                "times": [each.time for each in entries],
                "rounds": [each.round for each in entries],
                "steps": [each.step for each in entries],
                "reasons": [each.reason for each in entries],
                "bys": [each.by for each in entries],
                "untils": [each.until for each in entries],
                "recipients": [
                    json.dumps([each.recipient.kind.value, each.recipient.name] if each.recipient else [])
                    for each in entries
                ],
            },
        )


async def _with_logs(tx: Transaction, rows: Sequence[Row]) -> list[Chain]:
    if not rows:
        return []
    logs: dict[uuid.UUID, list[Entry]] = defaultdict(list)
    entries = await tx.execute(
        "select * from escalation_entry where chain_id = any(cast(:ids as uuid[]))",
        {"ids": [row.chain_id for row in rows]},
    )
    for entry in entries:
        logs[entry.chain_id].append(
            Entry(
                key=entry.key,
                kind=EntryKind(entry.kind),
                time=entry.entry_time,
                round=entry.round,
                step=entry.step,
                reason=entry.reason,
                by=entry.by,
                until=entry.until_time,
                recipient=Recipient(kind=RecipientKind(entry.recipient[0]), name=entry.recipient[1])
                if entry.recipient
                else None,
            )
        )
    return [
        Chain(
            chain_id=row.chain_id,
            case_id=row.case_id,
            plan=Plan.of_content(row.plan),
            about=row.about,
            started_time=row.started_time,
            log=tuple(sorted(logs[row.chain_id], key=lambda each: (each.time, each.round, each.step, each.key))),
        )
        for row in rows
    ]
