"""Responses of surveys as named values, out of tables with one header row or more, workbooks and JSON."""

import csv
import datetime as dt
import io
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from sori_ingest.channels import charsets, columns, questionnaire, reading, translations, workbook
from sori_ingest.channels.payload import Payload, Source, Unreadable
from sori_ingest.channels.reading import Media

_MOST_ROWS = 100_000
_MOST_TITLES = 8  # rows until the header's end
ROW = "row "  # begins the place of what stands in a table
_SEPARATOR = re.compile(r"sep=([,;|\t])\r?\n", re.I)
_DELIMITER = re.compile(r"[,;\t|]")
_ZONE = re.compile(r'"timeZone"\s*:\s*"([\w/+-]{1,40})"')
_OPEN_ENDED = ("open-ended response", "주관식 응답", "개방형 응답", *translations.OPEN_ENDED)
_SECOND_HEADER = {"response", "응답", "other (please specify)", *translations.SECOND_HEADER, *_OPEN_ENDED}
_SUMS = frozenset({"합계", "총계", "소계", "평균", "total", "grand total", "average", "mean", "sum"})  # under a table
_WRAPPERS = ("responses", "reviews", "data", "results", "items", "answers_list")
_PEOPLE = ("respondent", "customer", "user", "contact", "person", "consumer")
_OWN_IDS = ("userid", "customerid", "memberid", "externalid")
_INNER = (*_PEOPLE, "metadata", "meta", "answers", "response", "customfields", "scores", "ratings", "fields", "values")
_EVENTS = ("data", "eventdata", "formresponse", "submission", "payload")  # A webhook may hold the response in these.


def records(payload: Payload, source: Source) -> Iterator[tuple[str, dict[str, object] | Unreadable]]:
    """Give each response as named values, with its place in the payload; or what is wrong with its line."""
    kind = reading.media(payload)
    if kind in (Media.JSON, Media.JSONL):
        yield from _json_records(payload, kind, source)
    elif kind == Media.FORM:
        yield "", dict(reading.form(payload))
    elif kind in (Media.CSV, Media.TSV, Media.TEXT, Media.MIME):
        is_western = not reading.charset(payload.content_type) and charsets.is_western(payload.body)
        text = payload.body.decode("cp1252") if is_western else reading.decoded(payload)
        yield from _csv_records(text, "\t" if kind == Media.TSV else "", source)
    elif kind == Media.XLSX:
        yield from _workbook(payload.body, source)
    else:
        raise Unreadable("not_a_table", "neither CSV nor JSON")


def _json_records(
    payload: Payload, kind: Media, source: Source
) -> Iterator[tuple[str, dict[str, object] | Unreadable]]:
    given: list[object]
    if kind == Media.JSONL:
        given = [_line(line) for line in reading.decoded(payload).split("\n") if line.strip()]
    else:
        value = reading.json_value(payload)
        if isinstance(value, dict):
            wrapped = next((value[name] for name in _WRAPPERS if isinstance(value.get(name), list)), None)
            is_list = wrapped and all(isinstance(each, dict) and not _is_answer(each) for each in wrapped)
            value = wrapped if is_list else [value]
        given = value if isinstance(value, list) else [value]
    for index, each in enumerate(given):
        if isinstance(each, dict):
            yield "" if len(given) == 1 else str(index), _at_paths(each, source) | _flat(each)
        else:
            wrong = each if isinstance(each, Unreadable) else Unreadable("not_json", "not an object")
            yield str(index), wrong


def joined(
    given: list[tuple[str, dict[str, object] | Unreadable]],
) -> list[tuple[str, dict[str, object] | Unreadable]]:
    """Join the rows of a response, where each holds one question with its answer; others stay as they are."""
    first = next((record for _, record in given if isinstance(record, dict)), {})
    places = [_first_of(first, names) for names in (columns.IDS, columns.QUESTIONS, columns.ANSWERS)]
    if len(given) == 1 or not all(places):
        return given
    made: list[tuple[str, dict[str, object] | Unreadable]] = []
    responses: dict[object, dict[str, object]] = {}
    asked: dict[tuple[object, object], int] = {}  # how often a response has a question
    for place, record in given:
        whole = [] if isinstance(record, Unreadable) else [record.get(name) for name in places]
        if isinstance(record, Unreadable) or not all(map(_is_name, whole[:2])):
            made.append((place, record))
            continue
        response, question, answer = whole
        if response not in responses:
            responses[response] = {name: each for name, each in record.items() if name not in places[1:]}
            made.append((place, responses[response]))
        number = asked[response, question] = asked.get((response, question), 0) + 1
        responses[response][f"{question} ({number})" if number > 1 else str(question)] = answer
    return made if len(made) < len(given) else given


