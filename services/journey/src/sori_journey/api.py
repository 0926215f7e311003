"""The gRPC edge of journey."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator

from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori_journey import usecases, wire
from sori_journey.settings import Settings
from sori_kit import parse, rpc
from sori_kit.database import Database


class JourneyApi(pb_grpc.JourneyServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings

    async def GetCustomer(self, request: pb.GetCustomerRequest, context: rpc.Context) -> pb.GetCustomerResponse:
        """Give a customer's profile."""
        found = await usecases.get_customer(self._db, parse.uuid(request.customer_id, "customer_id"))
        return pb.GetCustomerResponse(customer=wire.customer(found))

    async def FindCustomer(self, request: pb.FindCustomerRequest, context: rpc.Context) -> pb.FindCustomerResponse:
        """Find the customer who has an identifier."""
        found = await usecases.find_customer(self._db, wire.identifier(request.identifier))
        return pb.FindCustomerResponse(customer=wire.customer(found))

    async def GetTimeline(self, request: pb.GetTimelineRequest, context: rpc.Context) -> pb.GetTimelineResponse:
        """Give a page of a timeline, newest first."""
        size = parse.page_size(request.page_size)
        cursor = parse.decode_token(request.page_token, str, str)
        before = cursor and (dt.datetime.fromisoformat(str(cursor[0])), uuid.UUID(str(cursor[1])))
        entries = await usecases.get_timeline(
            self._db, parse.uuid(request.customer_id, "customer_id"), before=before or None, most=size + 1
        )
        shown = entries[:size]
        last = shown[-1] if len(entries) > size else None
        return pb.GetTimelineResponse(
            entries=map(wire.timeline_entry, shown),
            next_page_token=parse.encode_token(last.occurred_time.isoformat(), str(last.touchpoint_id)) if last else "",
        )

    async def WatchTimeline(
        self, request: pb.WatchTimelineRequest, context: rpc.Context
    ) -> AsyncIterator[pb.WatchTimelineResponse]:
        """Follow a timeline."""
        cursor = parse.decode_token(request.resume_token, int, field="resume_token")
        async for entry in usecases.watch_timeline(
            self._db,
            parse.uuid(request.customer_id, "customer_id"),
            after=int(cursor[0]) if cursor else None,
            every_seconds=self._settings.watch_seconds,
        ):
            yield pb.WatchTimelineResponse(
                entry=wire.timeline_entry(entry), resume_token=parse.encode_token(entry.arrival)
            )
