"""Reading what is in quarantine once more, after whatever was wrong has been mended."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import structlog
from google.protobuf.message import DecodeError

from sori.ingest.v1.submission_events_pb2 import SubmissionQuarantined
from sori.ingest.v1.touchpoint_pb2 import Touchpoint
from sori_ingest import channels, wire
from sori_ingest.channels import ADAPTERS
from sori_ingest.channels.payload import Adapter, Payload, Reading, Source, Unreadable
from sori_ingest.domain.outcomes import Violation
from sori_ingest.settings.options import Option
from sori_ingest.settings.sources import SourceConfig
from sori_ingest.usecases.quarantine import Selection, announce_end, selected
from sori_ingest.usecases.taking import Handed, Taken, take_in
from sori_kit.bus import Bus

log = structlog.get_logger()

Sources: TypeAlias = Mapping[str, SourceConfig]  # the sources in force, by name

_MOST = 100  # submissions in one call


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one submission that was read once more."""

    quarantine_id: str
    taken: Taken

    @property
    def released(self) -> bool:
        """Say whether it has left the quarantine."""
        return not self.taken.quarantine_id


class _Submitted:
    """Stands in for the adapter of what came over gRPC: that is a touchpoint already."""

    NAME = TITLE = DOCUMENT = CHANNEL = ""
    FIELDS: Mapping[str, str] = {}
    OPTIONS: Mapping[str, Option] = {}

    def read(self, payload: Payload, source: Source) -> Reading:
        try:
            return Reading(touchpoints=(Touchpoint.FromString(payload.body),))
        except DecodeError:
            raise Unreadable("not_a_touchpoint", "is no touchpoint") from None


async def replay(
    bus: Bus, selection: Selection, sources: Sources, *, now: dt.datetime, after: int = 0
) -> tuple[list[Replayed], int]:
    """Read submissions once more, oldest first; gives what became of each, and where to go on, 0 at the end.

    One leaves the quarantine once all that it holds is on disk. Repeating the call, or dying in it, does no harm.
    """
    selection.check()
    done: list[Replayed] = []
    async for sequence, kept in selected(bus, selection, after):
        if len(done) >= _MOST:
            return done, after
        after = sequence
        taken = await _take_again(bus, kept, sources, now)
        if not taken.quarantine_id:
            message = wire.submission_released(kept, (*taken.accepted, *taken.duplicates), now)
            await announce_end(bus, sequence, kept, message, now)
        done.append(Replayed(kept.quarantine_id, taken))
    log.info("quarantine.replayed", released=sum(each.released for each in done), count=len(done))
    return done, 0


async def _take_again(bus: Bus, kept: SubmissionQuarantined, sources: Sources, now: dt.datetime) -> Taken:
    adapter: Adapter | None = ADAPTERS.get(kept.adapter) if kept.adapter else _Submitted()
    problem = "was cut and cannot be read again" if kept.truncated else ""
    if adapter is None:
        problem = "is of an adapter that is no more"
    if problem or adapter is None:
        violation = Violation("", problem)
        return Taken(quarantine_id=kept.quarantine_id, reason=kept.reason, violations=(violation,))
    config = sources.get(kept.source)
    source = channels.configured(config) if config else Source(name=kept.source)
    return await take_in(bus, Handed(adapter=adapter, payload=wire.payload(kept), source=source, keep=False), now=now)
