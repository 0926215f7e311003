"""The gRPC edge of ingest."""

from collections.abc import AsyncIterable, AsyncIterator

from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from sori.ingest.v1 import touchpoint_pb2
from sori_ingest import usecases, wire
from sori_ingest.channels import CHANNELS
from sori_ingest.domain import rules
from sori_ingest.settings import Settings
from sori_ingest.settings.sources import SourceFile
from sori_kit import parse, rpc, telemetry
from sori_kit.bus import Bus
from sori_kit.clock import Clock
from sori_kit.errors import InvalidInput

_CHANNEL = CHANNELS["generic"]


class IngestApi(pb_grpc.IngestServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(self, bus: Bus, sources: SourceFile, clock: Clock, settings: Settings) -> None:
        self._bus = bus
        self._sources = sources
        self._clock = clock
        self._settings = settings

    async def SubmitTouchpoint(
        self, request: pb.SubmitTouchpointRequest, context: rpc.Context
    ) -> pb.SubmitTouchpointResponse:
        """Take one touchpoint."""
        outcome = await usecases.submit_one(
            self._bus, _CHANNEL, request.touchpoint, now=self._clock.now(), traceparent=telemetry.traceparent()
        )
        return pb.SubmitTouchpointResponse(result=wire.result(0, outcome))

    async def SubmitTouchpoints(
        self, request: pb.SubmitTouchpointsRequest, context: rpc.Context
    ) -> pb.SubmitTouchpointsResponse:
        """Take a batch; each touchpoint gets its own answer."""
        if not 1 <= len(request.touchpoints) <= rules.MOST_TOUCHPOINTS:
            raise InvalidInput.of_field("touchpoints", f"are not 1 to {rules.MOST_TOUCHPOINTS:,}")
        outcomes = await usecases.submit(
            self._bus, _CHANNEL, request.touchpoints, now=self._clock.now(), traceparent=telemetry.traceparent()
        )
        return wire.results(outcomes)

    async def StreamTouchpoints(
        self, request: AsyncIterable[pb.StreamTouchpointsRequest], context: rpc.Context
    ) -> pb.StreamTouchpointsResponse:
        """Take a stream; answers when all of it is on disk."""
        tally = await usecases.submit_stream(
            self._bus,
            _CHANNEL,
            _touchpoints(request),
            clock=self._clock,
            traceparent=telemetry.traceparent(),
            chunk=self._settings.stream_chunk,
            publishes=self._settings.stream_publishes,
        )
        return pb.StreamTouchpointsResponse(
            accepted_count=tally.accepted,
            duplicate_count=tally.duplicates,
            quarantined_count=tally.quarantined,
            rejections=[wire.result(*each) for each in tally.rejections],
        )

    async def ListQuarantine(
        self, request: pb.ListQuarantineRequest, context: rpc.Context
    ) -> pb.ListQuarantineResponse:
        """Give a page of the quarantine."""
        cursor = parse.decode_token(request.page_token, int)
        page, more = await usecases.list_quarantine(
            self._bus,
            after=int(cursor[0]) if cursor else 0,
            most=parse.page_size(request.page_size),
            source=request.source,
            reason=request.reason,
        )
        return pb.ListQuarantineResponse(
            submissions=[kept for _, kept in page],
            next_page_token=parse.encode_token(page[-1][0]) if more else "",
            total_count=await usecases.count_quarantine(self._bus),
        )

    async def GetQuarantined(
        self, request: pb.GetQuarantinedRequest, context: rpc.Context
    ) -> pb.GetQuarantinedResponse:
        """Give one submission that is in quarantine."""
        quarantine_id = str(parse.uuid(request.quarantine_id, "quarantine_id"))
        _, kept = await usecases.get_quarantined(self._bus, quarantine_id)
        return pb.GetQuarantinedResponse(submission=kept)

    async def ReplayQuarantined(
        self, request: pb.ReplayQuarantinedRequest, context: rpc.Context
    ) -> pb.ReplayQuarantinedResponse:
        """Read submissions once more."""
        cursor = parse.decode_token(request.token, int, field="token")
        replayed, after = await usecases.replay(
            self._bus,
            _selection(request.selection),
            self._sources.current,
            now=self._clock.now(),
            after=int(cursor[0]) if cursor else 0,
        )
        return pb.ReplayQuarantinedResponse(
            results=map(_replay_result, replayed), next_token=parse.encode_token(after) if after else ""
        )

    async def DiscardQuarantined(
        self, request: pb.DiscardQuarantinedRequest, context: rpc.Context
    ) -> pb.DiscardQuarantinedResponse:
        """Throw submissions away."""
        count = await usecases.discard(self._bus, _selection(request.selection), now=self._clock.now())
        return pb.DiscardQuarantinedResponse(discarded_count=count)


def _selection(given: pb.QuarantineSelection) -> usecases.Selection:
    return usecases.Selection(
        quarantine_ids=tuple(str(parse.uuid(each, "selection.quarantine_ids")) for each in given.quarantine_ids),
        source=given.source,
        reason=given.reason,
        all=given.all,
    )


def _replay_result(replayed: usecases.Replayed) -> pb.ReplayResult:
    taken = replayed.taken
    if replayed.released:
        return wire.released(replayed.quarantine_id, taken.accepted, taken.duplicates, len(taken.ignored))
    return wire.still_quarantined(replayed.quarantine_id, taken.violations)


async def _touchpoints(
    requests: AsyncIterable[pb.StreamTouchpointsRequest],
) -> AsyncIterator[touchpoint_pb2.Touchpoint]:
    async for request in requests:
        yield request.touchpoint
