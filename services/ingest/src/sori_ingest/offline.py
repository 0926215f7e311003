"""What ingest does with files alone: try a payload, check a file of sources, list the adapters."""

import argparse
import contextlib
import datetime as dt
import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest import channels, wire
from sori_ingest.channels import ADAPTERS, CHANNELS
from sori_ingest.channels import reading as readings
from sori_ingest.channels.payload import Ignored, Payload, Source, Unreadable
from sori_ingest.domain import fields, rules
from sori_ingest.settings import options, sources
from sori_kit.offline import Command, main

TAKEN, FAILED, USAGE, IGNORED, QUARANTINED = 0, 1, 2, 3, 4  # exit statuses
_WIDEST = 60  # columns of a terminal that a text takes in the table


class _Usage(Exception):
    """Wrong use of a command; the message says of which argument."""


@dataclass(slots=True)
class _Outcome:
    """What would become of a payload."""

    touchpoints: list[pb.Touchpoint] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    quarantined: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> int:
        if self.touchpoints:
            return TAKEN
        return QUARANTINED if self.quarantined else IGNORED


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapter", metavar="ADAPTER", help="name of the adapter; `adapters` lists them")
    parser.add_argument("file", metavar="FILE", help="the payload as the source sends it; - reads standard input")
    parser.add_argument("--json", action="store_true", help="no table, and reasons as JSON")
    parser.add_argument("--source", default="", help="name of the source; the adapter's unless given")
    parser.add_argument("--sources", default="", metavar="YAML", help="take the source's configuration from this file")
    parser.add_argument("--org-unit", default="", help="shop or team that the source belongs to")
    parser.add_argument("--mapping", default="", metavar="YAML", help="a file of lines `column: field`")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the source")
    parser.add_argument(
        "--header", action="append", default=[], metavar="'NAME: VALUE'", help="a header of the request"
    )
    parser.add_argument("--query", action="append", default=[], metavar="NAME=VALUE", help="a query parameter")
    parser.add_argument("--content-type", default="", help="told by the bytes unless given")
    parser.add_argument("--now", default="", metavar="TIME", help="time of receipt, ISO 8601; now unless given")


def _check(given: argparse.Namespace) -> int:
    try:
        adapter = ADAPTERS.get(given.adapter)
        if adapter is None:
            raise _Usage(f"there is no adapter {given.adapter}; there are {', '.join(sorted(ADAPTERS))}")
        now = _now(given.now)
        source = _source(given)
        payload = _payload(given, now)
    except _Usage as wrong:
        print(f"sori sources check: {wrong}", file=sys.stderr)
        return USAGE
    outcome = _outcome(given.adapter, payload, source, now)
    with _unbroken():
        _print(outcome, as_json=given.json)
    return outcome.status


def _outcome(adapter: str, payload: Payload, source: Source, now: dt.datetime) -> _Outcome:
    """Do what the line does with a payload, up to publishing."""
    try:
        found = channels.read(ADAPTERS[adapter], payload, source)
    except Unreadable as unreadable:
        return _Outcome(quarantined=[_unreadable(unreadable)])
    outcome = _Outcome(ignored=list(found.ignored), quarantined=[_unreadable(each) for each in found.unreadable])
    instant = wire.instant(now)
    seen: set[tuple[str, int]] = set()
    for given in found.touchpoints:
        normal = pb.Touchpoint()
        if violations := CHANNELS["generic"].normalise(given, normal, now=instant):
            outcome.quarantined.append(
                {
                    "quarantined": wire.NORMAL_FORM,
                    "fields": [each.field for each in violations],
                    "detail": "; ".join(f"{each.field} {each.description}" for each in violations),
                }
            )
            continue
        normal.touchpoint_id = wire.touchpoint_id(normal)
        if (key := (normal.touchpoint_id, normal.revision)) not in seen:
            seen.add(key)
            outcome.touchpoints.append(normal)
    if not (outcome.touchpoints or outcome.ignored or outcome.quarantined):
        outcome.ignored.append(Ignored("reply_only" if found.reply else "nothing_in_it"))
    return outcome


def _unreadable(unreadable: Unreadable) -> dict[str, Any]:
    return {
        "quarantined": unreadable.reason,
        "fields": [unreadable.field] if unreadable.field else [],
        "detail": unreadable.detail,
    }


