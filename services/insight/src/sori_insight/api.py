"""The gRPC edge of insight."""

import asyncio
import re
from collections.abc import AsyncIterator

from sori.insight.v1 import insight_service_pb2 as pb
from sori.insight.v1 import insight_service_pb2_grpc as pb_grpc
from sori_insight import domain, usecases, wire
from sori_insight.settings import Settings
from sori_insight.store.arrivals import Arrivals
from sori_kit import auth, parse, rpc
from sori_kit.database import Database
from sori_kit.errors import InvalidInput

_IDS = 10_000  # of touchpoints on one page
_TOKEN = re.compile(r"[0-9]{1,18}", re.ASCII)


class InsightApi(pb_grpc.InsightServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(self, db: Database, arrivals: Arrivals, settings: Settings, stopping: asyncio.Event) -> None:
        self._db = db
        self._arrivals = arrivals
        self._settings = settings
        self._stopping = stopping

    async def ListFeed(self, request: pb.ListFeedRequest, context: rpc.Context) -> pb.ListFeedResponse:
        """Give a page of the feed, latest arrival first."""
        viewer, size = _viewer(), parse.page_size(request.page_size)
        cursor = parse.decode_token(request.page_token, int)
        lines = await usecases.list_feed(
            self._db, _filter(request, viewer), before=int(cursor[0]) if cursor else None, most=size + 1
        )
        shown = lines[:size]
        return pb.ListFeedResponse(
            items=[wire.feed_item(line, viewer) for line in shown],
            next_page_token=parse.encode_token(shown[-1].arrival) if len(lines) > size else "",
            resume_token=str(shown[0].arrival if shown else 0),
        )

    async def WatchFeed(
        self, request: pb.WatchFeedRequest, context: rpc.Context
    ) -> AsyncIterator[pb.WatchFeedResponse]:
        """Follow the feed; the call's initial metadata says that following has begun."""
        viewer = _viewer()
        wanted = _filter(request, viewer)
        after = _arrival(request.resume_token)
        if after is None:
            after = await usecases.last_arrival(self._db)
        await context.send_initial_metadata(())
        async for line in usecases.watch_feed(
            self._db,
            self._arrivals,
            wanted,
            after=after,
            every_seconds=self._settings.watch_seconds,
            stopping=self._stopping,
        ):
            yield pb.WatchFeedResponse(item=wire.feed_item(line, viewer), resume_token=str(line.arrival))

    async def ListScorecards(
        self, request: pb.ListScorecardsRequest, context: rpc.Context
    ) -> pb.ListScorecardsResponse:
        """Give customers' and employees' figures side by side."""
        figures = await usecases.list_scorecards(self._db, request.org_unit)
        return pb.ListScorecardsResponse(scorecards=map(wire.scorecard, figures))

    async def GetTally(self, request: pb.GetTallyRequest, context: rpc.Context) -> pb.GetTallyResponse:
        """Say how much is on the feed."""
        return wire.tally(await usecases.get_tally(self._db))

    async def ListTouchpointIds(
        self, request: pb.ListTouchpointIdsRequest, context: rpc.Context
    ) -> pb.ListTouchpointIdsResponse:
        """Give the ids of the touchpoints on the feed."""
        size = parse.page_size(request.page_size, usual=_IDS, most=_IDS)
        cursor = parse.decode_token(request.page_token, str)
        after = parse.uuid(str(cursor[0]), "page_token") if cursor else None
        found = await usecases.list_touchpoint_ids(self._db, after=after, most=size + 1)
        return pb.ListTouchpointIdsResponse(
            touchpoint_ids=map(str, found[:size]),
            next_page_token=parse.encode_token(str(found[size - 1])) if len(found) > size else "",
        )


def _viewer() -> domain.Viewer:
    return domain.Viewer.with_roles(auth.caller().roles)


def _filter(request: pb.ListFeedRequest | pb.WatchFeedRequest, viewer: domain.Viewer) -> domain.Filter:
    return domain.Filter(wire.kind(request.kind), request.org_unit, viewer.sees_staff_cases)


def _arrival(token: str) -> int | None:
    """Read a resume token, None for from now on."""
    if token and not _TOKEN.fullmatch(token):
        raise InvalidInput.of_field("resume_token", "was not made by this service")
    return int(token) if token else None
