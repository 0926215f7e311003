"""Take what arrives into cases."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from google.protobuf.message import Message

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Event
from sori_notify import domain, store, wire
from sori_notify.usecases.turns import announce, apply
from sori_notify.wire.touchpoints import grouped_key


async def follow(
    tx: Transaction,
    batch: Batch[TouchpointStitched],
    policies: domain.Policies,
    *,
    settle: dt.timedelta,
    now: dt.datetime,
) -> None:
    """Take touchpoints into the cases that they open, answer or resolve; nobody may say whose they are meanwhile."""
    messages: dict[uuid.UUID, domain.Message] = {}
    causes: dict[uuid.UUID, Event[Message]] = {}
    for event in batch:
        message = wire.message(event.message, policies)
        if message is not None:
            causes[message.case_id] = event
            known = messages.get(message.touchpoint_id)
            if known is None or known.revision < message.revision:
                messages[message.touchpoint_id] = message
    if messages:
        await take_in(tx, list(messages.values()), causes, settle=settle, now=now)


async def take_in(
    tx: Transaction,
    messages: Sequence[domain.Message],
    causes: Mapping[uuid.UUID, Event[Message]],
    *,
    settle: dt.timedelta,
    now: dt.datetime,
) -> set[uuid.UUID]:
    """Take messages into their threads, as above; gives the threads."""
    messages = await _settled(tx, messages)
    keys = {each.case_id for each in messages}
    touched = set(keys)
    edited = [each.touchpoint_id for each in messages if each.revision]
    if edited:  # An edit may have moved a touchpoint to another thread.
        touched.update(await store.cases_of(tx, edited))
    await store.hold(tx, touched)
    await store.add_messages(tx, messages)
    old = {each.case_id for each in messages if each.occurred_time < now - settle}
    await _review(tx, touched, causes, old=old, settle=settle, now=now)
    return keys


async def _review(
    tx: Transaction,
    keys: set[uuid.UUID],
    causes: Mapping[uuid.UUID, Event[Message]],
    *,
    old: set[uuid.UUID],
    settle: dt.timedelta,
    now: dt.datetime,
) -> None:
    dossiers = await store.load(tx, keys)
    verdicts = [
        verdict
        for key, dossier in dossiers.items()
        for verdict in domain.review(dossier, history=key in old, now=now, settle=settle)
    ]
    await apply(tx, list(dossiers.values()), verdicts, causes, now=now)


async def _settled(tx: Transaction, messages: Sequence[domain.Message]) -> list[domain.Message]:
    """Let messages belong to whom they belong by now, and what stands for a customer and a topic with them."""
    return [
        replace(each, case_id=grouped_key(each.customer_id, each.topics[0]))
        if each.grouped and each.customer_id
        else each
        for each in await store.customers.owned(tx, messages)
    ]


async def raise_flag(db: Database, batch: Batch[VoiceFlagged], *, now: dt.datetime) -> None:
    """Open a case for each flagged voice of an employee; nothing in it leads to the voice or its author."""
    async with db.handling(batch) as (tx, fresh):
        flags = [(event, wire.flag(event.message)) for event in fresh]
        opened = await store.add_cases(tx, [case for _, case in flags])
        await announce(
            tx,
            [
                domain.Verdict(case=case, deadline=None, changes=(domain.Change.OPENED,))
                for _, case in flags
                if case.case_id in opened
            ],
            {case.case_id: event for event, case in flags},
            now=now,
        )


async def merge(db: Database, batch: Batch[CustomerMerged], *, settle: dt.timedelta, now: dt.datetime) -> None:
    """Let the cases of merged customers, those to come too, belong to the ones that remain.

    Where customer and topic stand for a thread, two customers' cases about one topic become one.
    """
    async with db.handling(batch) as (tx, fresh):
        if len(fresh):
            merges = [wire.merge(event.message) for event in fresh]
            await store.customers.alone(tx)
            await store.customers.add_merges(tx, merges)
            concerned = {each for merge in merges for each in (merge.merged_id, merge.survivor_id)}
            touched = await store.customers.settle(tx, grouped_key, customers=concerned)
            await _look_again(tx, touched, settle=settle, now=now)


async def split(db: Database, batch: Batch[CustomerSplit], *, settle: dt.timedelta, now: dt.datetime) -> None:
    """Let touchpoints, and the cases that they stand for, belong to a customer who is somebody else after all."""
    async with db.handling(batch) as (tx, fresh):
        if len(fresh):
            splits = [wire.split(event.message) for event in fresh]
            await store.customers.alone(tx)
            await store.customers.add_splits(tx, splits)
            touched = await store.customers.settle(
                tx,
                grouped_key,
                customers={each.to.customer_id for each in splits},
                touchpoints={each for split in splits for each in split.touchpoint_ids},
            )
            await _look_again(tx, touched, settle=settle, now=now)


async def correct(
    db: Database, batch: Batch[ClassificationCorrected], *, settle: dt.timedelta, now: dt.datetime
) -> None:
    """Show cases under the topics that people say their messages have; what was promised stays promised."""
    async with db.handling(batch) as (tx, fresh):
        corrected = [each for event in fresh if (each := wire.corrected(event.message))]
        if corrected:
            await store.customers.alone(tx)
            ids = await store.add_corrections(tx, corrected)
            await _look_again(tx, set(await store.cases_of(tx, ids)), settle=settle, now=now)


async def _look_again(tx: Transaction, touched: set[uuid.UUID], *, settle: dt.timedelta, now: dt.datetime) -> None:
    if touched:
        await store.hold(tx, touched)
        await _review(tx, touched, {}, old=touched, settle=settle, now=now)


async def forget(db: Database, batch: Batch[CustomerErased]) -> None:
    """Forget customers who were erased, for ever; their cases stay, as nobody's."""
    async with db.handling(batch) as (tx, fresh):
        if len(fresh):
            parts: defaultdict[uuid.UUID, list[domain.Erased]] = defaultdict(list)
            for part in (wire.erased(event.message) for event in fresh):
                parts[part.erasure_id].append(part)
            await store.customers.alone(tx)
            for erasure_id, some in parts.items():
                await store.erasures.erase(tx, erasure_id, some)
