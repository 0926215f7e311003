"""Consents and erasures, as stored."""

import datetime as dt
import hashlib
import hmac
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sori_journey.domain import Consent, ConsentSource, ConsentState, Identifier
from sori_journey.store.tables import DECISION_IDENTIFIER, DETACHMENT, IDENTIFIER
from sori_kit.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What another service said about an erasure."""

    service: str
    answered_time: dt.datetime | None
    removed_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An erasure, as it can be proven."""

    erasure_id: uuid.UUID
    requested_time: dt.datetime
    requested_by: str
    reason: str
    proofs: tuple[str, ...]
    touchpoint_count: int
    identifier_count: int
    broker_count: int = 0
    broker_done_time: dt.datetime | None = None
    done_time: dt.datetime | None = None
    answers: tuple[Answer, ...] = ()


def digest(salt: bytes, *parts: str) -> bytes:
    """Hash something that is erased, so that it can be recognised but not read."""
    return hmac.digest(salt, "\x1f".join(parts).encode(), hashlib.sha256)


def touchpoint_digest(salt: bytes, touchpoint_id: uuid.UUID) -> bytes:
    """Hash an erased touchpoint's id."""
    return digest(salt, "touchpoint_id", str(touchpoint_id))


async def add_consent(tx: Transaction, consent: Consent) -> None:
    """Keep a word; the same word twice is one."""
    await tx.execute(
        "insert into consent (customer_id, purpose, recorded_time, state, source, expire_time)"
        " values (:customer_id, :purpose, :recorded_time, :state, :source, :expire_time) on conflict"
        " (customer_id, purpose, recorded_time, state, source) do update set expire_time ="
        " least(consent.expire_time, excluded.expire_time)",
        {
            "customer_id": consent.customer_id,
            "purpose": consent.purpose,
            "recorded_time": consent.recorded_time,
            "state": consent.state.value,
            "source": consent.source.value,
            "expire_time": consent.expire_time,
        },
    )


async def consents(tx: Transaction, customer_ids: Collection[uuid.UUID]) -> list[Consent]:
    """Give everything that was said under some ids."""
    rows = await tx.execute(
        "select * from consent where customer_id = any(cast(:ids as uuid[])) order by recorded_time, purpose",
        {"ids": list(customer_ids)},
    )
    return [
        Consent(
            customer_id=row.customer_id,
            purpose=row.purpose,
            state=ConsentState(row.state),
            source=ConsentSource(row.source),
            recorded_time=row.recorded_time,
            expire_time=row.expire_time,
        )
        for row in rows
    ]


async def forget_customers(tx: Transaction, customer_ids: Sequence[uuid.UUID]) -> None:
    """Drop ids and consents."""
    values = {"ids": list(customer_ids)}
    await tx.execute("delete from consent where customer_id = any(cast(:ids as uuid[]))", values)
    await tx.execute(
        "update customer set merged_into = null where merged_into = any(cast(:ids as uuid[]))"
        " and customer_id <> all(cast(:ids as uuid[]))",
        values,
    )
    await tx.execute("delete from customer where customer_id = any(cast(:ids as uuid[]))", values)


async def forget_identifiers(tx: Transaction, identifiers: Iterable[Identifier]) -> None:
    """Drop identifiers, and what was decided about them."""
    named = list(identifiers)
    values = {"types": [each.type.value for each in named], "values": [each.value for each in named]}
    for table in (IDENTIFIER, DECISION_IDENTIFIER, DETACHMENT):
        gone = sa.text("select * from unnest(cast(:types as text[]), cast(:values as text[]))")
        await tx.execute(
            sa.delete(table).where(
                sa.tuple_(table.c.type, table.c.value).in_(gone.columns(sa.column("t"), sa.column("v")))
            ),
            values,
        )


