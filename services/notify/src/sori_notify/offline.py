"""The edge for commands that work on files alone: clocks of what a file says happened."""

import argparse
import datetime as dt
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1 import case_pb2
from sori_kit.errors import InvalidInput
from sori_kit.offline import Command, main
from sori_notify import usecases, wire
from sori_notify.settings import documents, policies
from sori_notify.settings import rules as rule_files
from sori_notify.settings.places import MistakesFound
from sori_notify.usecases.rules import try_rules
from sori_notify.wire.records import Record, moment, record

_BAD_LINES, _UNUSABLE = 1, 2  # exit statuses
_COLUMNS = ("thread", "metric", "instance", "policy", "state", "start", "due", "used", "target", "breach", "warnings")


def _time(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
        made = Timestamp()
        made.FromDatetime(found if found.tzinfo else found.replace(tzinfo=dt.UTC))
        return moment(made, "now")
    except (ValueError, OverflowError, InvalidInput):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-11-02T09:00:00+09:00") from None


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policies", type=Path, required=True, help="YAML file with policies and calendars")
    parser.add_argument("--events", required=True, help="JSON lines: touchpoints and case changes; - reads the input")
    parser.add_argument("--now", type=_time, default=None, help="moment at which the clocks are read (default: now)")
    parser.add_argument("--json", action="store_true", help="one JSON object a clock and line")


def _evaluate(arguments: argparse.Namespace) -> int:
    """Print each clock; exit with 1 when lines could not be read, with 2 when nothing could."""
    try:
        read = policies.load(arguments.policies)
        text = _text(arguments.events)
    except policies.PolicyRefused as refused:
        print(refused, file=sys.stderr)
        return _UNUSABLE
    except (OSError, UnicodeDecodeError) as error:
        print(f"{arguments.events}: cannot be read: {error}", file=sys.stderr)
        return _UNUSABLE
    bad: list[str] = []
    records = list(_records(text, str(arguments.events), bad))
    cases = usecases.evaluate(records, read, now=arguments.now or dt.datetime.now(dt.UTC))
    clocks = [wire.clock(each, case) for case in cases for each in case.clocks]
    for line in map(_json, clocks) if arguments.json else _table(clocks):
        print(line)
    for problem in bad:
        print(problem, file=sys.stderr)
    return _BAD_LINES if bad else 0


def _text(name: str) -> str:
    """Read a file, or the input for `-`, with or without a byte order mark."""
    return (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode("utf-8-sig")


def _records(text: str, name: str, bad: list[str]) -> Iterator[Record]:
    for number, line in enumerate(text.split("\n"), 1):  # Not splitlines: JSON may hold U+0085, U+2028 and U+2029.
        if line.strip():
            try:
                if found := record(line):
                    yield found
            except InvalidInput as wrong:
                bad.append(f"{name}:{number}: {wrong}")
            except RecursionError:
                bad.append(f"{name}:{number}: is nested too deep")


def _json(clock: case_pb2.Clock) -> str:
    return json.dumps(json_format.MessageToDict(clock, always_print_fields_with_no_presence=True), ensure_ascii=False)


def _table(clocks: list[case_pb2.Clock]) -> Iterator[str]:
    rows = [_COLUMNS, *map(_row, clocks)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_COLUMNS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(clock: case_pb2.Clock) -> tuple[str, ...]:
    def when(name: str) -> str:
        return str(getattr(clock, name).ToJsonString()) if clock.HasField(name) else "-"  # type: ignore[arg-type]

    return (
        clock.thread_id,
        case_pb2.ClockMetric.Name(clock.metric).removeprefix("CLOCK_METRIC_").lower(),
        str(clock.instance),
        clock.policy,
        case_pb2.ClockState.Name(clock.state).removeprefix("CLOCK_STATE_").lower(),
        when("start_time"),
        when("due_time"),
        str(clock.working_seconds_used),
        str(clock.target_seconds),
        when("breach_time"),
        ", ".join(f"{each.percent}% {each.time.ToJsonString()}" for each in clock.warnings) or "-",
    )


def _rule_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="YAML file of rules")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _check_rules(arguments: argparse.Namespace) -> int:
    """Say what is wrong with a file of rules, with line and column; exit with 1 when something is."""
    try:
        found = rule_files.load(arguments.file)
    except MistakesFound as refused:
        for each in refused.mistakes:
            where = ".".join(map(str, each.where))
            said = {"line": each.line, "column": each.column, "where": where, "description": each.why}
            print(json.dumps(said, ensure_ascii=False) if arguments.json else f"{arguments.file}:{each}")
        return _BAD_LINES
    except documents.Refused as refused:
        print(refused, file=sys.stderr)
        return _UNUSABLE
    for rule in found.rules:
        said = {"rule": rule.name, "actions": list(rule.actions.names), "counts": [each.name for each in rule.counters]}
        plain = f"{rule.name}: {', '.join(rule.actions.names)}"
        print(json.dumps(said, ensure_ascii=False) if arguments.json else plain)
    return 0


def _trial_arguments(parser: argparse.ArgumentParser) -> None:
    _rule_arguments(parser)
    parser.add_argument("--events", required=True, help="JSON lines: stitched touchpoints as proto JSON; - reads input")


def _test_rules(arguments: argparse.Namespace) -> int:
    """Print each firing that rules would have had over a file of touchpoints, in any order; nothing is done."""
    try:
        ruleset = rule_files.load(arguments.file)
        text = _text(arguments.events)
    except documents.Refused as refused:
        print(refused, file=sys.stderr)
        return _UNUSABLE
    except (OSError, UnicodeDecodeError) as error:
        print(f"{arguments.events}: cannot be read: {error}", file=sys.stderr)
        return _UNUSABLE
    stitched, bad = list[TouchpointStitched](), 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                each = json_format.Parse(line, TouchpointStitched(), ignore_unknown_fields=True)
                wire.facts.fact(each)
                stitched.append(each)
            except (json_format.ParseError, InvalidInput, RecursionError) as error:
                bad += 1
                print(f"{arguments.events}:{number}: {error}", file=sys.stderr)
    for firing in try_rules(ruleset, stitched).firings:
        said = wire.alerting.firing(firing)
        plain = f"{firing.fact.occurred_time.isoformat()} {said.rule} {said.touchpoint_id} {', '.join(said.actions)}"
        stilled = f" (suppressed by {said.suppressed_by})" if said.suppressed_by else ""
        as_json = json_format.MessageToDict(said, preserving_proto_field_name=True)
        print(json.dumps(as_json, ensure_ascii=False) if arguments.json else plain + stilled)
    return _BAD_LINES if bad else 0


COMMANDS = {
    "evaluate": Command("read the clocks of what a file says happened", _arguments, _evaluate),
    "check-rules": Command("say what is wrong with a file of rules", _rule_arguments, _check_rules),
    "test-rules": Command("say what rules would have done about a file of touchpoints", _trial_arguments, _test_rules),
}

if __name__ == "__main__":
    main("notify", COMMANDS)
