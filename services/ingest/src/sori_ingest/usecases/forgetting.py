"""Taking out of the quarantine what is about people who were erased."""

import asyncio
import contextlib
import datetime as dt

import structlog
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from sori.ingest.v1.submission_events_pb2 import SubmissionQuarantined
from sori.ingest.v1.touchpoint_pb2 import Touchpoint
from sori.journey.v1.customer_events_pb2 import CustomerErased
from sori_ingest import wire
from sori_ingest.channels import traces
from sori_ingest.model import Journey
from sori_ingest.usecases.quarantine import Selection, announce_end, selected
from sori_kit.bus import Batch, Bus

log = structlog.get_logger()


async def forget(bus: Bus, journey: Journey, batch: Batch[CustomerErased], *, now: dt.datetime) -> None:
    """Throw away each submission that names somebody who was erased, whoever that is, and say that it is done.

    Doing it again, or dying in it, does no harm.
    """
    removed = 0
    async for sequence, kept in selected(bus, Selection(all=True), 0):
        if await journey.knows_erased(await asyncio.to_thread(_candidates, kept)):
            await announce_end(bus, sequence, kept, wire.submission_discarded(kept, now), now)
            removed += 1
    log.info("quarantine.forgotten", count=removed)
    for erasure_id in dict.fromkeys(event.message.erasure_id for event in batch):
        await journey.answer(erasure_id, removed)
        removed = 0  # Each is counted once.


def _candidates(kept: SubmissionQuarantined) -> set[str]:
    told = "\n".join([kept.source, *kept.headers.values(), *kept.query.values()])
    return traces.candidates(_written(kept), kept.adapter) | traces.candidates(told.encode(), kept.adapter)


def _written(kept: SubmissionQuarantined) -> bytes:
    if not kept.adapter:  # A touchpoint, where nothing stands between one text and the next.
        with contextlib.suppress(DecodeError):
            return json_format.MessageToJson(Touchpoint.FromString(kept.payload), ensure_ascii=False).encode()
    return kept.payload
