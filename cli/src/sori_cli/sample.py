"""The sample company, handed in through the public APIs."""

import asyncio
import datetime as dt
import itertools
import time
from dataclasses import dataclass, field

import grpc
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sori.ee_feedback.v1 import ee_feedback_service_pb2 as pb
from sori.ee_feedback.v1 import ee_feedback_service_pb2_grpc as pb_grpc
from sori_cli import screen, submission
from sori_cli.client import Peer, Platform
from sori_cli.submission import Answer, Item
from sori_kit import ids
from sori_sample import Sample, generate

_BATCH = 200  # touchpoints
_RESPONSES = 5_000  # in one request
_PATIENCE_SECONDS = 120.0


@dataclass
class Fed:
    """What was handed in, and what was answered."""

    submitted: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    references: dict[str, str] = field(default_factory=dict)  # by touchpoint id: source and external id
    voices: int = 0  # responses with words


async def feed(platform: Platform, *, seed: int, end: dt.date) -> Fed:
    """Hand in the month that ends with `end`; doing so again adds nothing."""
    with screen.out.status("making up the sample company …"):
        made = await asyncio.to_thread(generate, seed=seed, end=end + dt.timedelta(days=1))
    fed = Fed(submitted=len(made.touchpoints), voices=sum(bool(each.text) for each in made.responses))
    await _touchpoints(platform, made, fed)
    async with platform.calling("ee-feedback", "admin") as peer:
        await _responses(peer, made, f"{seed} {end.isoformat()}")
    screen.out.print(f"[green]✓[/] staff: {len(made.responses):,} answers, {fed.voices:,} of them with words")
    return fed


async def _touchpoints(platform: Platform, made: Sample, fed: Fed) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.out) as progress:
        task = progress.add_task("touchpoints", total=fed.submitted)

        def answered(answer: Answer) -> None:
            _count(fed, answer)
            progress.update(task, advance=len(answer.batch))

        items = (Item(place, touchpoint) for place, touchpoint in enumerate(made.touchpoints))
        async with platform.calling("ingest", "ingest.write") as peer:
            await submission.submit(peer, submission.batches(items, _BATCH), answered)


def _count(fed: Fed, answer: Answer) -> None:
    for item, result in zip(answer.batch, answer.results, strict=True):
        outcome = result.WhichOneof("outcome")
        if outcome == "rejected":
            fed.quarantined += 1
            continue
        fed.accepted += outcome == "accepted"
        fed.duplicates += outcome == "duplicate"
        touchpoint_id = result.accepted.touchpoint_id or result.duplicate.touchpoint_id
        fed.references[touchpoint_id] = f"{item.touchpoint.source} {item.touchpoint.external_id}"


async def _responses(peer: Peer, made: Sample, name: str) -> None:
    stub = pb_grpc.EeFeedbackServiceStub(peer.channel)
    for number, start in enumerate(itertools.count(0, _RESPONSES)):
        part = made.responses[start : start + _RESPONSES]
        if not part:
            return
        request = pb.ImportResponsesRequest(request_id=str(ids.derive("sample", name, str(number))), responses=part)
        await _patiently(stub, request, peer)


async def _patiently(
    stub: pb_grpc.EeFeedbackServiceStub, request: pb.ImportResponsesRequest, peer: Peer
) -> pb.ImportResponsesResponse:
    """Import, however often the service goes away meanwhile: the request id makes it one."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await stub.ImportResponses(request, metadata=peer.metadata, timeout=60)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > until:
                raise
        await asyncio.sleep(0.5)