async def forget_announced(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> None:
    """Take back what is to be published about touchpoints and was not yet."""
    await tx.execute(
        "delete from outbox where substring(convert_from(headers, 'UTF8') from 'ce-subject: ([^\\r]*)')"
        " = any(cast(:ids as text[]))",
        {"ids": [str(each) for each in touchpoint_ids]},
    )


async def add_tombstones(tx: Transaction, hashes: Collection[bytes], *, now: dt.datetime) -> None:
    """Remember that what is behind the hashes was erased."""
    await tx.execute(
        "insert into tombstone (hash, erased_time) select hash, :now from unnest(cast(:hashes as bytea[])) as h (hash)"
        " on conflict (hash) do update set erased_time = excluded.erased_time",
        {"hashes": list(hashes), "now": now},
    )
    await tx.execute("update graph set tombstone_count = (select count(*) from tombstone)")


async def erased_times(tx: Transaction, hashes: Collection[bytes]) -> dict[bytes, dt.datetime]:
    """Say when what is behind the hashes was erased; what was not is left out."""
    rows = await tx.execute(
        "select hash, erased_time from tombstone where hash = any(cast(:hashes as bytea[]))", {"hashes": list(hashes)}
    )
    return {row.hash: row.erased_time for row in rows}


async def add_erasure(
    tx: Transaction, erasure: Erasure, touchpoint_ids: Collection[uuid.UUID], services: Sequence[str]
) -> None:
    """Keep that somebody was erased, and whose answers are waited for."""
    await tx.execute(
        "insert into erasure (erasure_id, requested_time, requested_by, reason, proofs, touchpoint_count,"
        " identifier_count) values (:erasure_id, :requested_time, :requested_by, :reason, cast(:proofs as text[]),"
        " :touchpoint_count, :identifier_count)",
        {
            "erasure_id": erasure.erasure_id,
            "requested_time": erasure.requested_time,
            "requested_by": erasure.requested_by,
            "reason": erasure.reason,
            "proofs": list(erasure.proofs),
            "touchpoint_count": erasure.touchpoint_count,
            "identifier_count": erasure.identifier_count,
        },
    )
    await tx.execute(
        "insert into erasure_touchpoint (erasure_id, touchpoint_id)"
        " select :id, each from unnest(cast(:ids as uuid[])) as t (each)",
        {"id": erasure.erasure_id, "ids": list(touchpoint_ids)},
    )
    await tx.execute(
        "insert into erasure_answer (erasure_id, service) select :id, each from unnest(cast(:names as text[]))"
        " as s (each)",
        {"id": erasure.erasure_id, "names": list(services)},
    )


async def erasure(tx: Transaction, erasure_id: uuid.UUID) -> Erasure | None:
    """Give an erasure."""
    row = (await tx.execute("select * from erasure where erasure_id = :id", {"id": erasure_id})).one_or_none()
    if row is None:
        return None
    answers = await tx.execute(
        "select service, answered_time, removed_count from erasure_answer where erasure_id = :id order by service",
        {"id": erasure_id},
    )
    return Erasure(
        erasure_id=row.erasure_id,
        requested_time=row.requested_time,
        requested_by=row.requested_by,
        reason=row.reason,
        proofs=tuple(row.proofs),
        touchpoint_count=row.touchpoint_count,
        identifier_count=row.identifier_count,
        broker_count=row.broker_count,
        broker_done_time=row.broker_done_time,
        done_time=row.done_time,
        answers=tuple(
            Answer(service=each.service, answered_time=each.answered_time, removed_count=each.removed_count)
            for each in answers
        ),
    )


async def answer(tx: Transaction, erasure_id: uuid.UUID, service: str, removed_count: int, *, now: dt.datetime) -> bool:
    """Keep what a service said, the first time; says whether it is one that is waited for."""
    rows = await tx.execute(
        "update erasure_answer set removed_count = case when answered_time is null then :count else removed_count end,"
        " answered_time = coalesce(answered_time, :now) where erasure_id = :id and service = :service"
        " returning service",
        {"id": erasure_id, "service": service, "count": removed_count, "now": now},
    )
    return rows.one_or_none() is not None


async def running(tx: Transaction, *, most: int) -> list[tuple[uuid.UUID, dt.datetime, frozenset[str]]]:
    """Give the erasures whose copies on the broker are still to be looked for, and their touchpoints."""
    rows = await tx.execute(
        "select e.erasure_id, e.requested_time, array_agg(cast(t.touchpoint_id as text)) as touchpoints"
        " from (select * from erasure where done_time is null and broker_done_time is null"
        " order by requested_time limit :most) e"
        " left join erasure_touchpoint t using (erasure_id) group by e.erasure_id, e.requested_time",
        {"most": most},
    )
    return [(row.erasure_id, row.requested_time, frozenset(filter(None, row.touchpoints))) for row in rows]


async def add_broker_count(tx: Transaction, erasure_id: uuid.UUID, count: int) -> None:
    """Count copies that were deleted from streams."""
    await tx.execute(
        "update erasure set broker_count = broker_count + :count where erasure_id = :id",
        {"id": erasure_id, "count": count},
    )


async def set_broker_done(
    tx: Transaction, erasure_id: uuid.UUID, touchpoint_ids: Collection[str], *, now: dt.datetime
) -> None:
    """Keep that a look through all streams found nothing more, and forget what was looked for.

    What has to be looked for since is looked for next.
    """
    await tx.execute(
        "delete from erasure_touchpoint where erasure_id = :id and touchpoint_id = any(cast(:ids as uuid[]))",
        {"id": erasure_id, "ids": list(touchpoint_ids)},
    )
    await tx.execute(
        "update erasure set broker_done_time = coalesce(broker_done_time, :now) where erasure_id = :id"
        " and not exists (select from erasure_touchpoint t where t.erasure_id = :id)",
        {"id": erasure_id, "now": now},
    )


async def reopen(tx: Transaction, late: Mapping[uuid.UUID, dt.datetime]) -> None:
    """Let the copies of touchpoints that came late be looked for, each with the erasure of that moment."""
    await tx.execute(
        """
        with late as (
            insert into erasure_touchpoint (erasure_id, touchpoint_id)
            select erasure_id, id from unnest(cast(:ids as uuid[]), cast(:times as timestamptz[])) as t (id, time)
            join erasure on requested_time = time on conflict do nothing returning erasure_id
        )
        update erasure set broker_done_time = null, done_time = null
        where erasure_id in (select erasure_id from late)""",
        {"ids": list(late), "times": list(late.values())},
    )


async def finish(tx: Transaction, erasure_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Declare an erasure done if nothing is missing."""
    await tx.execute(
        "update erasure set done_time = :now where erasure_id = :id and done_time is null"
        " and broker_done_time is not null and not exists"
        " (select from erasure_answer a where a.erasure_id = :id and answered_time is null)",
        {"id": erasure_id, "now": now},
    )
