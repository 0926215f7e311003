"""The gRPC edge of notify."""

import datetime as dt
import uuid

from sori.notify.v1 import notify_service_pb2 as pb
from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori_kit import auth, parse, rpc
from sori_kit.clock import Clock
from sori_kit.database import Database
from sori_kit.errors import InvalidInput
from sori_notify import domain, usecases, wire


class NotifyApi(pb_grpc.NotifyServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def ListCases(self, request: pb.ListCasesRequest, context: rpc.Context) -> pb.ListCasesResponse:
        """Give a page of the cases that the caller may see."""
        size = parse.page_size(request.page_size)
        cases = await usecases.list_cases(
            self._db,
            domain.visible(auth.caller().roles),
            state=wire.case_state(request.state),
            clock_state=wire.clock_state(request.clock_state),
            org_unit=request.org_unit,
            before=_cursor(request.page_token),
            most=size + 1,
        )
        shown = cases[:size]
        last = shown[-1] if len(cases) > size else None
        return pb.ListCasesResponse(
            cases=map(wire.case, shown),
            next_page_token=parse.encode_token(last.opened_time.isoformat(), str(last.case_id)) if last else "",
        )

    async def AcknowledgeCase(
        self, request: pb.AcknowledgeCaseRequest, context: rpc.Context
    ) -> pb.AcknowledgeCaseResponse:
        """Note that the caller took a case."""
        caller = auth.caller()
        case = await usecases.acknowledge_case(
            self._db,
            parse.uuid(request.case_id, "case_id"),
            domain.visible(caller.roles),
            by=caller.subject,
            now=self._clock.now(),
        )
        return pb.AcknowledgeCaseResponse(case=wire.case(case))

    async def ResolveCase(self, request: pb.ResolveCaseRequest, context: rpc.Context) -> pb.ResolveCaseResponse:
        """Note that a case is done."""
        caller = auth.caller()
        case = await usecases.resolve_case(
            self._db,
            parse.uuid(request.case_id, "case_id"),
            domain.visible(caller.roles),
            by=caller.subject,
            now=self._clock.now(),
        )
        return pb.ResolveCaseResponse(case=wire.case(case))

    async def GetTally(self, request: pb.GetTallyRequest, context: rpc.Context) -> pb.GetTallyResponse:
        """Count everything."""
        return wire.tally(await usecases.get_tally(self._db, now=self._clock.now()))


def _cursor(token: str) -> tuple[dt.datetime, uuid.UUID] | None:
    parts = parse.decode_token(token, str, str)
    if parts is None:
        return None
    try:
        return dt.datetime.fromisoformat(str(parts[0])), uuid.UUID(str(parts[1]))
    except ValueError:
        raise InvalidInput.of_field("page_token", "was not made by this service") from None
