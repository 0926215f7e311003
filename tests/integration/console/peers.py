"""Insight and notify as the console meets them: real gRPC servers, guarded by the kit, with a test's own content."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Iterable
from typing import Any

import builders
from sori.ee_feedback.v1 import voice_pb2
from sori.insight.v1 import feed_pb2, insight_service_pb2, insight_service_pb2_grpc
from sori.notify.v1 import case_pb2, chain_pb2, notify_service_pb2, notify_service_pb2_grpc
from sori_kit import auth, ids, parse, rpc
from sori_kit.errors import InvalidInput
from sori_kit.settings import KitSettings
from sori_local.tokens import LocalIssuer

_HIDDEN = {"hr.read"}  # Callers with these roles alone see no customer's identity.


class Insight(insight_service_pb2_grpc.InsightServiceServicer):
    """A feed in memory; keeps who asked."""

    def __init__(self) -> None:
        self.items: list[feed_pb2.FeedItem] = []
        self.scorecards: list[feed_pb2.Scorecard] = []
        self.callers: list[tuple[str, auth.Principal]] = []
        self.followers = 0
        self._arrived = asyncio.Condition()

    def clear(self) -> None:
        """Forget everything."""
        self.items, self.scorecards, self.callers = [], [], []

    async def add(self, *items: feed_pb2.FeedItem) -> None:
        """Let items arrive."""
        async with self._arrived:
            self.items += items
            self._arrived.notify_all()

    async def ListFeed(
        self, request: insight_service_pb2.ListFeedRequest, context: rpc.Context
    ) -> insight_service_pb2.ListFeedResponse:
        self.callers.append(("ListFeed", auth.caller()))
        found = [item for item in self.items if _wanted(item, request.kind, request.org_unit)]
        size = parse.page_size(request.page_size)
        return insight_service_pb2.ListFeedResponse(
            items=[_shown(item) for item in reversed(found[-size:])],
            resume_token=parse.encode_token(len(self.items)),
        )

    async def WatchFeed(
        self, request: insight_service_pb2.WatchFeedRequest, context: rpc.Context
    ) -> AsyncIterator[insight_service_pb2.WatchFeedResponse]:
        self.callers.append(("WatchFeed", auth.caller()))
        cursor = parse.decode_token(request.resume_token, int, field="resume_token")
        after = int(cursor[0]) if cursor else len(self.items)
        self.followers += 1
        try:
            while True:
                async with self._arrived:
                    while len(self.items) <= after:
                        await self._arrived.wait()
                for item in self.items[after:]:
                    after += 1
                    if _wanted(item, request.kind, request.org_unit):
                        yield insight_service_pb2.WatchFeedResponse(
                            item=_shown(item), resume_token=parse.encode_token(after)
                        )
        finally:
            self.followers -= 1

    async def ListScorecards(
        self, request: insight_service_pb2.ListScorecardsRequest, context: rpc.Context
    ) -> insight_service_pb2.ListScorecardsResponse:
        self.callers.append(("ListScorecards", auth.caller()))
        return insight_service_pb2.ListScorecardsResponse(scorecards=self.scorecards)

    async def GetTally(
        self, request: insight_service_pb2.GetTallyRequest, context: rpc.Context
    ) -> insight_service_pb2.GetTallyResponse:
        kinds = [item.WhichOneof("content") for item in self.items]
        return insight_service_pb2.GetTallyResponse(
            touchpoint_count=kinds.count("touchpoint"),
            voice_count=kinds.count("voice"),
            case_count=len({item.case.case.case_id for item in self.items if item.HasField("case")}),
            alert_count=kinds.count("alert"),
        )

    async def ListTouchpointIds(
        self, request: insight_service_pb2.ListTouchpointIdsRequest, context: rpc.Context
    ) -> insight_service_pb2.ListTouchpointIdsResponse:
        return insight_service_pb2.ListTouchpointIdsResponse(
            touchpoint_ids=[each.touchpoint.touchpoint.touchpoint_id for each in self.items]
        )


class Notify(notify_service_pb2_grpc.NotifyServiceServicer):
    """Cases in memory; keeps who asked."""

    def __init__(self) -> None:
        self.cases: list[case_pb2.Case] = []
        self.callers: list[tuple[str, auth.Principal]] = []

    def clear(self) -> None:
        """Forget everything."""
        self.cases, self.callers = [], []

    async def ListCases(
        self, request: notify_service_pb2.ListCasesRequest, context: rpc.Context
    ) -> notify_service_pb2.ListCasesResponse:
        self.callers.append(("ListCases", auth.caller()))
        return notify_service_pb2.ListCasesResponse(cases=[each for each in self.cases if each.state == request.state])

    async def AcknowledgeCase(
        self, request: notify_service_pb2.AcknowledgeCaseRequest, context: rpc.Context
    ) -> notify_service_pb2.AcknowledgeCaseResponse:
        raise NotImplementedError

    async def ResolveCase(
        self, request: notify_service_pb2.ResolveCaseRequest, context: rpc.Context
    ) -> notify_service_pb2.ResolveCaseResponse:
        raise NotImplementedError

    async def AcknowledgeByLink(
        self, request: chain_pb2.AcknowledgeByLinkRequest, context: rpc.Context
    ) -> chain_pb2.AcknowledgeByLinkResponse:
        self.callers.append(("AcknowledgeByLink", auth.caller()))
        if request.token != "genuine":
            raise InvalidInput.of_field("token", "was not made by this service")
        return chain_pb2.AcknowledgeByLinkResponse(case_id="case-1")

    async def GetTally(
        self, request: notify_service_pb2.GetTallyRequest, context: rpc.Context
    ) -> notify_service_pb2.GetTallyResponse:
        self.callers.append(("GetTally", auth.caller()))
        breached = [each for each in self.cases if each.clock.state == case_pb2.CLOCK_STATE_BREACHED]
        return notify_service_pb2.GetTallyResponse(customer_case_count=len(self.cases), breached_count=len(breached))


def _wanted(item: feed_pb2.FeedItem, kind: int, org_unit: str) -> bool:
    content = item.WhichOneof("content") or ""
    name = f"FEED_ITEM_KIND_{content.upper()}"
    return (not kind or feed_pb2.FeedItemKind.Value(name) == kind) and (not org_unit or item.org_unit == org_unit)


def _shown(item: feed_pb2.FeedItem) -> feed_pb2.FeedItem:
    if auth.caller().roles <= _HIDDEN and item.HasField("touchpoint"):
        shown = feed_pb2.FeedItem()
        shown.CopyFrom(item)
        shown.touchpoint.ClearField("position")
        return shown
    return item


@contextlib.asynccontextmanager
async def serving(name: str, servicer: Any, issuer: LocalIssuer, *, port: int = 0) -> AsyncIterator[int]:
    """Serve a peer on a port of this machine until the block ends; gives the port."""
    settings = KitSettings(jwks=str(issuer.jwks), grpc_port=port, metrics_port=0, drain_seconds=0)
    verifier = auth.Verifier(settings)
    await verifier.start()
    server = rpc.Server(name, settings, verifier)
    if name == "insight":
        adder: Any = insight_service_pb2_grpc.add_InsightServiceServicer_to_server
        descriptor = insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"]
    else:
        adder = notify_service_pb2_grpc.add_NotifyServiceServicer_to_server
        descriptor = notify_service_pb2.DESCRIPTOR.services_by_name["NotifyService"]
    server.add(adder, servicer, descriptor)
    await server.start()
    await server.ready()
    try:
        yield server.port
    finally:
        await server.stop()


def a_touchpoint(
    text: str = "배송이 또 늦었어요", *, org_unit: str = "shop-gangnam", sentiment: str = "negative", **fields: Any
) -> feed_pb2.FeedItem:
    """A customer's line."""
    topics = fields.pop("topics", ["delivery"])
    event = builders.stitched(
        builders.a_classification(sentiment, topics=topics, urgency=fields.pop("urgency", 0.2)),
        customer_id=fields.pop("customer_id", "3f2a90c1-0000-4000-8000-000000000001"),
        stage=fields.pop("stage", "retention"),
        text=text,
        org_unit=org_unit,
        **fields,
    )
    item = feed_pb2.FeedItem(
        item_id=event.event_id,
        org_unit=org_unit,
        touchpoint=feed_pb2.FeedTouchpoint(
            touchpoint=event.message.touchpoint,
            classification=event.message.classification,
            position=event.message.position,
        ),
    )
    item.occurred_time.CopyFrom(event.message.touchpoint.occurred_time)
    item.touchpoint.touchpoint.ClearField("identifiers")
    return item


