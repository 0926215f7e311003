"""The gRPC edge of journey."""

import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator, Callable

from google.protobuf import json_format

from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori_journey import domain, usecases, wire
from sori_journey.settings import Settings
from sori_kit import auth, parse, rpc
from sori_kit.clock import Clock
from sori_kit.database import Database
from sori_kit.errors import InvalidInput

_MOST_IDENTIFIERS = 100  # of one FindCustomers
_MAY_SEE_IDENTIFIERS = "cx.act"


def _masked() -> bool:
    """Say whether the caller sees identifiers masked: who may only read, does."""
    return _MAY_SEE_IDENTIFIERS not in auth.caller().roles


class JourneyApi(pb_grpc.JourneyServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        policy: Callable[[], domain.IdentityPolicy],
        clock: Clock,
        rulebook: Callable[[], usecases.Rulebook],
    ) -> None:
        self._db = db
        self._settings = settings
        self._identities = policy  # as it is now, as the rulebook
        self._clock = clock
        self._rulebook = rulebook

    @property
    def _policy(self) -> domain.IdentityPolicy:
        return self._identities()

    async def GetCustomer(self, request: pb.GetCustomerRequest, context: rpc.Context) -> pb.GetCustomerResponse:
        """Give a customer's profile."""
        wanted = parse.uuid(request.customer_id, "customer_id")
        found = await usecases.get_customer(self._db, wanted, self._policy)
        return pb.GetCustomerResponse(customer=wire.customer(found, masked=_masked()))

    async def FindCustomer(self, request: pb.FindCustomerRequest, context: rpc.Context) -> pb.FindCustomerResponse:
        """Find the customer who has an identifier."""
        found = await usecases.get_customer(self._db, wire.identifier(request.identifier), self._policy)
        return pb.FindCustomerResponse(customer=wire.customer(found, masked=_masked()))

    async def FindCustomers(self, request: pb.FindCustomersRequest, context: rpc.Context) -> pb.FindCustomersResponse:
        """Find all who have any of some identifiers."""
        if not 1 <= len(request.identifiers) <= _MOST_IDENTIFIERS:
            raise InvalidInput.of_field("identifiers", f"are not 1 to {_MOST_IDENTIFIERS}")
        wanted = [wire.identifier(each, f"identifiers[{n}]") for n, each in enumerate(request.identifiers)]
        found = await usecases.find_customers(self._db, wanted, self._policy)
        return pb.FindCustomersResponse(customers=[wire.customer(each, masked=_masked()) for each in found])

    async def GetTimeline(self, request: pb.GetTimelineRequest, context: rpc.Context) -> pb.GetTimelineResponse:
        """Give a page of a timeline, newest first."""
        size = parse.page_size(request.page_size)
        cursor = parse.decode_token(request.page_token, str, str)
        entries = await usecases.get_timeline(
            self._db,
            parse.uuid(request.customer_id, "customer_id"),
            wire.timeline_filter(request),
            before=_place(str(cursor[0]), str(cursor[1])) if cursor else None,
            most=size + 1,
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

    async def MergeCustomers(
        self, request: pb.MergeCustomersRequest, context: rpc.Context
    ) -> pb.MergeCustomersResponse:
        """Declare two customers to be one."""
        customer, decision_id = await usecases.merge(
            self._db,
            wire.reference(request.customer),
            wire.reference(request.other, "other"),
            self._policy,
            decided_by=auth.caller().subject,
            reason=wire.reason(request.reason),
            now=self._clock.now(),
        )
        return pb.MergeCustomersResponse(
            customer=wire.customer(customer, masked=_masked()), decision_id=str(decision_id or "")
        )

    async def SplitCustomer(self, request: pb.SplitCustomerRequest, context: rpc.Context) -> pb.SplitCustomerResponse:
        """Declare a customer to be two."""
        if not (request.identifiers or request.touchpoint_ids or request.merged_customer_ids):
            raise InvalidInput.of_field("identifiers", "are missing: name what is split off")
        parted = await usecases.split(
            self._db,
            wire.reference(request.customer),
            [wire.identifier(each, f"identifiers[{n}]") for n, each in enumerate(request.identifiers)],
            [parse.uuid(each, "touchpoint_ids") for each in request.touchpoint_ids],
            [parse.uuid(each, "merged_customer_ids") for each in request.merged_customer_ids],
            self._policy,
            decided_by=auth.caller().subject,
            reason=wire.reason(request.reason),
            now=self._clock.now(),
        )
        return pb.SplitCustomerResponse(
            customer=wire.customer(parted.customer, masked=_masked()),
            split_customers=[wire.customer(each, masked=_masked()) for each in parted.others],
            decision_id=str(parted.decision_id),
        )

    async def ExplainCustomer(
        self, request: pb.ExplainCustomerRequest, context: rpc.Context
    ) -> pb.ExplainCustomerResponse:
        """Say why a customer is one person."""
        if request.HasField("from") != request.HasField("to"):
            raise InvalidInput.of_field("to", "and `from` are given together or not at all")
        between = None
        if request.HasField("to"):
            between = wire.identifier(getattr(request, "from"), "from"), wire.identifier(request.to, "to")
        found = await usecases.explain(self._db, wire.reference(request.customer), self._policy, between=between)
        answer = pb.ExplainCustomerResponse(
            customer_id=str(found.customer_id),
            links=[wire.link(each, found.decisions) for each in found.links],
            detached=map(wire.detached, found.refusals),
            former_customer_ids=map(str, found.former_ids),
        )
        if _masked():
            for link in answer.links:
                wire.hide(link)
            for detached in answer.detached:
                wire.hide(detached)
        return answer

    async def RecordConsent(self, request: pb.RecordConsentRequest, context: rpc.Context) -> pb.RecordConsentResponse:
        """Keep what a customer said about a purpose."""
        now = self._clock.now()
        said = wire.said(request.consent, now=now)
        counts = await usecases.record_consent(self._db, wire.reference(request.customer), said, now=now)
        return pb.RecordConsentResponse(consent=wire.consent(counts, now=now))

    async def GetConsents(self, request: pb.GetConsentsRequest, context: rpc.Context) -> pb.GetConsentsResponse:
        """Say what a customer allows."""
        now = self._clock.now()
        found = await usecases.get_consents(self._db, wire.reference(request.customer), now=now)
        return pb.GetConsentsResponse(consents=[wire.consent(each, now=now) for each in found])

    async def ExportCustomer(
        self, request: pb.ExportCustomerRequest, context: rpc.Context
    ) -> AsyncIterator[pb.ExportCustomerResponse]:
        """Give everything that is held of a customer."""
        reference = wire.reference(request.customer)
        async for name, message in usecases.export(self._db, reference, self._policy, now=self._clock.now()):
            piece = {name: json_format.MessageToDict(message)}
            yield pb.ExportCustomerResponse(json=json.dumps(piece, ensure_ascii=False))

    async def EraseCustomer(self, request: pb.EraseCustomerRequest, context: rpc.Context) -> pb.EraseCustomerResponse:
        """Erase a customer."""
        erasure = await usecases.erase(
            self._db,
            wire.reference(request.customer),
            self._policy,
            self._settings.services(),
            requested_by=auth.caller().subject,
            reason=wire.reason(request.reason),
            now=self._clock.now(),
        )
        return pb.EraseCustomerResponse(erasure=wire.erasure(erasure))

    async def GetErasure(self, request: pb.GetErasureRequest, context: rpc.Context) -> pb.GetErasureResponse:
        """Say how far an erasure is."""
        found = await usecases.get_erasure(self._db, parse.uuid(request.erasure_id, "erasure_id"))
        return pb.GetErasureResponse(erasure=wire.erasure(found))

    async def AnswerErasure(self, request: pb.AnswerErasureRequest, context: rpc.Context) -> pb.AnswerErasureResponse:
        """Keep that another service's copies are gone."""
        if request.removed_count < 0:
            raise InvalidInput.of_field("removed_count", "is negative")
        erasure = await usecases.answer_erasure(
            self._db,
            parse.uuid(request.erasure_id, "erasure_id"),
            request.service,
            request.removed_count,
            now=self._clock.now(),
        )
        return pb.AnswerErasureResponse(erasure=wire.erasure(erasure))

    async def FindErased(self, request: pb.FindErasedRequest, context: rpc.Context) -> pb.FindErasedResponse:
        """Say which values named somebody who was erased."""
        return pb.FindErasedResponse(places=await usecases.find_erased(self._db, request.values))

    async def GetStageHistory(
        self, request: pb.GetStageHistoryRequest, context: rpc.Context
    ) -> pb.GetStageHistoryResponse:
        """Tell a customer's way through the stages."""
        now = self._clock.now()
        found = await usecases.get_stage_history(self._db, wire.reference(request.customer), self._rulebook(), now=now)
        return wire.stage_history(found.customer_id, found.course, now=now)

    async def ReplayStages(
        self, request: pb.ReplayStagesRequest, context: rpc.Context
    ) -> AsyncIterator[pb.ReplayStagesResponse]:
        """Replay the stage rules over all timelines."""
        async for each in usecases.replay_stages(self._db, self._rulebook(), now=self._clock.now()):
            yield pb.ReplayStagesResponse(done_count=each.done, total_count=each.total, changed_count=each.changed)

    async def GetJourneyMap(self, request: pb.GetJourneyMapRequest, context: rpc.Context) -> pb.GetJourneyMapResponse:
        """Give the map."""
        wanted, fewest = wire.map_filter(request.filter), wire.fewest_customers(request.fewest_customers)
        found, texts = await usecases.get_journey_map(self._db, wanted, self._rulebook(), now=self._clock.now())
        return wire.journey_map(found, texts, fewest=fewest)

    async def ListDropOffs(self, request: pb.ListDropOffsRequest, context: rpc.Context) -> pb.ListDropOffsResponse:
        """Give a page of customers who went no further."""
        size = parse.page_size(request.page_size)
        cursor = parse.decode_token(request.page_token, str, str)
        found = await usecases.list_drop_offs(
            self._db,
            wire.map_filter(request.filter),
            self._rulebook(),
            stage=wire.stage_or_none(request.stage),
            channel=wire.channel_or_none(request.channel),
            before=_place(str(cursor[0]), str(cursor[1])) if cursor else None,
            most=size + 1,
            now=self._clock.now(),
        )
        last = found[size - 1] if len(found) > size else None
        return pb.ListDropOffsResponse(
            drop_offs=map(wire.drop_off, found[:size]),
            next_page_token=parse.encode_token(last.time.isoformat(), str(last.customer_id)) if last else "",
        )

    async def ListSegments(self, request: pb.ListSegmentsRequest, context: rpc.Context) -> pb.ListSegmentsResponse:
        """Give the segments."""
        found = await usecases.list_segments(self._db, self._rulebook())
        return pb.ListSegmentsResponse(segments=[wire.segment(rule, count) for rule, count in found])

    async def ListSegmentMembers(
        self, request: pb.ListSegmentMembersRequest, context: rpc.Context
    ) -> pb.ListSegmentMembersResponse:
        """Give a page of a segment's members."""
        size = parse.page_size(request.page_size)
        cursor = parse.decode_token(request.page_token, str)
        found = await usecases.list_segment_members(
            self._db,
            self._rulebook(),
            request.segment,
            after=parse.uuid(str(cursor[0]), "page_token") if cursor else None,
            most=size + 1,
        )
        return pb.ListSegmentMembersResponse(
            members=[wire.segment_member(each.customer_id, each.entered_time) for each in found[:size]],
            next_page_token=parse.encode_token(str(found[size - 1].customer_id)) if len(found) > size else "",
        )

    async def GetCustomerFacts(
        self, request: pb.GetCustomerFactsRequest, context: rpc.Context
    ) -> pb.GetCustomerFactsResponse:
        """Give what is known of a customer's worth and mood."""
        found = await usecases.get_customer_facts(
            self._db, wire.reference(request.customer), self._rulebook(), now=self._clock.now()
        )
        risks = [wire.at_risk(each.path, each.risk) for each in found.risks]
        return wire.customer_facts(found.customer_id, found.facts, found.rfm, found.segments, risks)

    async def ListAtRisk(self, request: pb.ListAtRiskRequest, context: rpc.Context) -> pb.ListAtRiskResponse:
        """Give a page of customers at risk."""
        size = parse.page_size(request.page_size)
        cursor = parse.decode_token(request.page_token, str, str)
        found = await usecases.list_at_risk(
            self._db,
            self._rulebook(),
            wire.risk_kind(request.kind),
            least=wire.least_score(request.least_score),
            segment=request.segment,
            before=_score(str(cursor[0]), str(cursor[1])) if cursor else None,
            most=size + 1,
        )
        last = found[size - 1] if len(found) > size else None
        return pb.ListAtRiskResponse(
            customers=[wire.at_risk(each.path, each.risk) for each, _ in found[:size]],
            next_page_token=parse.encode_token(repr(last[1]), str(last[0].path.path_id)) if last else "",
        )


def _score(score: str, customer_id: str) -> tuple[float, uuid.UUID]:
    try:
        return float(score), uuid.UUID(customer_id)
    except ValueError:
        raise InvalidInput.of_field("page_token", "was not made by this service") from None


def _place(time: str, touchpoint_id: str) -> tuple[dt.datetime, uuid.UUID]:
    try:
        return dt.datetime.fromisoformat(time), uuid.UUID(touchpoint_id)
    except ValueError:
        raise InvalidInput.of_field("page_token", "was not made by this service") from None