def _print(outcome: _Outcome, *, as_json: bool) -> None:
    for touchpoint in outcome.touchpoints:
        print(json.dumps(_spelled(touchpoint), ensure_ascii=False))
    reasons = [
        *outcome.quarantined,
        *({"ignored": each.reason, **({"detail": each.detail} if each.detail else {})} for each in outcome.ignored),
    ]
    if as_json:
        if reasons and not outcome.touchpoints:
            first, *others = reasons
            print(json.dumps(first | ({"others": others} if others else {}), ensure_ascii=False))
        else:
            for each in reasons:
                print(json.dumps(each, ensure_ascii=False), file=sys.stderr)
        return
    sys.stdout.flush()
    for line in _table(outcome.touchpoints):
        print(line, file=sys.stderr)
    for each in reasons:
        kind, why = next(iter(each.items()))
        said = " ".join(part for part in (", ".join(each.get("fields", ())), each.get("detail", "")) if part)
        print(f"{kind}: {why}{f' ({said})' if said else ''}", file=sys.stderr)


def _spelled(touchpoint: pb.Touchpoint) -> dict[str, Any]:
    """Write proto JSON, always in the same order: maps have none of their own."""
    spelled = json_format.MessageToDict(touchpoint)
    for name in ("attributes", "maskedCounts"):
        if name in spelled:
            spelled[name] = dict(sorted(spelled[name].items()))
    return spelled


def _table(touchpoints: Sequence[pb.Touchpoint]) -> Iterator[str]:
    if not touchpoints:
        return
    rows = [("when", "channel", "kind", "actor", "who", "mark", "masked", "text"), *map(_row, touchpoints)]
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _row(touchpoint: pb.Touchpoint) -> tuple[str, ...]:
    zone = dt.timezone(dt.timedelta(minutes=touchpoint.occurred_offset_minutes))
    when = touchpoint.occurred_time.ToDatetime(zone)
    mark = ""
    if touchpoint.HasField("survey"):
        survey = touchpoint.survey
        mark = f"{_word('survey', survey.type)} {survey.score:g} of {survey.lowest:g}-{survey.highest:g}"
    elif touchpoint.HasField("rating"):
        mark = f"{touchpoint.rating.value:g} of {touchpoint.rating.lowest:g}-{touchpoint.rating.highest:g}"
    text = " ".join(touchpoint.text.split())
    return (
        when.isoformat(sep=" ", timespec="seconds"),
        _word("channel", touchpoint.channel),
        _word("kind", touchpoint.kind),
        _word("actor", touchpoint.actor),
        ", ".join(_word("identifier", each.type) for each in touchpoint.identifiers),
        mark,
        str(sum(touchpoint.masked_counts.values()) or ""),
        _cut(text),
    )


def _word(what: str, value: int) -> str:
    return readings.enum_word(what, value)


def _cut(text: str) -> str:
    width = 0
    for index, character in enumerate(text):
        width += _width(character)
        if width > _WIDEST:
            return text[:index] + "…"
    return text


