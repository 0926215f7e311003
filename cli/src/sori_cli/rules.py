"""`sori rules`: what a file of rules says, and what it would have done."""

from pathlib import Path
from typing import Annotated

import typer

from sori.notify.v1 import notify_service_pb2_grpc, rule_pb2
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.offline import hand_over
from sori_cli.screen import Problem

app = typer.Typer(help="Rules: check a file of them, or try it on touchpoints; nothing is done.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="YAML file of rules.")],
    as_json: client.JsonOption = False,
) -> None:
    """Say what is wrong with a file, with line and column; works without a platform. Exit code 1 when something is."""
    hand_over("notify", "check-rules", str(file), *(["--json"] if as_json else []))


@app.command("test")
def try_rules(
    file: Annotated[Path | None, typer.Argument(help="YAML file of rules; the rules in force unless given.")] = None,
    events: Annotated[
        str, typer.Option(help="Try it on this file of JSON lines (stitched touchpoints) instead; needs no platform.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most firings to show.")] = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say what rules would have done about the last week's touchpoints, as far as they are kept (without words)."""
    if events:
        if file is None:
            raise screen.failed("--events needs a file of rules")
        hand_over("notify", "test-rules", str(file), f"--events={events}", *(["--json"] if as_json else []))
    try:
        text = file.read_text(encoding="utf-8-sig") if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise screen.failed(f"{file}: cannot be read: {error}") from None
    request = rule_pb2.TestRulesRequest(rules=text, page_size=limit)
    screen.run(_test(Platform(data, token), request, str(file or "rules"), as_json))


async def _test(platform: Platform, request: rule_pb2.TestRulesRequest, name: str, as_json: bool) -> None:
    async with platform.calling("notify", "cx.act", "admin") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        answer = await stub.TestRules(request, metadata=peer.metadata, timeout=30)
    if answer.mistakes:
        raise Problem(
            "\n".join(f"{name}:{each.line}:{each.column}: {each.where}: {each.description}" for each in answer.mistakes)
        )
    if as_json:
        for each in (*answer.tallies, *answer.firings):
            screen.print_json(each)
        return
    table = screen.table(
        f"{answer.touchpoint_count:,} touchpoints", "rule", "would fire", "suppressed", "", numbers=["would fire"]
    )
    for tally in answer.tallies:
        note = "reads what was said, which is not kept" if tally.reads_text else ""
        table.add_row(tally.rule, f"{tally.fired_count:,}", f"{tally.suppressed_count:,}", note)
    screen.out.print(table)
    if not answer.complete:
        screen.out.print("[yellow]there were more touchpoints than one test takes[/]")
