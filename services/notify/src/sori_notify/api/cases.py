"""Cases: read, followed, acted on."""

import uuid
from collections.abc import AsyncIterator

from sori.notify.v1 import notify_service_pb2 as pb
from sori_kit import auth, parse, rpc
from sori_kit.errors import InvalidInput
from sori_notify import domain, usecases, wire
from sori_notify.api.edge import Edge, cursor, resumed, wanted
from sori_notify.domain import ActKind, Case

_MOST_TAGS, _LONGEST_TAG = 20, 64
_LONGEST_NAME = 128  # characters of a team or person


class CasesApi:
    """What people read of cases and do to them."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def ListCases(self, request: pb.ListCasesRequest, context: rpc.Context) -> pb.ListCasesResponse:
        """Give a page of the cases that the caller may see."""
        size = parse.page_size(request.page_size)
        cases = await usecases.list_cases(
            self._edge.db,
            wanted(request, state=request.state, clock_state=request.clock_state),
            before=cursor(request.page_token),
            most=size + 1,
        )
        shown = cases[:size]
        last = shown[-1] if len(cases) > size else None
        return pb.ListCasesResponse(
            cases=map(wire.case, shown),
            next_page_token=parse.encode_token(last.opened_time.isoformat(), str(last.case_id)) if last else "",
        )

    async def GetCase(self, request: pb.GetCaseRequest, context: rpc.Context) -> pb.GetCaseResponse:
        """Give a case with its messages, its log and what to do about it."""
        found = await self._particulars(request.case_id)
        own = self._edge.policies().playbook(found.case.topics, found.case.severity)
        playbook = domain.together(own, found.learnt)
        return pb.GetCaseResponse(
            case=wire.case(found.case),
            messages=map(wire.case_message, found.messages),
            log=map(wire.log_entry, found.acts),
            playbook=playbook.text if playbook else "",
            playbook_name=playbook.name if playbook else "",
            suggested_step=domain.suggested_step(found.case, playbook),
        )

    async def _particulars(self, case_id: str) -> usecases.Particulars:
        return await usecases.get_case(
            self._edge.db,
            parse.uuid(case_id, "case_id"),
            domain.visible(auth.caller().roles),
            now=self._edge.clock.now(),
        )

    async def ExplainClock(self, request: pb.ExplainClockRequest, context: rpc.Context) -> pb.ExplainClockResponse:
        """Give the evidence for a case's clocks."""
        metric = wire.metric(request.metric, "metric")
        found = await self._particulars(request.case_id)
        return pb.ExplainClockResponse(
            clocks=[
                wire.evidence(found.case, each)
                for each in found.case.clocks
                if metric in (None, each.metric) and request.instance in (0, each.instance)
            ]
        )

    async def WatchCases(
        self, request: pb.WatchCasesRequest, context: rpc.Context
    ) -> AsyncIterator[pb.WatchCasesResponse]:
        """Follow cases as they change."""
        after, cases = resumed(request.resume_token), wanted(request)
        if after is None:
            after = await usecases.begin_watch(self._edge.db)
        yield pb.WatchCasesResponse(resume_token=_token(after))
        async for at, case in usecases.watch_cases(
            self._edge.db,
            cases,
            after=after,
            every_seconds=self._edge.watch_seconds,
            stopping=self._edge.stopping,
        ):
            yield pb.WatchCasesResponse(case=wire.case(case), resume_token=_token(at))

    async def AcknowledgeCase(
        self, request: pb.AcknowledgeCaseRequest, context: rpc.Context
    ) -> pb.AcknowledgeCaseResponse:
        """Note that the caller took a case."""
        return pb.AcknowledgeCaseResponse(case=wire.case(await self._act(request.case_id, ActKind.ACKNOWLEDGE)))

    async def AssignCase(self, request: pb.AssignCaseRequest, context: rpc.Context) -> pb.AssignCaseResponse:
        """Give a case to a team or a person."""
        for field in ("team", "person"):
            if len(getattr(request, field)) > _LONGEST_NAME:
                raise InvalidInput.of_field(field, f"is longer than {_LONGEST_NAME} characters")
        case = await self._act(request.case_id, ActKind.ASSIGN, team=request.team, person=request.person)
        return pb.AssignCaseResponse(case=wire.case(case))

    async def SetPending(self, request: pb.SetPendingRequest, context: rpc.Context) -> pb.SetPendingResponse:
        """Note that a case waits for the customer, or does not any more."""
        kind = ActKind.RESUME if request.resume else ActKind.SET_PENDING
        return pb.SetPendingResponse(case=wire.case(await self._act(request.case_id, kind)))

    async def SetOnHold(self, request: pb.SetOnHoldRequest, context: rpc.Context) -> pb.SetOnHoldResponse:
        """Note that a case waits for somebody else, or does not any more."""
        kind = ActKind.RESUME if request.resume else ActKind.SET_ON_HOLD
        return pb.SetOnHoldResponse(case=wire.case(await self._act(request.case_id, kind)))

    async def SetSeverity(self, request: pb.SetSeverityRequest, context: rpc.Context) -> pb.SetSeverityResponse:
        """Note how severe a case is."""
        severity = wire.severity(request.severity, "severity")
        if severity is None:
            raise InvalidInput.of_field("severity", "is missing")
        case = await self._act(request.case_id, ActKind.SET_SEVERITY, severity=severity)
        return pb.SetSeverityResponse(case=wire.case(case))

    async def TagCase(self, request: pb.TagCaseRequest, context: rpc.Context) -> pb.TagCaseResponse:
        """Put tags on a case."""
        if not 1 <= len(request.tags) <= _MOST_TAGS or not all(1 <= len(each) <= _LONGEST_TAG for each in request.tags):
            raise InvalidInput.of_field("tags", f"are not 1 to {_MOST_TAGS} of 1 to {_LONGEST_TAG} characters")
        return pb.TagCaseResponse(
            case=wire.case(await self._act(request.case_id, ActKind.TAG, tags=tuple(request.tags)))
        )

    async def ResolveCase(self, request: pb.ResolveCaseRequest, context: rpc.Context) -> pb.ResolveCaseResponse:
        """Note that a case is done."""
        return pb.ResolveCaseResponse(case=wire.case(await self._act(request.case_id, ActKind.RESOLVE)))

    async def ReopenCase(self, request: pb.ReopenCaseRequest, context: rpc.Context) -> pb.ReopenCaseResponse:
        """Note that a case is not done after all."""
        return pb.ReopenCaseResponse(case=wire.case(await self._act(request.case_id, ActKind.REOPEN)))

    async def CloseCase(self, request: pb.CloseCaseRequest, context: rpc.Context) -> pb.CloseCaseResponse:
        """Note that a case is done for good."""
        return pb.CloseCaseResponse(case=wire.case(await self._act(request.case_id, ActKind.CLOSE)))

    async def GetTally(self, request: pb.GetTallyRequest, context: rpc.Context) -> pb.GetTallyResponse:
        """Count everything."""
        return wire.tally(await usecases.get_tally(self._edge.db, now=self._edge.clock.now()))

    async def _act(
        self,
        case_id: str,
        kind: ActKind,
        *,
        team: str = "",
        person: str = "",
        severity: domain.Severity | None = None,
        tags: tuple[str, ...] = (),
    ) -> Case:
        caller = auth.caller()
        return await usecases.act_on_case(
            self._edge.db,
            parse.uuid(case_id, "case_id"),
            domain.visible(caller.roles),
            kind,
            by=caller.subject,
            now=self._edge.clock.now(),
            team=team,
            person=person,
            severity=severity,
            tags=tags,
        )


def _token(after: tuple[int, uuid.UUID]) -> str:
    return parse.encode_token(after[0], str(after[1]))