def _is_name(value: object) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _first_of(record: Mapping[str, object], names: tuple[str, ...]) -> str:
    by_letters = {columns.letters(name): name for name in record}
    return next((by_letters[each] for each in names if each in by_letters), "")


def nested(value: object) -> bool:
    """Say whether a value holds others."""
    return isinstance(value, dict | list)


def _is_answer(given: Mapping[str, object]) -> bool:
    """Say whether this is one question with its answer, and no response."""
    return all(_first_of(given, names) for names in (columns.QUESTIONS, columns.ANSWERS)) and not _first_of(
        given, columns.IDS
    )


def _at_paths(given: dict[str, object], source: Source) -> dict[str, object]:
    """Take out what a mapping names by its path, as `answers.q1`."""
    made: dict[str, object] = {}
    for path in source.mapping:
        place, _, name = path.rpartition(".")
        within = reading.find(given, place) if place and path not in given else None
        if isinstance(within, dict) and within.get(name) is not None and not nested(within[name]):
            made[path] = within.pop(name)
    return made


def _line(line: str) -> object:
    """Read a line as JSON, or say that it is none: its neighbours go on."""
    try:
        return reading.parse_json(line)
    except Unreadable as wrong:
        return wrong


def _flat(given: Mapping[str, object]) -> dict[str, object]:
    """Bring what stands within `respondent`, `answers` and the like beside the rest."""
    made: dict[str, object] = {}
    for name, value in given.items():
        if name in questionnaire.SURVEYS and isinstance(value, dict):  # {"nps": {"score": 9, "comment": "…"}}
            value = {(name if inner in ("score", "value", "rating") else inner): each for inner, each in value.items()}
            made.update({inner: each for inner, each in value.items() if inner not in made})
            continue
        if name == "survey" and isinstance(value, dict):  # {"survey": {"id": "s1", "type": "nps"}, …}
            for inner, each in value.items():
                made.setdefault("survey_id" if inner == "id" else "survey_name" if inner == "name" else inner, each)
            continue
        if name == "pages" and isinstance(value, list):  # SurveyMonkey's responses API
            for page in value:
                _pages(page, made)
            continue
        if name == "namedValues" and isinstance(value, dict):  # an event of Google Forms' scripts
            for inner, each in value.items():
                made.setdefault(inner, _written_out(each) if isinstance(each, list) else each)
            continue
        if isinstance(value, dict) and columns.letters(name) in (*_INNER, *_EVENTS):
            _unpack(name, value, made)
        elif isinstance(value, list) and all(isinstance(each, dict) for each in value):
            for each in value:
                _answer(each, made)
        else:
            made[name] = value
    return made


def _unpack(name: str, given: Mapping[str, object], made: dict[str, object]) -> None:
    for inner, each in sorted(given.items(), key=lambda item: isinstance(item[1], dict)):  # A person has times, too.
        if isinstance(each, dict) and "value" in each and each.keys() <= {"type", "value"}:  # SurveyMonkey's metadata
            each = each["value"]
        if isinstance(each, dict) and isinstance(found := reading.find(each, "textAnswers.answers"), list):
            each = _written_out([reading.find(one, "value") for one in found])  # Google Forms' API
        if isinstance(each, dict) and columns.letters(inner) in _INNER:
            _unpack(inner, each, made)
            continue
        if isinstance(each, list) and each and all(isinstance(item, dict) for item in each):
            for item in each:
                _answer(item, made)
            continue
        if inner == "id" and columns.letters(name) in _PEOPLE:  # Names a person, who may answer more than once.
            inner = {"user": "user_id", "person": "person_id"}.get(name, "customer_id")
            if any(columns.letters(key) in _OWN_IDS for key in given):
                inner = "person_id"  # as the maker counts people
        made.setdefault(inner, each)


def _written_out(given: list[object]) -> str:
    return ", ".join(str(each) for each in given if isinstance(each, str | int | float) and each != "")


def _pages(page: object, made: dict[str, object]) -> None:
    """Take the questions of a page, with what was written or chosen as the answer."""
    questions = reading.find(page, "questions")
    for each in questions if isinstance(questions, list) else []:
        name = reading.find(each, "heading") or reading.find(each, "id")
        answers = reading.find(each, "answers")
        for answer in answers if isinstance(answers, list) else []:
            paths = ("choice_metadata.weight", "text", "simple_text")
            value = next((found for path in paths if (found := reading.find(answer, path)) not in (None, "")), None)
            if isinstance(name, str) and isinstance(value, str | int | float):
                made.setdefault(name, value)


