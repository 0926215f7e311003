"""`sori import`: the records of a file as touchpoints."""

import contextlib
import datetime as dt
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from sori.ingest.v1 import touchpoint_pb2
from sori_cli import client, files, mapping, screen, submission
from sori_cli.client import Platform
from sori_cli.files import Format, Reject, Row
from sori_cli.mapping import BadCell, Defaults, Mapper
from sori_cli.screen import SEOUL, Problem
from sori_cli.submission import Answer, Item

REJECTED = 2  # exit code when some records did not go through
_IN_FLIGHT = 4  # batches
_MOST_ABOVE = 8  # rows until the header
_HELD = 1_000  # rejects that are not yet written
_NO_FIELD = re.compile(r'has no field named "([^"]*)"(?: at "(\w+(?:\.(.+))?)")?')


@dataclass
class Tally:
    """What became of the records of a file."""

    lines: int = 0
    records: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    sent_again: int = 0  # duplicates in batches that were sent again: what the first try left, perhaps
    rejects: list[Reject] = field(default_factory=list)  # not yet written


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or XLSX, told by its name; .xz and .gz are unpacked.")],
    channel: Annotated[str, typer.Option(help="Where it happened: app, web, store, kakao, call_center, sns, …")],
    kind: Annotated[
        str, typer.Option(help="What happened: inquiry, review, … The usual one of the channel unless given.")
    ] = "",
    source: Annotated[str, typer.Option(help="Name of the source; ids are unique within it.")] = "file",
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="column=field, again for each; or a YAML file of `column: field`. By equal names unless given.",
        ),
    ] = None,
    actor: Annotated[str, typer.Option(help="Who spoke: customer, agent, bot, system.")] = "customer",
    org_unit: Annotated[str, typer.Option(help="Shop or team that all of it concerns.")] = "",
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejects are written, a JSON line each; FILE.rejects.jsonl unless given.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1_000, help="Touchpoints in one request.")] = 500,
    encoding: Annotated[
        str,
        typer.Option(help="auto (by its mark, UTF-8, or else CP949 or 1252), utf-8, cp949, euc-kr, cp1252 or utf-16."),
    ] = "auto",
    sheet: Annotated[str, typer.Option(help="Sheet of a spreadsheet; the first unless given.")] = "",
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Import the records of a file as touchpoints.

    Importing the same file again adds nothing: a record without an id gets one from the file's content and its line.
    The time is that of a column mapped to `occurred_time` (ISO 8601, as in 2026. 11. 20. 오후 3:00, 11/20/2026 3:00 PM
    or seconds since 1970; Korean time where it names no offset), or else the file's own. Of dates such as 04/07/2026
    the whole column tells whether the day stands first, also by what would be in the future; else it is the month. Of
    ratings, CSAT and CES it tells the scale, too. A record that is wrong goes to the rejects file with its line number
    and the reason; all others go through. In a spreadsheet the line is the row. JSONL without --map holds touchpoints
    as proto JSON; with it, objects of any shape, whose names may be dotted paths.

    Exit code: 0 when everything went through, 2 when there were rejects, 1 when it failed.
    """
    try:
        columns = mapping.read_map(map_ or [])
        form = files.format_of(file)
        if encoding not in files.ENCODINGS:
            raise Problem(f"--encoding {encoding}: is none of {', '.join(files.ENCODINGS)}")
        found = files.survey(file, encoding, sheet)
        defaults = _defaults(file, found.digest, channel, kind, source, actor, org_unit)
        made = touchpoints(file, form, found.encoding, columns, defaults, sheet)
    except (Problem, files.UnreadableFile) as problem:
        raise screen.failed(problem) from None
    tally = Tally(lines=found.lines)
    where = rejects or Path(f"{file}.rejects.jsonl")
    where.unlink(missing_ok=True)
    screen.run(_import(Platform(data, token), made, tally, batch, where, file.name))
    _report(tally, where, as_json)
    if tally.rejected:
        raise typer.Exit(REJECTED)


def touchpoints(
    path: Path, form: Format, encoding: str, columns: dict[str, str], defaults: Defaults, sheet: str = ""
) -> Iterator[Item | Reject]:
    """Read a file as touchpoints; what is wrong with the file as a whole is a Problem at once."""
    if form is not Format.JSONL:
        return _rows(path, form, encoding, columns, defaults, sheet)
    if columns:
        return _mapped_documents(path, encoding, columns, defaults)
    return _documents(path, encoding, defaults)


def _rows(
    path: Path, form: Format, encoding: str, columns: dict[str, str], defaults: Defaults, sheet: str
) -> Iterator[Item | Reject]:
    delimiter = _delimiter(path, encoding, columns) if form is Format.CSV else files.DELIMITERS[0]
    records = files.rows(path, form, encoding, sheet, delimiter)
    ahead = list(itertools.islice(records, _MOST_ABOVE))
    at = _header(ahead, columns) or 0  # The Mapper says what a first row lacks that is none.
    if not ahead:
        raise Problem(f"{path} has no header: it is empty")
    header = ahead[at]
    if not isinstance(header, Row):
        raise Problem(f"{path} has no header: {header.reason}")

    def again() -> Iterator[Row | Reject]:
        return itertools.islice(files.rows(path, form, encoding, sheet, delimiter), at + 1, None)

    def is_day_first() -> bool | None:
        return mapping.is_day_first(again(), header.cells, columns, now=dt.datetime.now(SEOUL))

    def scale_of(field: str) -> tuple[float, float]:
        return mapping.scale(again(), header.cells, columns, field)

    mapper = Mapper(header.cells, columns, defaults, is_day_first, scale_of)
    return _made(itertools.chain(ahead[at + 1 :], records), mapper.touchpoint)


def _delimiter(path: Path, encoding: str, columns: Mapping[str, str]) -> str:
    """Tell what stands between the cells of a CSV file: that with which it has a header, else commas."""
    for each in files.DELIMITERS:
        ahead = itertools.islice(files.rows(path, Format.CSV, encoding, delimiter=each), _MOST_ABOVE)
        if _header(list(ahead), columns) is not None:
            return each
    return files.DELIMITERS[0]


def _header(ahead: Sequence[Row | Reject], columns: Mapping[str, str]) -> int | None:
    """Find the header among the first rows: headings may stand above it."""
    found = (
        at
        for at, row in enumerate(ahead)
        if isinstance(row, Row) and mapping.is_header(row.cells, columns, is_first=at == 0)
    )
    return next(found, None)


def _documents(path: Path, encoding: str, defaults: Defaults) -> Iterator[Item | Reject]:
    for record in files.documents(path, encoding):
        yield _document(record, defaults) if isinstance(record, Row) else record


def _mapped_documents(
    path: Path, encoding: str, columns: dict[str, str], defaults: Defaults
) -> Iterator[Item | Reject]:
    def records() -> Iterator[Row | Reject]:
        for record in files.documents(path, encoding):
            yield mapper.opened(record) if isinstance(record, Row) else record

    def is_day_first() -> bool | None:
        return mapping.is_day_first(records(), list(columns), columns, now=dt.datetime.now(SEOUL))

    def scale_of(field: str) -> tuple[float, float]:
        return mapping.scale(records(), list(columns), columns, field)

    mapper = Mapper(list(columns), columns, defaults, is_day_first, scale_of)
    return _made(files.documents(path, encoding), mapper.document)


def _made(
    records: Iterator[Row | Reject], make: Callable[[Row], touchpoint_pb2.Touchpoint | Reject]
) -> Iterator[Item | Reject]:
    for record in records:
        made = make(record) if isinstance(record, Row) else record
        yield made if isinstance(made, Reject) else Item(record.line, made)


def _document(row: Row, defaults: Defaults) -> Item | Reject:
    """Read one touchpoint as proto JSON; what it leaves out is filled in."""
    try:
        made = json_format.Parse(row.cells[0], touchpoint_pb2.Touchpoint())
        mapping.check_text(made.text)
    except BadCell as error:
        return Reject(row.line, str(error), "text")
    except json_format.ParseError as error:
        return _explained(row.line, str(error))
    made.source = made.source or defaults.source
    made.external_id = made.external_id or f"{defaults.external_id_prefix}{row.line}"
    made.channel = made.channel or touchpoint_pb2.Channel.ValueType(defaults.channel)
    made.kind = made.kind or touchpoint_pb2.TouchpointKind.ValueType(defaults.kind)
    made.actor = made.actor or touchpoint_pb2.Actor.ValueType(defaults.actor)
    made.org_unit = made.org_unit or defaults.org_unit
    if not made.HasField("occurred_time"):
        made.occurred_time.CopyFrom(defaults.occurred_time)
        made.occurred_offset_minutes = defaults.occurred_offset_minutes
    return Item(row.line, made)


def _explained(line: int, problem: str) -> Reject:
    """Say which field a document has that a touchpoint has not; never what the document says."""
    if unknown := _NO_FIELD.search(problem):
        inside = f"{unknown[3]}." if unknown[3] else ""
        return Reject(line, "there is no such field", f"{inside}{unknown[1]}")
    if problem.startswith("Failed to load JSON"):
        return Reject(line, "is not JSON")
    at = re.match(r"Failed to parse (\w+) field", problem)
    return Reject(line, "does not suit the field" if at else "is not a touchpoint", at[1] if at else "")


def _defaults(path: Path, digest: str, channel: str, kind: str, source: str, actor: str, org_unit: str) -> Defaults:
    changed = Timestamp(seconds=int(path.stat().st_mtime))
    given = {"channel": channel, "kind": kind or mapping.usual_kind(channel), "actor": actor}
    values = {}
    for name, value in given.items():
        try:
            values[name] = mapping.enum_value(name, value)
        except BadCell as error:
            raise Problem(f"--{name} {value}: {error}") from None
    return Defaults(
        source=source,
        channel=values["channel"],
        kind=values["kind"],
        actor=values["actor"],
        org_unit=org_unit,
        occurred_time=changed,
        occurred_offset_minutes=9 * 60,
        external_id_prefix=f"{digest[:16]}:",
    )


async def _import(
    platform: Platform, made: Iterator[Item | Reject], tally: Tally, size: int, where: Path, name: str
) -> None:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=screen.err,
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(progress)
        task = progress.add_task(name, total=tally.lines)
        written: TextIO | None = None

        def write() -> None:
            nonlocal written
            if tally.rejects and written is None:
                written = stack.enter_context(where.open("w", encoding="utf-8"))
            for each in tally.rejects:
                line = {"line": each.line, "reason": each.reason, **({"field": each.field} if each.field else {})}
                print(json.dumps(line, ensure_ascii=False), file=written)
            tally.rejects.clear()

        def answered(answer: Answer) -> None:
            count(tally, answer)
            write()
            progress.update(task, completed=max(item.line for item in answer.batch))

        async with platform.calling("ingest", "ingest.write") as peer:
            await client.wait_until_serving(peer)
            try:
                good = _counted(made, tally, write)
                await submission.submit(peer, submission.batches(good, size), answered, in_flight=_IN_FLIGHT)
            except files.UnreadableFile as error:
                raise Problem(str(error)) from error
            finally:
                write()
        progress.update(task, completed=tally.lines)


def _counted(made: Iterator[Item | Reject], tally: Tally, write: Callable[[], None]) -> Iterator[Item]:
    """Keep rejects apart, written whenever there are many, and give the rest."""
    for each in made:
        tally.records += 1
        if isinstance(each, Reject):
            tally.rejected += 1
            tally.rejects.append(each)
            if len(tally.rejects) >= _HELD:
                write()
        else:
            yield each


def count(tally: Tally, answer: Answer) -> None:
    """Add what ingest said of a batch."""
    for item, result in zip(answer.batch, answer.results, strict=True):
        outcome = result.WhichOneof("outcome")
        if outcome == "accepted":
            tally.accepted += 1
        elif outcome == "duplicate":
            tally.duplicates += 1
            tally.sent_again += answer.retried
        else:
            tally.rejected += 1
            for wrong in result.rejected.violations:
                tally.rejects.append(Reject(item.line, wrong.description, wrong.field))


def _report(tally: Tally, where: Path, as_json: bool) -> None:
    if as_json:
        screen.print_json(
            {
                "line_count": tally.lines,
                "record_count": tally.records,
                "accepted_count": tally.accepted,
                "duplicate_count": tally.duplicates,
                "rejected_count": tally.rejected,
            }
        )
        return
    shown = screen.table("", "what", "count", numbers=["count"])
    again = f" [dim]({tally.sent_again:,} of them in batches that were sent again)[/]" if tally.sent_again else ""
    for name, number in {
        "lines": tally.lines,
        "records": tally.records,
        "accepted": tally.accepted,
        f"duplicates{again}": tally.duplicates,
        "rejected": tally.rejected,
    }.items():
        shown.add_row(name, f"{number:,}")
    screen.out.print(shown)
    if tally.rejected:
        screen.err.print(f"the rejects are in {where}", soft_wrap=True)


class _Rate(ProgressColumn):
    """Lines a second."""

    def render(self, task: Task) -> Text:
        speed: Any = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "")
