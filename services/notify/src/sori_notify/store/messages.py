"""Touchpoints of threads."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sori_kit.database import Transaction
from sori_notify.domain import Actor, Channel, Kind, Message, Metric, Promise, Severity
from sori_notify.domain.policy import first_response
from sori_notify.store.corrections import corrected_topics
from sori_notify.store.promises import add_promises, load_promises
from sori_notify.store.tables import THREAD_EVENT, Row, listed, query, words

_ACTORS, _KINDS, _CHANNELS, _SEVERITIES = words(Actor), words(Kind), words(Channel), words(Severity)
_LOAD = query(THREAD_EVENT, "case_id = any($1) and actor <> 'bot'")


async def cases_of(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Give the threads to which earlier revisions of these touchpoints belong."""
    rows = await tx.execute(
        "select case_id from thread_event where touchpoint_id = any(cast(:ids as uuid[]))",
        {"ids": list(touchpoint_ids)},
    )
    return list(rows.scalars())


async def add_messages(tx: Transaction, messages: Collection[Message]) -> None:
    """Keep messages, each touchpoint once; a newer revision replaces an older one whichever comes first."""
    promised = [each.promise for each in messages if each.promise]
    await add_promises(tx, promised)
    await tx.execute(
        """
        insert into thread_event (touchpoint_id, revision, case_id, source, thread_id, actor, kind, channel, org_unit,
            topics, customer_id, occurred_time, opens, policy, target, promise_version, public, severity, segments,
            grouped, given_id, given_version)
        select * from unnest(cast(:touchpoint_ids as uuid[]), cast(:revisions as bigint[]), cast(:case_ids as uuid[]),
            cast(:sources as text[]), cast(:thread_ids as text[]), cast(:actors as text[]), cast(:kinds as text[]),
            cast(:channels as text[]), cast(:org_units as text[]), cast(:topics as jsonb[]),
            cast(:customer_ids as uuid[]), cast(:occurred_times as timestamptz[]), cast(:opens as boolean[]),
            cast(:policies as text[]), cast(:targets as interval[]), cast(:promise_versions as text[]),
            cast(:public as boolean[]), cast(:severities as text[]), cast(:segments as jsonb[]),
            cast(:grouped as boolean[]), cast(:given_ids as uuid[]), cast(:given_versions as bigint[]))
        on conflict (touchpoint_id) do update set revision = excluded.revision, case_id = excluded.case_id,
            source = excluded.source, thread_id = excluded.thread_id, actor = excluded.actor, kind = excluded.kind,
            channel = excluded.channel, org_unit = excluded.org_unit, topics = excluded.topics,
            customer_id = excluded.customer_id, occurred_time = excluded.occurred_time, opens = excluded.opens,
            policy = excluded.policy, target = excluded.target, promise_version = excluded.promise_version,
            public = excluded.public, severity = excluded.severity, segments = excluded.segments,
            grouped = excluded.grouped, given_id = excluded.given_id, given_version = excluded.given_version
        where thread_event.revision < excluded.revision""",
        {  # Words are texts as they are: `value` takes as long as all else of a column.
            "touchpoint_ids": [each.touchpoint_id for each in messages],
            "revisions": [each.revision for each in messages],
            "case_ids": [each.case_id for each in messages],
            "sources": [each.source for each in messages],
            "thread_ids": [each.thread_id for each in messages],
            "actors": [each.actor for each in messages],
            "kinds": [each.kind for each in messages],
            "channels": [each.channel for each in messages],
            "org_units": [each.org_unit for each in messages],
            "topics": [listed(each.topics) for each in messages],
            "customer_ids": [each.customer_id for each in messages],
            "occurred_times": [each.occurred_time for each in messages],
            "opens": [each.opens for each in messages],
            "policies": [each.promise and each.promise.policy for each in messages],
            "targets": [_first_response(each.promise) for each in messages],
            "promise_versions": [each.promise and each.promise.version for each in messages],
            "public": [each.public for each in messages],
            "severities": [each.severity for each in messages],
            "segments": [listed(each.segments) for each in messages],
            "grouped": [each.grouped for each in messages],
            "given_ids": [each.given and each.given.customer_id for each in messages],
            "given_versions": [each.given.graph_version if each.given else 0 for each in messages],
        },
    )


def _first_response(promise: Promise | None) -> Any:
    target = promise and promise.target(Metric.FIRST_RESPONSE)
    return target and target.amount


async def load_messages(tx: Transaction, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Message]]:
    """Load the messages of threads, as far as they decide anything."""
    rows = await tx.fetch(_LOAD, list(keys))
    promises = await load_promises(tx, {row["promise_version"] for row in rows if row["promise_version"]})
    topics = await corrected_topics(tx, keys)
    found: defaultdict[uuid.UUID, list[Message]] = defaultdict(list)
    for row in rows:
        found[row["case_id"]].append(_message(row, promises, topics))
    return found


def _message(row: Row, promises: Mapping[str, Promise], topics: Mapping[uuid.UUID, tuple[str, ...]]) -> Message:
    version, channel = row["promise_version"], row["channel"]
    promise = promises[version] if version else None
    if promise is None and row["policy"] is not None and row["target"] is not None:
        promise = first_response(row["policy"], row["target"])
    return Message(
        touchpoint_id=row["touchpoint_id"],
        revision=row["revision"],
        case_id=row["case_id"],
        source=row["source"],
        thread_id=row["thread_id"],
        actor=_ACTORS[row["actor"]],
        kind=_KINDS[row["kind"]],
        channel=_CHANNELS[channel] if channel else None,
        org_unit=row["org_unit"],
        topics=topics.get(row["touchpoint_id"], tuple(row["topics"])),
        customer_id=row["customer_id"],
        occurred_time=row["occurred_time"],
        opens=row["opens"],
        promise=promise,
        public=row["public"],
        severity=_SEVERITIES[row["severity"]],
        segments=tuple(row["segments"]),
        grouped=row["grouped"],
    )
