"""Write what became of cases, and announce it."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.message import Message

from sori.notify.v1 import case_pb2
from sori_kit import ids, outbox
from sori_kit.database import Transaction
from sori_kit.envelope import Event
from sori_notify import domain, store, wire
from sori_notify.usecases.stops import heed

SOURCE = "sori/notify"


async def apply(
    tx: Transaction,
    dossiers: Iterable[domain.Dossier],
    verdicts: Sequence[domain.Verdict],
    causes: Mapping[uuid.UUID, Event[Message]],
    *,
    now: dt.datetime,
) -> None:
    """Write what differs, and announce what has to be announced; `causes` are by thread."""
    before = {case.case_id: case for dossier in dossiers for case in dossier.cases}
    armed = {each.case_id: each for dossier in dossiers for each in dossier.deadlines}
    await store.save(
        tx,
        [each.case for each in verdicts if each.case.version != _version(before.get(each.case.case_id))],
        list(before.values()),
    )
    await store.save_deadlines(
        tx, [each.deadline for each in verdicts if each.deadline and each.deadline != armed.get(each.case.case_id)]
    )
    await announce(tx, verdicts, causes, now=now)


def _version(case: domain.Case | None) -> int:
    return case.version if case else 0


async def announce(
    tx: Transaction,
    verdicts: Sequence[domain.Verdict],
    causes: Mapping[uuid.UUID, Event[Message]],
    *,
    now: dt.datetime,
) -> None:
    """Announce the turns of cases and their clocks if, and only if, this transaction commits."""
    turned = [each for each in verdicts if each.changes or each.warned or each.breached]
    await heed(tx, turned, now=now)
    await outbox.stage(
        tx,
        [
            Event.new(
                message,
                event_id=event_id,
                entity_id=told.case_id,
                time=now,
                cause=causes.get(verdict.case.thread_key or verdict.case.case_id) if causes else None,
                passed_on=field,
            )
            for verdict in turned
            for told in [wire.case(verdict.case)]
            for field in [wire.as_field(told)]  # Written once for all that is said of it.
            for event_id, message in _events(told, verdict, now)
        ],
        source=SOURCE,
    )


def _events(told: case_pb2.Case, verdict: domain.Verdict, now: dt.datetime) -> Iterable[tuple[str, Message]]:
    """Give what is to be said of a case, without the case itself."""
    case_id, version = told.case_id, str(told.version)
    for change in verdict.changes:
        once = change in (domain.Change.OPENED, domain.Change.ACKNOWLEDGED)
        event_id = ids.derived(f"case.{change.value}", case_id, *([] if once else [version]))
        yield event_id, wire.case_changed(change)
    for clock, percent in verdict.warned:
        parts = (case_id, clock.metric, str(clock.instance), str(percent), version)
        yield ids.derived("clock.warned", *parts), wire.clock_warned(told, clock, percent)
    for clock in verdict.breached:
        late = (now - (clock.breach_time or now)).total_seconds()
        which = (case_id, clock.metric, str(clock.instance), version)
        yield ids.derived("clock.breached", *which), wire.clock_breached(told, clock, late)