def a_voice(
    text: str = "마감 뒤에 쉴 틈이 없습니다",
    *,
    org_unit: str = "shop-hongdae",
    week: str = "2026-W45",
    sentiment: str = "negative",
    topics: Iterable[str] = ("workload",),
) -> feed_pb2.FeedItem:
    """An employee's line."""
    item = feed_pb2.FeedItem(
        item_id=str(ids.derive("voice", text)),
        org_unit=org_unit,
        voice=voice_pb2.ReleasedVoice(
            voice_id=str(ids.derive("voice", text)),
            org_unit=org_unit,
            week=week,
            text=text,
            classification=builders.a_classification(sentiment, topics=list(topics)),
        ),
    )
    year, number = week.split("-W")
    item.occurred_time.FromDatetime(
        dt.datetime.combine(dt.date.fromisocalendar(int(year), int(number), 1), dt.time(), dt.UTC)
    )
    return item


def a_case(
    case_id: str = "c0ffee00-0000-4000-8000-000000000001",
    *,
    org_unit: str = "shop-gangnam",
    opened_time: dt.datetime = builders.NOON,
    due_time: dt.datetime | None = None,
    state: str = "new",
    clock: str = "running",
    origin: str = "customer",
    **fields: Any,
) -> case_pb2.Case:
    """A case as notify keeps it."""
    fields.setdefault("topics", ["refund_exchange"])
    made = case_pb2.Case(
        case_id=case_id,
        origin=case_pb2.CaseOrigin.Value(f"CASE_ORIGIN_{origin.upper()}"),
        state=case_pb2.CaseState.Value(f"CASE_STATE_{state.upper()}"),
        org_unit=org_unit,
        **fields,
    )
    made.opened_time.FromDatetime(opened_time)
    if due_time is not None:
        made.clock.metric = case_pb2.CLOCK_METRIC_FIRST_RESPONSE
        made.clock.state = case_pb2.ClockState.Value(f"CLOCK_STATE_{clock.upper()}")
        made.clock.due_time.FromDatetime(due_time)
    return made


def a_case_turn(case: case_pb2.Case, change: str = "opened", *, time: dt.datetime = builders.NOON) -> feed_pb2.FeedItem:
    """A line on which a case takes a turn."""
    item = feed_pb2.FeedItem(
        item_id=str(ids.derive("turn", case.case_id, change)),
        org_unit=case.org_unit,
        case=feed_pb2.FeedCase(change=change, case=case),
    )
    item.occurred_time.FromDatetime(time)
    return item


def an_alert(case: case_pb2.Case, *, time: dt.datetime = builders.NOON) -> feed_pb2.FeedItem:
    """A line on which somebody was told."""
    item = feed_pb2.FeedItem(
        item_id=str(ids.derive("alert", case.case_id)),
        org_unit=case.org_unit,
        alert=feed_pb2.FeedAlert(
            alert_id=str(ids.derive("alert", case.case_id)),
            case_id=case.case_id,
            reason="first_response.breached",
            target="cx-duty",
        ),
    )
    item.occurred_time.FromDatetime(time)
    return item