def _answer(each: Mapping[str, object], made: dict[str, object]) -> None:
    """Take one of a list of questions with their answers."""
    names = ("question", "title", "label", "name", "key", "id", "question_id", "type")
    name = next((str(each[key]) for key in names if isinstance(each.get(key), str | int)), "")
    values = ("answer", "value", "score", "text", "response")
    value = next((each[key] for key in values if isinstance(each.get(key), str | int | float)), None)
    if value is None:
        value = _chosen(each)
    if name and value not in (None, ""):
        made.setdefault(name, value)


def _chosen(each: Mapping[str, object]) -> str:
    """Write what was chosen of several, by the texts of the options where it is ids."""
    values = each.get("value", each.get("answer"))
    options = each.get("options")
    texts = {reading.find(one, "id"): reading.find(one, "text") for one in options} if isinstance(options, list) else {}
    chosen = (
        [str(texts.get(one) or one) for one in values if isinstance(one, str | int)] if isinstance(values, list) else []
    )
    return ", ".join(chosen)


def _csv_records(text: str, delimiter: str, source: Source) -> Iterator[tuple[str, dict[str, object]]]:
    text = text.removeprefix("\ufeff").lstrip("\r\n")
    if told := _SEPARATOR.match(text):  # A line that Excel writes and hides.
        delimiter, text = told[1], text[told.end() :]
    head = next((line for line in text.split("\n", _MOST_TITLES)[:_MOST_TITLES] if _DELIMITER.search(line)), "")
    delimiter = delimiter or max(",;\t|", key=head.count)
    try:
        yield from _table(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), source)
    except csv.Error:
        raise Unreadable("not_a_table", "not CSV") from None


def _workbook(body: bytes, source: Source) -> Iterator[tuple[str, dict[str, object]]]:
    """Read the first sheet that has answers, and those after it that have the same columns."""
    sheets = [(rows := iter(sheet), [*itertools.islice(rows, _MOST_TITLES)]) for sheet in workbook.sheets(body)]
    headers = [ahead[_first_row(ahead)] if ahead else [] for _, ahead in sheets]
    first = next((at for at, header in enumerate(headers) if any(_tells(each, source) for each in header)), 0)
    for number, (rows, ahead) in enumerate(sheets):
        if number == first or (number > first and headers[number] == headers[first]):
            for place, record in _table(itertools.chain(ahead, rows), source):
                yield place if number == first else f"{place} of sheet {number + 1}", record


def _tells(title: str, source: Source) -> bool:
    """Say whether a column's title is of an answer, or of who answered and when."""
    return (
        columns.is_known(title)
        or title in source.mapping
        or bool(questionnaire.question(source, title))
        or questionnaire.is_open(title)
        or bool(columns.RATED.search(title[: columns.LONGEST_NAME]))
    )


def _table(rows: Iterator[list[str]], source: Source) -> Iterator[tuple[str, dict[str, object]]]:
    ahead = list(itertools.islice(rows, _MOST_TITLES))
    first = _first_row(ahead)
    header = ahead[first] if ahead else []
    if len(header) < 2 and not any(columns.is_named(each) for each in header):
        raise Unreadable("not_a_table", "no header row")
    titles, last = _titles(header, None), first
    below = ahead[first + 1 : first + 3]
    zones: dict[int, str] = {}
    if len(below) == 2 and _is_of_qualtrics(below[1]):
        titles, last = _asked_titles(header, below[0], {*source.mapping, *_options(source)}), first + 2
        zones = _zones(below[1])
    elif below and (_is_second_header(below[0]) or _is_under_merged(header, below[0])):
        titles, last = _titles(header, below[0]), first + 1
    for number, row in enumerate(itertools.chain(ahead[last + 1 :], rows), start=last + 2):
        if number - last - 1 > _MOST_ROWS:
            raise Unreadable("too_large", f"more than {_MOST_ROWS:,} rows")
        if not any(cell.strip() for cell in row):
            continue
        is_sum = row[0].strip().lower() in _SUMS and not questionnaire.is_open(titles[0])
        if is_sum or (len(titles) > 2 and _is_note(titles[0], row)):
            yield f"{ROW}{number}", {}
        else:
            yield f"{ROW}{number}", _named(titles, _zoned(row, zones) if zones else row)


def _is_note(title: str, row: list[str]) -> bool:
    """Say whether a row has nothing but a remark, in a column that is for times or ids."""
    is_alone = " " in row[0].strip() and not any(cell.strip() for cell in row[1:])
    return is_alone and (columns.is_time(title) or columns.letters(title) in columns.IDS)


