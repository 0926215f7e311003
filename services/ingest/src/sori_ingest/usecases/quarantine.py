"""The quarantine: what could not be understood, each under a subject of its own on the service's stream."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import structlog
from google.protobuf.message import Message

from sori.ingest.v1.submission_events_pb2 import SubmissionQuarantined
from sori_ingest import wire
from sori_kit import ids
from sori_kit.bus import Bus, Stored
from sori_kit.envelope import Envelope, Event, event_type, seal
from sori_kit.errors import InvalidInput, NotFound

log = structlog.get_logger()

_TYPE = event_type(SubmissionQuarantined)
_ALL = f"{_TYPE.rpartition('.')[0]}.>"  # Those of earlier versions stood under the type itself.
_PAGE_BYTES = 2 << 20  # A page ends after the submission that goes beyond this: gRPC clients take 4 MiB by default.
_READ_AHEAD = 16  # submissions, each up to 1 MiB
_MOST_LOGGED = 20  # ids in one line of log
_MOST_NAMED = 1_000  # submissions in one selection


async def keep(bus: Bus, kept: Sequence[SubmissionQuarantined], *, now: dt.datetime, traceparent: str) -> None:
    """Put submissions into quarantine; one that is there already is not put there again. Returns when all are on disk.

    The broker's window catches what comes twice at a time, the look beforehand what comes again after days.
    """
    there = await asyncio.gather(*(_find(bus, each.quarantine_id) for each in kept))
    new = [each for each, found in zip(kept, there, strict=True) if found is None]
    await bus.publish_sealed([_seal(bus, each, now, traceparent) for each in new])
    if new:
        log.info(
            "submissions.quarantined",
            count=len(new),
            quarantine_ids=[each.quarantine_id for each in new[:_MOST_LOGGED]],
        )


def _seal(bus: Bus, kept: SubmissionQuarantined, now: dt.datetime, traceparent: str) -> Envelope:
    event: Event[Message] = Event(
        event_id=kept.quarantine_id,
        message=kept,
        entity_id=kept.quarantine_id,
        time=now,
        correlation_id=kept.quarantine_id,
        traceparent=traceparent,
    )
    return seal(event, bus.source)._replace(subject=_subject(kept.quarantine_id))


def _subject(quarantine_id: str) -> str:
    return f"{_TYPE}.{quarantine_id}"


async def _find(bus: Bus, quarantine_id: str) -> Stored | None:
    found = await bus.read(_subject(quarantine_id), after=0, most=1)
    return found[0] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which submissions are meant: those named, or all of a source, for a reason, or at all."""

    quarantine_ids: tuple[str, ...] = ()
    source: str = ""
    reason: str = ""
    all: bool = False

    def check(self) -> None:
        """Refuse a selection that says nothing, or two things."""
        if len(self.quarantine_ids) > _MOST_NAMED:
            raise InvalidInput.of_field("selection.quarantine_ids", f"are more than {_MOST_NAMED:,}")
        if self.quarantine_ids and (self.source or self.reason or self.all):
            raise InvalidInput.of_field("selection", "names submissions and says which else are meant")
        if not (self.quarantine_ids or self.source or self.reason or self.all):
            raise InvalidInput.of_field("selection", "is missing; `all` means all")

    def fits(self, kept: SubmissionQuarantined) -> bool:
        """Say whether a submission is of this source and there for this reason."""
        return self.source in ("", kept.source) and self.reason in ("", kept.reason)


async def list_quarantine(
    bus: Bus, *, after: int, most: int, source: str = "", reason: str = ""
) -> tuple[list[tuple[int, SubmissionQuarantined]], bool]:
    """Read a page of the quarantine after a stream sequence, oldest first; says whether more may follow."""
    page: list[tuple[int, SubmissionQuarantined]] = []
    size = 0
    async for sequence, kept in _read(bus, Selection(source=source, reason=reason), after):
        if len(page) >= most or size > _PAGE_BYTES:
            return page, True
        page.append((sequence, kept))
        size += kept.ByteSize()
    return page, False


async def _read(bus: Bus, selection: Selection, after: int) -> AsyncIterator[tuple[int, SubmissionQuarantined]]:
    while found := await bus.read(_ALL, after=after, most=_READ_AHEAD):
        for stored in found:
            after = stored.sequence
            kept = wire.quarantined(stored)
            if selection.fits(kept):
                yield stored.sequence, kept


async def count_quarantine(bus: Bus) -> int:
    """Count what is in quarantine."""
    return await bus.count(_ALL)


async def get_quarantined(bus: Bus, quarantine_id: str) -> tuple[int, SubmissionQuarantined]:
    """Give one submission, with its place in the stream."""
    if found := await _find(bus, quarantine_id):
        return found.sequence, wire.quarantined(found)
    async for sequence, kept in _read(bus, Selection(), 0):  # From before each had a subject of its own.
        if kept.quarantine_id == quarantine_id:
            return sequence, kept
    raise NotFound(f"submission {quarantine_id} is not in quarantine")


async def selected(bus: Bus, selection: Selection, after: int) -> AsyncIterator[tuple[int, SubmissionQuarantined]]:
    """Read what a selection means, oldest first, after a stream sequence; one that is named and missing is NotFound."""
    if selection.quarantine_ids:
        named = [await get_quarantined(bus, each) for each in dict.fromkeys(selection.quarantine_ids)]
        for sequence, kept in sorted(named, key=lambda each: each[0]):
            if sequence > after:
                yield sequence, kept
        return
    async for sequence, kept in _read(bus, selection, after):
        yield sequence, kept


async def discard(bus: Bus, selection: Selection, *, now: dt.datetime) -> int:
    """Throw submissions away; says how many. What is gone meanwhile is not counted."""
    selection.check()
    count = 0
    async for sequence, kept in selected(bus, selection, 0):
        await announce_end(bus, sequence, kept, wire.submission_discarded(kept, now), now)
        count += 1
    log.info("quarantine.discarded", count=count)
    return count


async def announce_end(
    bus: Bus, sequence: int, kept: SubmissionQuarantined, message: Message, now: dt.datetime
) -> None:
    """Say what ended a submission's quarantine, then take it out; a crash between the two is mended by a repeat."""
    event_id = ids.derived("quarantine-end", kept.quarantine_id, str(sequence))
    await bus.publish(
        [
            Event(
                event_id=event_id,
                message=message,
                entity_id=kept.quarantine_id,
                time=now,
                correlation_id=kept.quarantine_id,
                causation_id=kept.quarantine_id,
            )
        ]
    )
    await bus.delete(bus.stream, sequence)