def _width(text: str) -> int:
    """Count the columns of a terminal: Korean letters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _payload(given: argparse.Namespace, now: dt.datetime) -> Payload:
    headers = _pairs("--header", given.header, ":")
    return Payload(
        body=_body(given.file),
        content_type=given.content_type or headers.get("content-type", ""),
        headers={name.lower(): value for name, value in headers.items()},
        query=_pairs("--query", given.query, "="),
        received_time=now,
    )


def _body(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise _Usage(f"{file}: {error.strerror or type(error).__name__}") from None


def _now(given: str) -> dt.datetime:
    if not given:
        return dt.datetime.now(dt.UTC)
    found = readings.moment(given)
    if found is None:
        raise _Usage("--now: is not a time in ISO 8601")
    return found.time


def _source(given: argparse.Namespace) -> Source:
    base = _configured(given) if given.sources else Source(name=given.source or given.adapter)
    source = Source(
        name=base.name,
        org_unit=given.org_unit or base.org_unit,
        options={**base.options, **_pairs("--option", given.option, "=")},
        mapping=_mapping(Path(given.mapping)) if given.mapping else base.mapping,
    )
    for name, value in source.options.items():
        if problem := options.wrong(name, value, given.adapter, ADAPTERS[given.adapter].OPTIONS):
            raise _Usage(f"--option {name}: {problem}")
    if problem := rules.wrong_source(source.name):
        raise _Usage(f"--source {problem}")
    if len(source.org_unit) > rules.LONGEST_ORG_UNIT:
        raise _Usage(f"--org-unit is longer than {rules.LONGEST_ORG_UNIT} characters")
    return source


def _configured(given: argparse.Namespace) -> Source:
    try:
        found = sources.load(Path(given.sources), ADAPTERS, with_secrets=False)
    except sources.SourceRefused as refused:
        raise _Usage(f"--sources:\n{refused}") from None
    names = [given.source] if given.source else [each.name for each in found.values() if each.adapter == given.adapter]
    if len(names) != 1 or names[0] not in found:
        raise _Usage(f"--source: say which of {given.sources}: {', '.join(found) or 'none is enabled'}")
    if found[names[0]].adapter != given.adapter:
        raise _Usage(f"--source: {names[0]} has the adapter {found[names[0]].adapter}")
    return channels.configured(found[names[0]])


def _mapping(path: Path) -> Mapping[str, str]:
    try:
        loaded = yaml.load(readings.decode(path.read_bytes()), yaml.BaseLoader)
    except OSError as error:
        raise _Usage(f"--mapping {path}: {error.strerror or type(error).__name__}") from None
    except (yaml.YAMLError, Unreadable, RecursionError):
        raise _Usage(f"--mapping {path}: is not YAML") from None
    if not isinstance(loaded, dict) or not all(isinstance(each, str) for pair in loaded.items() for each in pair):
        raise _Usage(f"--mapping {path}: must hold lines `column: field`")
    if wrong := sorted({target for target in loaded.values() if not fields.is_field(target)}):
        there = ", ".join(sorted(fields.FIELDS))
        raise _Usage(f"--mapping {path}: there is no field {', '.join(wrong)}; there are {there}, attributes.NAME")
    return loaded


def _pairs(option: str, given: Iterable[str], sign: str) -> dict[str, str]:
    pairs = {}
    for each in given:
        name, found, value = each.partition(sign)
        if not found or not name.strip():
            raise _Usage(f"{option} {each}: is not NAME{sign}VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _adapters_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _adapters(given: argparse.Namespace) -> int:
    with _unbroken():
        width = max(map(len, ADAPTERS), default=0)
        for name, adapter in sorted(ADAPTERS.items()):
            if given.json:
                known = {
                    "adapter": name,
                    "title": adapter.TITLE,
                    "channel": adapter.CHANNEL,
                    "document": adapter.DOCUMENT,
                    "fields": dict(adapter.FIELDS),
                    "options": {name: each.means for name, each in {**options.OF_EVERY, **adapter.OPTIONS}.items()},
                }
                print(json.dumps(known, ensure_ascii=False))
            else:
                print(f"{name:{width}}  {adapter.TITLE} ({adapter.CHANNEL})")
    return TAKEN


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the file of sources")
    parser.add_argument("--secrets", action="store_true", help="look for the secrets too")


def _validate(given: argparse.Namespace) -> int:
    try:
        found = sources.load(given.file, ADAPTERS, with_secrets=given.secrets)
    except sources.SourceRefused as refused:
        print(refused, file=sys.stderr)
        return FAILED
    with _unbroken():
        width = max(map(len, found), default=0)
        for name, source in found.items():
            print(f"{name:{width}}  {source.adapter}{f'  {source.org_unit}' if source.org_unit else ''}")
    print(f"{given.file.name} is right; {len(found)} of its sources are enabled", file=sys.stderr)
    return TAKEN


@contextlib.contextmanager
def _unbroken() -> Iterator[None]:
    """Print UTF-8 whatever the terminal says, and keep quiet when the reader of the output goes away."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


COMMANDS: Mapping[str, Command] = {
    "check": Command("run a payload through an adapter and show what would result", _check_arguments, _check),
    "adapters": Command("list the adapters", _adapters_arguments, _adapters),
    "validate": Command("check a file of sources", _validate_arguments, _validate),
}

if __name__ == "__main__":
    main("ingest", COMMANDS)