def _first_row(rows: list[list[str]]) -> int:
    """Find the header: a heading may stand above it, alone in its row, or headings over several columns each."""
    for index, row in enumerate(rows):
        filled = [cell for cell in row if cell.strip()]
        if len(filled) > 1:
            if index + 1 < len(rows) and _is_under_headings(row, rows[index + 1]):
                return index + 1
            is_header = not any(columns.BARE_NUMBER.fullmatch(cell) for cell in filled)
            return index if is_header else 0
        below = next((other for other in rows[index + 1 :] if any(cell.strip() for cell in other)), [])
        if filled and columns.is_known(filled[0]) and len([cell for cell in below if cell.strip()]) < 2:
            return index
    return 0


def _is_under_headings(row: list[str], below: list[str]) -> bool:
    """Say whether the row below is the header, of which this one names groups of columns."""
    if len([cell for cell in below if cell.strip()]) <= len([cell for cell in row if cell.strip()]):
        return False
    return sum(map(columns.is_known, below)) > max(1, sum(map(columns.is_known, row)))


def _is_of_qualtrics(row: list[str]) -> bool:
    """Say whether this is the third header row of Qualtrics, which gives the id of each column as JSON."""
    return any(row) and all(cell.startswith('{"ImportId"') for cell in row if cell)


def _zones(row: list[str]) -> dict[int, str]:
    """Give the zones of the columns with times, which Qualtrics names beside their ids."""
    found = ((index, _ZONE.search(cell)) for index, cell in enumerate(row))
    return {index: zone[1] for index, zone in found if zone}


def _zoned(row: list[str], zones: Mapping[int, str]) -> list[str]:
    made = [*row]
    for index, zone in zones.items():
        if index < len(made) and (moment := reading.moment(made[index], local=zone)) is not None:
            offset = dt.timezone(dt.timedelta(minutes=moment.offset_minutes))
            made[index] = moment.time.astimezone(offset).isoformat()
    return made


def _asked_titles(header: list[str], questions: list[str], kept: Collection[str]) -> list[str]:
    """Name the columns of Qualtrics by the questions in its second row, but those known by their short name."""
    named = itertools.zip_longest(header, questions, fillvalue="")
    return [name if name in kept or columns.is_known(name) else question.strip() or name for name, question in named]


def _options(source: Source) -> Iterator[str]:
    for option in questionnaire.SURVEYS:
        yield from (each.strip() for each in source.options.get(option, "").split(","))


def _is_second_header(row: list[str]) -> bool:
    """Say whether this is SurveyMonkey's second header row, which names the kind or the choice of each answer."""
    return bool(row) and not row[0].strip() and any(cell.strip().lower() in _SECOND_HEADER for cell in row)


def _is_under_merged(header: list[str], row: list[str]) -> bool:
    """Say whether this row names the columns under cells of the header that are merged: it has nothing elsewhere."""
    filled = [index for index, cell in enumerate(row) if cell.strip()]
    gaps = [index for index, cell in enumerate(header) if not cell.strip() or (index and cell == header[index - 1])]
    under = {*gaps, *(index - 1 for index in gaps)}
    return (
        bool(gaps)
        and gaps[0] > 1
        and {*gaps} <= {*filled} <= under
        and not any(columns.BARE_NUMBER.fullmatch(row[index]) for index in filled)
    )


def _titles(header: list[str], second: list[str] | None) -> list[str]:
    """Join the two header rows: a question's title stands over the first of its columns only."""
    if second is None:
        return [unicodedata.normalize("NFC", each.strip()) for each in header]
    titles: list[str] = []
    question = ""
    for index, cell in enumerate(header + [""] * (len(second) - len(header))):
        below = unicodedata.normalize("NFC", second[index].strip()) if index < len(second) else ""
        cell = unicodedata.normalize("NFC", cell.strip())
        question = cell or question
        if below.lower() in _OPEN_ENDED and not columns.is_known(question):
            titles.append(f"{question} ({_OPEN_ENDED[0]})")
            continue
        plain = not below or below.lower() in _SECOND_HEADER
        if not plain or (plain and not cell.strip()):
            titles.append(f"{question} - {below}" if below else f"{question} - {index}")
        else:
            titles.append(question)
    return titles


def _named(titles: list[str], row: list[str]) -> dict[str, object]:
    made: dict[str, object] = {}
    for index, cell in enumerate(row):
        title = titles[index] if index < len(titles) and titles[index] else f"column {index + 1}"
        made[title if title not in made else f"{title} ({index + 1})"] = _unguarded(cell.strip())
    return made


def _unguarded(cell: str) -> str:
    """Take off what keeps a spreadsheet from counting with a cell, as in ="0101234" and '+82 10."""
    if cell[:2] == '="' and cell[-1] == '"' and len(cell) > 2:
        return cell[2:-1]
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("+", "-", "=", "@") else cell
