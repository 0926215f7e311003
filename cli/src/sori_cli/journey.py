"""`sori journey` and `sori segments`: where customers meet the company, how that feels, and where they leave."""

import datetime as dt
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import journey_map_pb2, journey_service_pb2_grpc, position_pb2, segment_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.screen import word

app = typer.Typer(help="The journey of all customers: map, drop-offs, risks.", no_args_is_help=True)
segments_app = typer.Typer(help="Groups of customers, by rules.", invoke_without_command=True)

_PAGE = 500
_SECONDS = 60
FromOption = Annotated[str, typer.Option("--from", help="First day or moment, as in 2026-11-01; days are Korean.")]
UntilOption = Annotated[str, typer.Option("--until", help="First day or moment that is not in any more.")]
SegmentOption = Annotated[str, typer.Option(help="Only customers of this segment.")]
ProductOption = Annotated[str, typer.Option(help="Only touchpoints about this product.")]
UnitOption = Annotated[str, typer.Option("--org-unit", help="Only touchpoints that concern this shop or team.")]
LimitOption = Annotated[int, typer.Option(min=1, help="Most to show.")]


@app.command("map")
def journey_map(
    from_time: FromOption = "",
    until_time: UntilOption = "",
    segment: SegmentOption = "",
    product: ProductOption = "",
    org_unit: UnitOption = "",
    fewest: Annotated[int, typer.Option(min=2, help="Fewest customers behind a moment of truth.")] = 20,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Show stage by channel, what comes after what, and where the mood falls."""
    chosen = _filter(from_time, until_time, segment, product, org_unit)
    screen.run(_map(Platform(data, token), chosen, fewest, as_json))


@app.command("drop-offs")
def drop_offs(
    stage: Annotated[str, typer.Option(help="Only in this stage.")] = "",
    channel: Annotated[str, typer.Option(help="Only on this channel.")] = "",
    from_time: FromOption = "",
    until_time: UntilOption = "",
    segment: SegmentOption = "",
    product: ProductOption = "",
    org_unit: UnitOption = "",
    limit: LimitOption = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List customers who went no further, the latest first."""
    request = pb.ListDropOffsRequest(
        filter=_filter(from_time, until_time, segment, product, org_unit),
        stage=_number(position_pb2.Stage, "STAGE", stage),  # type: ignore[arg-type]
        channel=_number(touchpoint_pb2.Channel, "CHANNEL", channel),  # type: ignore[arg-type]
    )
    screen.run(_drop_offs(Platform(data, token), request, limit, as_json))


@app.command("at-risk")
def at_risk(
    kind: Annotated[str, typer.Option(help="churn or complaint.")] = "churn",
    least: Annotated[float, typer.Option(min=0.0, max=1.0, help="Least score.")] = 0.5,
    segment: SegmentOption = "",
    limit: LimitOption = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List customers of whom something is to be expected, the most probable first."""
    request = pb.ListAtRiskRequest(
        kind=_number(segment_pb2.RiskKind, "RISK_KIND", kind),  # type: ignore[arg-type]
        least_score=least or 1e-9,
        segment=segment,
    )
    screen.run(_at_risk(Platform(data, token), request, limit, as_json))


@app.command("restage")
def restage(data: client.DataOption = client.DATA, token: client.TokenOption = "") -> None:
    """Replay the stage rules, as they are now, over all timelines."""
    screen.run(_restage(Platform(data, token)))


@segments_app.callback()
def segments(
    context: typer.Context,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List the segments and how many customers are in each."""
    if context.invoked_subcommand is None:
        screen.run(_segments(Platform(data, token), as_json))


@segments_app.command("members")
def segment_members(
    segment: Annotated[str, typer.Argument(help="Name of the segment.")],
    limit: LimitOption = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List who is in a segment."""
    screen.run(_members(Platform(data, token), segment, limit, as_json))


def _filter(
    from_time: str, until_time: str, segment: str, product: str, org_unit: str
) -> journey_map_pb2.JourneyMapFilter:
    made = journey_map_pb2.JourneyMapFilter(segment=segment, product=product, org_unit=org_unit)
    if from_time:
        made.from_time.FromDatetime(_time(from_time, "--from"))
    if until_time:
        made.until_time.FromDatetime(_time(until_time, "--until"))
    return made


def _time(text: str, option: str) -> dt.datetime:
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        raise screen.failed(f"{option} {text} is no day or moment such as 2026-11-01 or 2026-11-01T09:00") from None
    return (read if read.tzinfo else read.replace(tzinfo=screen.SEOUL)).astimezone(dt.UTC)


def _number(kind: object, prefix: str, name: str) -> int:
    if not name:
        return 0
    try:
        return int(kind.Value(f"{prefix}_{name.strip().upper().replace('-', '_')}"))  # type: ignore[attr-defined]
    except ValueError:
        raise screen.failed(f"there is no {name}; there are {', '.join(screen.words(kind, prefix))}") from None


def _stage(number: position_pb2.Stage.ValueType) -> str:
    return word(position_pb2.Stage.Name(number), "STAGE") or "–"


def _channel(number: touchpoint_pb2.Channel.ValueType) -> str:
    return word(touchpoint_pb2.Channel.Name(number), "CHANNEL")


def _kind(number: touchpoint_pb2.TouchpointKind.ValueType) -> str:
    return word(touchpoint_pb2.TouchpointKind.Name(number), "TOUCHPOINT_KIND")


def _interval(given: journey_map_pb2.MeanInterval) -> str:
    if not given.HasField("low"):
        return f"{given.mean:+.2f}"
    return f"{given.mean:+.2f} ({given.low:+.2f} to {given.high:+.2f})"


async def _map(platform: Platform, chosen: journey_map_pb2.JourneyMapFilter, fewest: int, as_json: bool) -> None:
    async with platform.calling("journey", "cx.read") as peer:
        stub = journey_service_pb2_grpc.JourneyServiceStub(peer.channel)
        found = await stub.GetJourneyMap(
            pb.GetJourneyMapRequest(filter=chosen, fewest_customers=fewest), metadata=peer.metadata, timeout=_SECONDS
        )
    if as_json:
        screen.print_json(found)
        return
    screen.out.print(f"{found.touchpoint_count:,} touchpoints of {found.customer_count:,} customers")
    numbers = ["touchpoints", "customers", "dropped off"]
    cells = screen.table(
        "Map", "stage", "channel", *numbers[:2], "mood", numbers[2], "topics", numbers=numbers, whole=["mood"]
    )
    for each in found.cells:
        cells.add_row(
            _stage(each.stage),
            _channel(each.channel),
            f"{each.touchpoint_count:,}",
            f"{each.customer_count:,}",
            _interval(each.mood) if each.HasField("mood") else "",
            f"{each.drop_off_share:.0%}" if each.HasField("drop_off_share") else "",
            ", ".join(screen.one_line(one.topic) for one in each.top_topics[:3]),
        )
    screen.out.print(cells)
    moments = screen.table("Moments of truth", "stage", "channel", "kind", "customers", "change of mood", "topics")
    for moment in found.moments:
        moments.add_row(
            _stage(moment.stage),
            _channel(moment.channel),
            _kind(moment.kind),
            f"{moment.customer_count:,}",
            _interval(moment.change),
            ", ".join(screen.one_line(one.topic) for one in moment.top_topics[:3]),
        )
    screen.out.print(moments)
    steps = screen.table("What comes after what", "from", "to", "times", "customers", numbers=["times", "customers"])
    for step in found.transitions[:15]:
        steps.add_row(_kind(step.from_kind), _kind(step.to_kind), f"{step.count:,}", f"{step.customer_count:,}")
    screen.out.print(steps)


async def _drop_offs(platform: Platform, request: pb.ListDropOffsRequest, limit: int, as_json: bool) -> None:
    table = screen.table("", "time", "customer", "stage", "channel", "kind", "why", whole=["time", "customer"])
    shown = 0
    async with platform.calling("journey", "cx.read") as peer:
        stub = journey_service_pb2_grpc.JourneyServiceStub(peer.channel)
        while shown < limit:
            request.page_size = min(_PAGE, limit - shown)
            page = await stub.ListDropOffs(request, metadata=peer.metadata, timeout=_SECONDS)
            for each in page.drop_offs:
                if as_json:
                    screen.print_json(each)
                    continue
                table.add_row(
                    screen.when(each.occurred_time),
                    each.customer_id,
                    _stage(each.stage),
                    _channel(each.channel),
                    _kind(each.kind),
                    word(journey_map_pb2.DropOffReason.Name(each.reason), "DROP_OFF_REASON"),
                )
            shown += len(page.drop_offs)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
    if not as_json:
        screen.out.print(table)


async def _at_risk(platform: Platform, request: pb.ListAtRiskRequest, limit: int, as_json: bool) -> None:
    table = screen.table("", "score", "customer", "stage", "last seen", "because", whole=["customer", "last seen"])
    shown = 0
    async with platform.calling("journey", "cx.read") as peer:
        stub = journey_service_pb2_grpc.JourneyServiceStub(peer.channel)
        while shown < limit:
            request.page_size = min(_PAGE, limit - shown)
            page = await stub.ListAtRisk(request, metadata=peer.metadata, timeout=_SECONDS)
            for each in page.customers:
                if as_json:
                    screen.print_json(each)
                    continue
                table.add_row(
                    f"{each.score:.2f}",
                    each.customer_id,
                    _stage(each.stage),
                    screen.when(each.last_occurred_time),
                    "; ".join(f"{one.text_ko} {one.value:.3g} ({one.text_en})" for one in each.reasons),
                )
            shown += len(page.customers)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
    if not as_json:
        screen.out.print(table)


async def _restage(platform: Platform) -> None:
    columns = (TextColumn("timelines"), BarColumn(), MofNCompleteColumn())
    changed = done = 0
    async with platform.calling("journey", "admin") as peer:
        stub = journey_service_pb2_grpc.JourneyServiceStub(peer.channel)
        with Progress(*columns, console=screen.err) as progress:
            task = progress.add_task("", total=None)
            async for each in stub.ReplayStages(pb.ReplayStagesRequest(), metadata=peer.metadata):
                progress.update(task, completed=each.done_count, total=each.total_count)
                changed, done = each.changed_count, each.done_count
    screen.out.print(f"{done:,} timelines, {changed:,} touchpoints speak of another stage than before")


async def _segments(platform: Platform, as_json: bool) -> None:
    async with platform.calling("journey", "cx.read") as peer:
        stub = journey_service_pb2_grpc.JourneyServiceStub(peer.channel)
        found = await stub.ListSegments(pb.ListSegmentsRequest(), metadata=peer.metadata, timeout=_SECONDS)
    table = screen.table("", "segment", "이름", "title", "customers", "condition", numbers=["customers"])
    for each in found.segments:
        if as_json:
            screen.print_json(each)
            continue
        table.add_row(
            each.name,
            screen.one_line(each.title_ko),
            screen.one_line(each.title_en),
            f"{each.customer_count:,}",
            screen.one_line(each.condition),
        )
    if not as_json:
        screen.out.print(table)


async def _members(platform: Platform, segment: str, limit: int, as_json: bool) -> None:
    table = screen.table("", "customer", "since", whole=["customer", "since"])
    shown, page_token = 0, ""
    async with platform.calling("journey", "cx.read") as peer:
        stub = journey_service_pb2_grpc.JourneyServiceStub(peer.channel)
        while shown < limit:
            request = pb.ListSegmentMembersRequest(
                segment=segment, page_size=min(_PAGE, limit - shown), page_token=page_token
            )
            page = await stub.ListSegmentMembers(request, metadata=peer.metadata, timeout=_SECONDS)
            for each in page.members:
                if as_json:
                    screen.print_json(each)
                else:
                    table.add_row(each.customer_id, screen.when(each.entered_time))
            shown += len(page.members)
            page_token = page.next_page_token
            if not page_token:
                break
    if not as_json:
        screen.out.print(table)
