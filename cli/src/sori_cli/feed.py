"""`sori feed`: the joint feed of customers and employees."""

import asyncio
from typing import Annotated

import grpc
import typer
from rich.markup import escape

from sori.classify.v1.classification_pb2 import Sentiment
from sori.ingest.v1.touchpoint_pb2 import Channel, TouchpointKind
from sori.insight.v1 import feed_pb2, insight_service_pb2_grpc
from sori.insight.v1 import insight_service_pb2 as pb
from sori.notify.v1.case_pb2 import ClockState
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.screen import word

_ROLES = ("cx.read", "hr.read")
_COLOURS = {"negative": "red", "neutral": "dim", "positive": "green"}
_PATIENCE_TRIES = 60


def feed(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what arrives, until Ctrl-C.")] = False,
    kind: Annotated[str, typer.Option(help="Only touchpoint, voice, case or alert.")] = "",
    org_unit: Annotated[str, typer.Option(help="Only this shop or team.")] = "",
    limit: Annotated[int, typer.Option(min=0, max=500, help="How many to begin with.")] = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Show the latest lines of the joint feed, oldest first, and follow it."""
    try:
        wanted = feed_pb2.FeedItemKind.Value(f"FEED_ITEM_KIND_{kind.upper() or 'UNSPECIFIED'}")
    except ValueError:
        kinds = ", ".join(screen.words(feed_pb2.FeedItemKind, "FEED_ITEM_KIND"))
        raise screen.failed(f"--kind {kind}: is none of {kinds}") from None
    screen.run(_feed(Platform(data, token), follow, wanted, org_unit, limit, as_json))


async def _feed(
    platform: Platform,
    follow: bool,
    kind: feed_pb2.FeedItemKind.ValueType,
    org_unit: str,
    limit: int,
    as_json: bool,
) -> None:
    async with platform.calling("insight", *_ROLES) as peer:
        stub = insight_service_pb2_grpc.InsightServiceStub(peer.channel)
        request = pb.ListFeedRequest(kind=kind, org_unit=org_unit, page_size=limit or 1)
        page = await stub.ListFeed(request, metadata=peer.metadata, timeout=30)
        for item in reversed(page.items[:limit]):
            _show(item, as_json)
        token, tries = page.resume_token, 0
        while follow:
            watched = stub.WatchFeed(
                pb.WatchFeedRequest(resume_token=token, kind=kind, org_unit=org_unit), metadata=peer.metadata
            )
            try:
                async for response in watched:
                    _show(response.item, as_json)
                    token, tries = response.resume_token, 0
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or tries == _PATIENCE_TRIES:
                    raise
            tries += 1  # The service is being restarted: go on after the last line seen.
            await asyncio.sleep(0.5)


def _show(item: feed_pb2.FeedItem, as_json: bool) -> None:
    if as_json:
        screen.print_json(item)
    else:
        screen.out.print(line(item), soft_wrap=True)


def line(item: feed_pb2.FeedItem) -> str:
    """Show one line of the feed."""
    what = item.WhichOneof("content") or ""
    head = f"[dim]{screen.when(item.occurred_time)}[/] [bold]{what:10}[/] {escape(item.org_unit or '-'):12}"
    if what == "touchpoint":
        touchpoint, mood = item.touchpoint.touchpoint, item.touchpoint.classification.sentiment
        where = word(Channel.Name(touchpoint.channel), "CHANNEL")
        happened = word(TouchpointKind.Name(touchpoint.kind), "TOUCHPOINT_KIND")
        return f"{head} {where}/{happened} {_mood(mood)} {screen.one_line(touchpoint.text)}"
    if what == "voice":
        voice = item.voice
        return f"{head} {escape(voice.week)} {_mood(voice.classification.sentiment)} {screen.one_line(voice.text)}"
    if what == "case":
        case = item.case.case
        clock = word(ClockState.Name(case.clock.state), "CLOCK_STATE")
        return f"{head} {escape(item.case.change)} {case.case_id} {clock} {escape(', '.join(case.topics))}"
    alert = item.alert
    return f"{head} {escape(alert.reason)} to {escape(alert.target)} about {alert.case_id}"


def _mood(value: Sentiment.ValueType) -> str:
    name = word(Sentiment.Name(value), "SENTIMENT")
    return f"[{_COLOURS[name]}]{name}[/]" if name else "-"
