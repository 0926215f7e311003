"""Messages in line, and how their receivers fare."""

import datetime as dt
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sori_kit.database import Transaction
from sori_kit.rows import Row
from sori_notify.domain.delivery import Breaker, Delivery, DeliveryState, Origin
from sori_notify.domain.words import Severity
from sori_notify.store.tables import METADATA, one_of, time

DELIVERY = sa.Table(
    "delivery",
    METADATA,
    sa.Column("delivery_id", sa.Uuid, primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("case_id", sa.Uuid, index=True),
    sa.Column("chain_id", sa.Uuid),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("values", postgresql.JSONB, nullable=False),  # What templates read; emptied of words once it is sent.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    time("next_attempt_time", nullable=False),
    time("leased_until"),  # Until then one worker has it; a worker that dies loses it by this.
    time("created_time", nullable=False),
    time("sent_time"),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("digest_id", sa.Uuid),
    one_of("origin", Origin),
    one_of("severity", Severity),
    one_of("state", DeliveryState),
    sa.Index("ix_delivery_pending", "target", "next_attempt_time", postgresql_where=sa.text("state = 'pending'")),
    sa.Index("ix_delivery_sent", "target", "sent_time", postgresql_where=sa.text("sent_time is not null")),
    sa.Index("ix_delivery_digest", "digest_id", postgresql_where=sa.text("digest_id is not null")),
    sa.Index("ix_delivery_page", "created_time", "delivery_id"),
    sa.Index("ix_delivery_words", "case_id", postgresql_where=sa.text("\"values\" ? 'words'")),  # For erasures.
)
TARGET_HEALTH = sa.Table(
    "target_health",
    METADATA,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    time("open_until"),
)


async def add_deliveries(tx: Transaction, deliveries: Sequence[Delivery]) -> int:
    """Put messages in line, each id once; gives how many are new."""
    if not deliveries:
        return 0
    return await tx.change(
        """
        insert into delivery (delivery_id, target, origin, reason, severity, case_id, chain_id, org_unit, "values",
            state, attempts, next_attempt_time, created_time, problem)
        select delivery_id, target, origin, reason, severity, case_id, chain_id, org_unit, "values", 'pending', 0,
            coalesce(next_attempt_time, created_time), created_time, ''
        from unnest(cast(:delivery_ids as uuid[]), cast(:targets as text[]), cast(:origins as text[]),
            cast(:reasons as text[]), cast(:severities as text[]), cast(:case_ids as uuid[]),
            cast(:chain_ids as uuid[]), cast(:org_units as text[]), cast(:values as jsonb[]),
            cast(:created_times as timestamptz[]), cast(:next_times as timestamptz[]))
            as new (delivery_id, target, origin, reason, severity, case_id, chain_id, org_unit, "values",
                created_time, next_attempt_time)
        on conflict do nothing""",
        {
            "delivery_ids": [each.delivery_id for each in deliveries],
            "targets": [each.target for each in deliveries],
            "origins": [each.origin.value for each in deliveries],
            "reasons": [each.reason for each in deliveries],
            "severities": [each.severity.value for each in deliveries],
            "case_ids": [each.case_id for each in deliveries],
            "chain_ids": [each.chain_id for each in deliveries],
            "org_units": [each.org_unit for each in deliveries],
            "values": [json.dumps(each.values, ensure_ascii=False) for each in deliveries],
            "created_times": [each.created_time for each in deliveries],
            "next_times": [each.next_attempt_time for each in deliveries],
        },
    )


async def cancel_deliveries(tx: Transaction, case_ids: Collection[uuid.UUID]) -> int:
    """Take back every message about these cases that has not gone out, also out of digests; gives how many."""
    return await tx.change(
        """
        update delivery set state = 'cancelled', leased_until = null
        where case_id = any(cast(:ids as uuid[])) and origin in ('chain', 'rule') and (state = 'pending'
            or (state = 'digested' and digest_id in (select d.delivery_id from delivery as d
                where d.delivery_id = delivery.digest_id and d.state = 'pending')))""",
        {"ids": list(case_ids)},
    )


async def targets_waiting(tx: Transaction, *, now: dt.datetime) -> list[str]:
    """Name the targets for which a message's time has come."""
    rows = await tx.execute(
        "select distinct target from delivery where state = 'pending' and next_attempt_time <= :now"
        " and (leased_until is null or leased_until < :now) order by target",
        {"now": now},
    )
    return list(rows.scalars())


async def take_health(tx: Transaction, target: str) -> Breaker | None:
    """Keep a target in hand until the transaction ends; None: somebody else has it."""
    await tx.execute(
        "insert into target_health (target, failures) values (:target, 0) on conflict do nothing", {"target": target}
    )
    rows = await tx.execute(
        "select failures, open_until from target_health where target = :target for update skip locked",
        {"target": target},
    )
    row = rows.first()
    return Breaker(failures=row.failures, open_until=row.open_until) if row else None


async def health(tx: Transaction, target: str) -> Breaker:
    """Give how a target fares, as of now."""
    return await _health(tx, "select failures, open_until from target_health where target = :target", target)


async def hold_health(tx: Transaction, target: str) -> Breaker:
    """Keep a target in hand until the transaction ends; waits for it."""
    return await _health(tx, "select failures, open_until from target_health where target = :target for update", target)


async def _health(tx: Transaction, statement: str, target: str) -> Breaker:
    row = (await tx.execute(statement, {"target": target})).first()
    return Breaker(failures=row.failures, open_until=row.open_until) if row else Breaker()


async def save_health(tx: Transaction, target: str, breaker: Breaker) -> None:
    """Write how a target fares."""
    await tx.execute(
        "update target_health set failures = :failures, open_until = :open_until where target = :target",
        {"target": target, "failures": breaker.failures, "open_until": breaker.open_until},
    )


async def count_sent(tx: Transaction, target: str, *, after: dt.datetime, now: dt.datetime) -> int:
    """Count what went out to a target since a moment, and what is on its way."""
    rows = await tx.execute(
        "select (select count(*) from delivery where target = :target and sent_time > :after)"
        " + (select count(*) from delivery where target = :target and state = 'pending' and leased_until >= :now)",
        {"target": target, "after": after, "now": now},
    )
    return int(rows.scalar_one())


async def waiting(tx: Transaction, target: str, *, now: dt.datetime, most: int) -> list[Delivery]:
    """Give up to `most` messages to a target whose time has come, oldest first, and keep them in hand."""
    rows = await tx.execute(
        "select * from delivery where target = :target and state = 'pending' and next_attempt_time <= :now"
        " and (leased_until is null or leased_until < :now) order by created_time, delivery_id limit :most"
        " for update skip locked",
        {"target": target, "now": now, "most": most},
    )
    return [_delivery(row) for row in rows]


async def lease_deliveries(tx: Transaction, delivery_ids: Collection[uuid.UUID], *, until: dt.datetime) -> None:
    """Take messages until a moment; each counts as an attempt."""
    await tx.execute(
        "update delivery set leased_until = :until, attempts = attempts + 1"
        " where delivery_id = any(cast(:ids as uuid[]))",
        {"ids": list(delivery_ids), "until": until},
    )


async def postpone(tx: Transaction, delivery_ids: Collection[uuid.UUID], *, until: dt.datetime, problem: str) -> None:
    """Let messages wait until a moment; that is no attempt."""
    await tx.execute(
        "update delivery set next_attempt_time = :until, problem = :problem"
        " where delivery_id = any(cast(:ids as uuid[]))",
        {"ids": list(delivery_ids), "until": until, "problem": problem},
    )


async def fail_deliveries(
    tx: Transaction, target: str, *, now: dt.datetime, problem: str, origins: Collection[Origin] = tuple(Origin)
) -> int:
    """Give up on what waits for a target that it cannot be sent to any more."""
    return await tx.change(
        "update delivery set state = 'failed', problem = :problem, leased_until = null where target = :target"
        " and state = 'pending' and next_attempt_time <= :now and origin = any(cast(:origins as text[]))",
        {"target": target, "problem": problem, "now": now, "origins": [each.value for each in origins]},
    )


async def digest(tx: Transaction, made: Delivery, members: Collection[uuid.UUID], *, until: dt.datetime) -> None:
    """Let one message, which is taken until a moment, stand for others."""
    await add_deliveries(tx, [made])
    await tx.execute(
        "update delivery set state = 'digested', digest_id = :digest where delivery_id = any(cast(:ids as uuid[]))"
        " and state = 'pending'",
        {"digest": made.delivery_id, "ids": list(members)},
    )
    await lease_deliveries(tx, [made.delivery_id], until=until)


async def members(tx: Transaction, digest_id: uuid.UUID) -> list[Delivery]:
    """Give what a digest stands for and what has not been taken back since."""
    rows = await tx.execute(
        "select * from delivery where digest_id = :id and state = 'digested' order by created_time, delivery_id",
        {"id": digest_id},
    )
    return [_delivery(row) for row in rows]


async def mark_delivered(tx: Transaction, delivery_ids: Collection[uuid.UUID], *, now: dt.datetime) -> set[uuid.UUID]:
    """Say that messages were taken; gives those of which that was not known, and which were not taken back meanwhile.

    What a digest stands for is sent with it. The customer's words go out of the rows.
    """
    if not delivery_ids:
        return set()
    rows = await tx.execute(
        """
        update delivery set sent_time = coalesce(sent_time, :now), leased_until = null, problem = '',
            state = case when state = 'cancelled' then state else 'sent' end, "values" = "values" - 'words'
        where delivery_id = any(cast(:ids as uuid[])) and state <> 'sent' returning delivery_id, state""",
        {"ids": list(delivery_ids), "now": now},
    )
    await tx.execute(
        """update delivery set "values" = "values" - 'words' where digest_id = any(cast(:ids as uuid[]))""",
        {"ids": list(delivery_ids)},
    )
    return {row.delivery_id for row in rows if row.state == DeliveryState.SENT}


async def mark_undelivered(
    tx: Transaction, delivery: Delivery, *, next_attempt_time: dt.datetime | None, problem: str
) -> bool:
    """Say that an attempt failed: when the next one is, or None to give up; False when another worker was faster."""
    changed = await tx.change(
        "update delivery set state = :state, next_attempt_time = coalesce(cast(:next as timestamptz),"
        " next_attempt_time), leased_until = null, problem = :problem"
        " where delivery_id = :id and state = 'pending' and attempts = :attempts",
        {
            "id": delivery.delivery_id,
            "state": DeliveryState.PENDING.value if next_attempt_time else DeliveryState.FAILED.value,
            "next": next_attempt_time,
            "problem": problem,
            "attempts": delivery.attempts,
        },
    )
    return changed == 1


async def forget_words(tx: Transaction, case_ids: Collection[uuid.UUID], touchpoint_ids: Collection[uuid.UUID]) -> None:
    """Take what customers said out of messages about these cases and touchpoints, also of those yet to go out."""
    await tx.execute(
        """
        update delivery set "values" = "values" - 'words' where "values" ? 'words'
            and (case_id = any(cast(:cases as uuid[])) or "values" ->> 'touchpoint_id' = any(cast(:ids as text[])))""",
        {"cases": list(case_ids), "ids": [str(each) for each in touchpoint_ids]},
    )


async def drop_delivery(tx: Transaction, delivery_id: uuid.UUID) -> None:
    """Take a message back."""
    await tx.execute(
        "update delivery set state = 'cancelled', leased_until = null where delivery_id = :id and state = 'pending'",
        {"id": delivery_id},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDeliveries:
    """Which messages are asked for; what is empty asks for all."""

    state: DeliveryState | None = None
    target: str = ""
    case_id: uuid.UUID | None = None


async def page_deliveries(
    tx: Transaction, wanted: WantedDeliveries, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[Delivery]:
    """Give up to `most` messages older than `before`, newest first."""
    rows = await tx.execute(
        """
        select * from delivery where (cast(:state as text) is null or state = cast(:state as text))
            and (cast(:target as text) = '' or target = cast(:target as text))
            and (cast(:case_id as uuid) is null or case_id = cast(:case_id as uuid))
            and (cast(:time as timestamptz) is null
                or (created_time, delivery_id) < (cast(:time as timestamptz), cast(:id as uuid)))
        order by created_time desc, delivery_id desc limit :most""",
        {
            "state": wanted.state and wanted.state.value,
            "target": wanted.target,
            "case_id": wanted.case_id,
            "time": before and before[0],
            "id": before and before[1],
            "most": most,
        },
    )
    return [_delivery(row) for row in rows]


async def redeliver(
    tx: Transaction, wanted: WantedDeliveries, delivery_ids: Collection[uuid.UUID], *, now: dt.datetime, most: int
) -> int:
    """Put failed messages back in line under the ids that they have; gives how many."""
    return await tx.change(
        """
        update delivery set state = 'pending', attempts = 0, next_attempt_time = :now, leased_until = null
        where delivery_id in (select delivery_id from delivery where state = 'failed'
            and (cast(:target as text) = '' or target = cast(:target as text))
            and (cast(:case_id as uuid) is null or case_id = cast(:case_id as uuid))
            and (cardinality(cast(:ids as uuid[])) = 0 or delivery_id = any(cast(:ids as uuid[])))
            order by created_time limit :most for update)""",
        {
            "now": now,
            "target": wanted.target,
            "case_id": wanted.case_id,
            "ids": list(delivery_ids),
            "most": most,
        },
    )


def _delivery(row: Row) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        target=row.target,
        origin=Origin(row.origin),
        reason=row.reason,
        severity=Severity(row.severity),
        case_id=row.case_id,
        chain_id=row.chain_id,
        org_unit=row.org_unit,
        values=row.values,
        created_time=row.created_time,
        attempts=row.attempts,
        state=DeliveryState(row.state),
        sent_time=row.sent_time,
        next_attempt_time=row.next_attempt_time,
        problem=row.problem,
        digest_id=row.digest_id,
    )
