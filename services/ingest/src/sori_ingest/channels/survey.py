"""Surveys of any maker: SurveyMonkey's table with its two header rows; plain NPS, CSAT and CES as table or JSON."""

import csv
import datetime as dt
import functools
import hashlib
import io
import itertools
import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import questionnaire, reading, workbook
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.reading import Media

NAME = "survey"
TITLE = "Surveys: SurveyMonkey-style CSV; NPS, CSAT, CES as CSV, TSV, XLSX or JSON"
DOCUMENT = "https://help.surveymonkey.com/en/surveymonkey/analyze/csv-and-xls-exports/"
CHANNEL = "survey"
FIELDS: Mapping[str, str] = {
    "external_id": "Respondent ID, response_id, id, …; else of rows, and of what has "
    "a time, a digest of the answers and how many alike came before; "
    "further scored questions: id#question",
    "thread_id": "as external_id of the response",
    "occurred_time": "End Date, submitted_at, created_at, …, else Start Date; without "
    "offset in the option `zone`, else Seoul's where it or its "
    "name is Korean, else UTC",
    "identifiers": "Email Address, phone, member_id, … by name or by the mapping",
    "text": "open-ended answers; comment, feedback, reason, 의견, …",
    "survey": "columns nps, csat, ces, or `score` beside `type`; else questions told apart by the options nps, csat, "
    "ces or by their titles; answers such as `9 - Very likely` and `매우 만족` count; scales by `scale`, "
    "csat_scale, ces_scale",
    "rating": "a column `rating`, or `score` without a type, with its scale (1-5); else questions to rate, up to 10",
    "attributes": "all other answers",
    "ignored": "rows without any answer",
}


_MOST_ROWS = 100_000
_MOST_TITLES = 8  # rows until the header's end
_ROW = "row "
_LONGEST_NAME = 300
_REMEMBERED = 1_024  # titles
_LONGEST_SERIAL = 20  # characters
_LONGEST_MARK = 200  # characters
_NOTICE = 4_096  # bytes; a notice is smaller
_NO_LETTER = re.compile(r"[\W_]+")
_LEADING_NUMBER = re.compile(
    r"\s*(-?\d{1,4}(?:[.]\d{1,6})?)\s*(?:점|/\s*(\d{1,3})|[-–—:.)(]\s*\D.*|\D{0,40})?\s*", re.S
)
_TRAILING_NUMBER = re.compile(r"[^\d()]{1,60}\(\s*(\d{1,2})\s*(?:점|/\s*(\d{1,3}))?\s*\)")  # Very satisfied (5)
_LAST_NUMBER = re.compile(r"\D{1,60}\s[-–—]\s?(\d{1,2})(?:/(\d{1,3}))?")  # SurveyMonkey's "Extremely likely - 10"
_BARE_NUMBER = re.compile(r"\s*-?\d{1,4}(?:[.]\d{1,6})?\s*점?\s*")
_ZONE = re.compile(r'"timeZone"\s*:\s*"([\w/+-]{1,40})"')
_POINTS = re.compile(r"\d+\s*점?")
_SEPARATOR = re.compile(r"sep=([,;|\t])\r?\n", re.I)
_DELIMITER = re.compile(r"[,;\t|]")
_SCALE = re.compile(r"\s*(-?\d{1,3})\s*(?:[-~–]|to|에서)\s*(-?\d{1,3})\s*(?:점)?\s*", re.I)
_OPEN_ENDED = ("open-ended response", "주관식 응답", "개방형 응답")
_SECOND_HEADER = {"response", "응답", "other (please specify)", *_OPEN_ENDED}

_IDS = (
    "external_id",
    "responseid",
    "submissionid",
    "respondentid",
    "id",
    "token",
    "uuid",
    "응답번호",
    "응답id",
    "응답자id",
    "externalid",
    "idresponseid",  # LimeSurvey's
    *("제출id", "제출번호", "답변id", "답변번호", "응답자번호"),
)
_TIMES = (
    "enddate", "submittedat", "completedat", "respondedat", "answeredat", "finishedat", "occurredtime", "createdat",
    "timestamp", "time", "date", "datemodified", "datecreated", "응답일시", "응답시간", "제출일시", "제출시간",
    "응답일", "응답시각", "제출시각", "작성일시", "등록일시", "설문일시", "참여일시", "완료일시", "접수일시",
    "완료시간", "타임스탬프", "등록일", "종료일", "종료날짜", "종료일시", "응답종료시간", "응답종료일시",
    "응답완료시간", "응답완료일시", "응답날짜", "응답일자", "제출일", "제출일자", "제출날짜", "답변일시", "답변일",
    "평가일시", "평가일", "작성일자", "등록일자", "설문일", "참여일", "완료일", "접수일", "상담일시", "상담일",
    "작성일", "일시", "날짜", "submitdate", "submitdateutc",
    "submissiondate", "datesubmitted", "submitteddate", "submittedon", "responsecreatedat", "responsedate",
    "recordeddate", "submitdatedatesubmitted",
    "startdate", "startedat", "시작일", "시작날짜", "응답시작시간", "응답시작일시",
)  # fmt: skip
_PERHAPS_TIMES = (  # Where they hold a time: others mean by them how long it took.
    *("satisfactionratedat", "ratedat", "responded", "답변시간", "작성시간", "종료시간"),
    *("completiontime", "completedtime", "submissiontime", "starttime", "startedtime", "timestarted"),
    *("startdateutc", "stagedateutc", "startdatedatestarted", "시작시간", "시작일시"),
)
_TIME_FORMS = (
    *("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y"),
    *("%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M", "%m/%d/%y %I:%M:%S %p", "%m/%d/%y %I:%M %p", "%m/%d/%y"),
)
_DOTTED_FORMS = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y, %H:%M", "%d.%m.%Y")
_NAMED_MONTH_FORMS = (
    *("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%d-%b-%Y", "%b %d, %Y %I:%M %p", "%b %d, %Y %I:%M:%S %p"),
    *("%b %d, %Y %H:%M", "%b %d, %Y", "%B %d, %Y %I:%M %p", "%B %d, %Y", "%d %b %Y %H:%M:%S", "%d %b %Y"),
)
_DIGITS = re.compile(r"(20\d\d)([01]\d)([0-3]\d)(?:([0-2]\d)([0-5]\d)([0-5]\d)?)?")  # 20261130180000
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.]\d+)?)?")
_SHORT_YEAR = re.compile(r"\d\d[./-]\d{1,2}[./-]\d{1,2}(?!\d).*", re.S)
_FIRST_DAY = dt.datetime(1899, 12, 30)  # noqa: DTZ001  # Excel's days are counted from it.
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_051  # 2000 to 2100
_WORDS = (
    "comment", "comments", "text", "feedback", "reason", "message", "opentext", "openended", "verbatim", "note",
    "의견", "이유", "코멘트", "내용", "남기실말씀", "하고싶은말", "주관식",
)  # fmt: skip
_TYPES = ("type", "surveytype", "metric", "questiontype", "survey", "question", "kind", "유형", "문항", "설문유형")
_SCORES = ("score", "rating", "value", "answer", "점수", "평점", "별점", "만족도점수")
_SURVEYS = ("surveyid", "formid", "survey", "surveyname", "collectorid", "설문", "설문명")
_UNSAID = (  # kept out: nobody asked for them
    *("ipaddress", "ip", "firstname", "lastname", "fullname", "name", "customername", "respondentname"),
    *("ip주소", "성", "submissionip"),
    *("personname", "recipientfirstname", "recipientlastname", "locationlatitude", "locationlongitude"),
    *("이름", "성함", "성명", "고객명", "응답자", "응답자명", "작성자", "작성자명"),
)
_SPELLED = re.compile(  # 2024. 5. 1 오후 3:05:01, 2024년 5월 1일 10시 5분, 2024/05/01 3:05:01 오후 GMT+9
    r"(\d{4})\s?[./년-]\s?(\d{1,2})\s?[./월-]\s?(\d{1,2})\s?[.일]?,?\s*(?:\([^()]{1,4}\)\s*)?"
    r"(?:(오전|오후|AM|PM)?\s*(\d{1,2})\s?(?:[:시]\s?(?:(\d{1,2})\s?(?:[:분]\s?(?:(\d{1,2})(?:[.]\d+)?\s?초?)?)?)?)"
    r"\s*(오전|오후|AM|PM)?\s*(?:(?:GMT|UTC)\s?([+-])(\d{1,2})(?::?(\d\d))?)?)?",
    re.I,
)
_TESTS = frozenset({"test", "ping"})
_SUMS = frozenset({"합계", "총계", "소계", "평균", "total", "grand total", "average", "mean", "sum"})  # under a table
_PREVIEWS = ("Survey Preview", "Survey Test")  # of Qualtrics
_WRAPPERS = ("responses", "data", "results", "items", "answers_list")
_PEOPLE = ("respondent", "customer", "user", "contact", "person")
_INNER = (*_PEOPLE, "metadata", "meta", "answers", "response", "customfields", "scores", "ratings", "fields")
_EVENTS = ("data", "eventdata", "formresponse", "submission", "payload")  # A webhook may hold the response in these.

_UNANSWERED = frozenset(  # In place of a score: the question was left out, or does not apply.
    {"na", "none", "null", "notapplicable", "noanswer", "dontknow", "idontknow", "notsure"}
    | {"해당없음", "해당사항없음", "무응답", "미응답", "응답안함", "모름", "잘모름", "잘모르겠음", "잘모르겠습니다"}
)
_RATED = re.compile(r"\brate (?:your|our|the|this|us)\b|\brating\b|별점|평점|평가해", re.I)
_HIGHEST_RATING = 10
_MANY = 20  # answers, of which some would be higher if the scale were longer
_GOOD_OR_BAD = ("satisfactionscore", "satisfactionrating")  # how Zendesk's exports call them
_WHY = re.compile(r"\bwhy\b|reason|comment|feedback|explain|이유|의견", re.I)


def read(payload: Payload, source: Source) -> Reading:
    """Make touchpoints of each response; one that cannot be read leaves the others be."""
    if event := _notice(payload):
        return Reading(ignored=(Ignored("event_type_unknown", event[:64]),))
    made: list[pb.Touchpoint] = []
    ignored: list[Ignored] = []
    unreadable: list[Unreadable] = []
    seen: dict[str, int] = {}
    records = list(_records(payload, source))
    spans = _spans(records, source) if len(records) > 1 else {}
    for place, record in records:
        try:
            if isinstance(record, Unreadable):
                raise record
            found = _response(place, record, payload, source, seen, spans)
        except _Test:
            ignored.append(Ignored("test_ping", place))
            continue
        except Unreadable as error:
            unreadable.append(Unreadable(error.reason, error.detail, ".".join(filter(None, (place, error.field)))))
            continue
        made += found
        if not found:
            ignored.append(Ignored("no_answer", place))
    if not (made or ignored or unreadable):
        ignored.append(Ignored("no_rows"))
    if len(unreadable) == 1 and not (made or ignored):
        raise unreadable[0]
    return Reading(touchpoints=tuple(made), ignored=tuple(ignored), unreadable=tuple(unreadable))


def _notice(payload: Payload) -> str:
    """Give the event of a SurveyMonkey webhook, which says that there is a response and not what it says."""
    if b"object_id" not in payload.body[:_NOTICE]:
        return ""
    try:
        given = reading.json_value(payload)
    except Unreadable:
        return ""
    is_notice = isinstance(given, dict) and "object_id" in given and "object_type" in given
    return reading.optional_text(given, "event_type") if is_notice else ""


def _records(payload: Payload, source: Source) -> Iterator[tuple[str, dict[str, object] | Unreadable]]:
    """Give each response as named values, with its place in the payload; or what is wrong with its line."""
    kind = reading.media(payload)
    if kind in (Media.JSON, Media.JSONL):
        yield from _json_records(payload, kind, source)
    elif kind == Media.FORM:
        yield "", dict(reading.form(payload))
    elif kind in (Media.CSV, Media.TSV, Media.TEXT, Media.MIME):
        yield from _csv_records(reading.decoded(payload), "\t" if kind == Media.TSV else "", source)
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
            value = wrapped if wrapped and all(isinstance(each, dict) for each in wrapped) else [value]
        given = value if isinstance(value, list) else [value]
    for index, each in enumerate(given):
        if isinstance(each, dict):
            yield "" if len(given) == 1 else str(index), _at_paths(each, source) | _flat(each)
        else:
            wrong = each if isinstance(each, Unreadable) else Unreadable("not_json", "not an object")
            yield str(index), wrong


def _at_paths(given: dict[str, object], source: Source) -> dict[str, object]:
    """Take out what a mapping names by its path, as `answers.q1`."""
    made: dict[str, object] = {}
    for path in source.mapping:
        place, _, name = path.rpartition(".")
        within = reading.find(given, place) if place and path not in given else None
        if isinstance(within, dict) and within.get(name) is not None and not _nested(within[name]):
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
        if name in questionnaire.OPTIONS and isinstance(value, dict):  # {"nps": {"score": 9, "comment": "…"}}
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
        if isinstance(value, dict) and _letters(name) in (*_INNER, *_EVENTS):
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
        if isinstance(each, dict) and _letters(inner) in _INNER:
            _unpack(inner, each, made)
            continue
        if isinstance(each, list) and each and all(isinstance(item, dict) for item in each):
            for item in each:
                _answer(item, made)
            continue
        if inner == "id" and _letters(name) in _PEOPLE:  # Names a person, who may answer more than once.
            inner = "user_id" if name == "user" else "customer_id"
        made.setdefault(inner, each)


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
        _is_known(title)
        or title in source.mapping
        or bool(questionnaire.question(source, title))
        or questionnaire.is_open(title)
        or bool(_RATED.search(title[:_LONGEST_NAME]))
    )


def _table(rows: Iterator[list[str]], source: Source) -> Iterator[tuple[str, dict[str, object]]]:
    ahead = list(itertools.islice(rows, _MOST_TITLES))
    first = _first_row(ahead)
    header = ahead[first] if ahead else []
    if len(header) < 2 and not any(_is_named(each) for each in header):
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
        if number > _MOST_ROWS:
            raise Unreadable("too_large", f"more than {_MOST_ROWS:,} rows")
        if not any(cell.strip() for cell in row):
            continue
        if row[0].strip().lower() in _SUMS and not questionnaire.is_open(titles[0]):
            yield f"{_ROW}{number}", {}
        else:
            yield f"{_ROW}{number}", _named(titles, _zoned(row, zones) if zones else row)


def _first_row(rows: list[list[str]]) -> int:
    """Find the header: a heading may stand above it, alone in its row."""
    for index, row in enumerate(rows):
        filled = [cell for cell in row if cell.strip()]
        if len(filled) > 1:
            is_header = not any(_BARE_NUMBER.fullmatch(cell) for cell in filled)
            return index if is_header else 0
        if filled and _is_known(filled[0]):
            return index
    return 0


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
    return [name if name in kept or _is_known(name) else question.strip() or name for name, question in named]


def _options(source: Source) -> Iterator[str]:
    for option in questionnaire.OPTIONS:
        yield from (each.strip() for each in source.options.get(option, "").split(","))


def _is_second_header(row: list[str]) -> bool:
    """Say whether this is SurveyMonkey's second header row, which names the kind or the choice of each answer."""
    return bool(row) and not row[0].strip() and any(cell.strip().lower() in _SECOND_HEADER for cell in row)


def _is_under_merged(header: list[str], row: list[str]) -> bool:
    """Say whether this row names the columns under cells of the header that are merged: it has nothing elsewhere."""
    filled = [index for index, cell in enumerate(row) if cell.strip()]
    gaps = [index for index, cell in enumerate(header) if not cell.strip()]
    under = {*gaps, *(index - 1 for index in gaps)}
    return (
        bool(gaps)
        and gaps[0] > 1
        and {*gaps} <= {*filled} <= under
        and not any(_BARE_NUMBER.fullmatch(row[index]) for index in filled)
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
        if below.lower() in _OPEN_ENDED and not _is_known(question):
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
        made[title if title not in made else f"{title} ({index + 1})"] = cell.strip()
    return made


def _is_named(title: str) -> bool:
    letters = _letters(title)
    return letters in questionnaire.OPTIONS or letters in _SCORES or letters in _WORDS


def _is_known(title: str) -> bool:
    """Say whether a column's title alone tells what is in it."""
    letters = _letters(title)
    return _is_named(title) or letters in questionnaire.NAMES or letters in (*_IDS, *_TIMES, *_UNSAID)


def _letters(name: str) -> str:
    return _letters_of(name) if len(name) <= _LONGEST_NAME else _NO_LETTER.sub("", name).lower()


@functools.lru_cache(_REMEMBERED)
def _letters_of(name: str) -> str:
    """Do it once for the titles of a table, which all of its rows have."""
    return _NO_LETTER.sub("", name).lower()


@dataclass(slots=True)
class _Span:
    """Which numbers a column of scores has: all of it is on one scale."""

    low: float
    high: float
    count: int = 0

    def add(self, value: float) -> None:
        """Take one more."""
        self.low, self.high, self.count = min(self.low, value), max(self.high, value), self.count + 1


class _Test(Exception):
    """Not an answer: somebody tries whether it arrives."""


class _Record:
    """One response, of which each value is used once."""

    def __init__(self, record: Mapping[str, object], source: Source) -> None:
        self.left = {name: value for name, value in record.items() if value not in (None, "", {}, [])}
        self.mapped = {field: name for name, field in reversed([*source.mapping.items()]) if name in self.left}

    def take(self, field: str, names: tuple[str, ...]) -> tuple[str, object] | None:
        """Take the value that is mapped to a field, or the first that has one of these names."""
        by_letters = {_letters(name): name for name in reversed(self.left)}
        found = self.mapped.get(field) or next((by_letters[each] for each in names if each in by_letters), None)
        return (found, self.left.pop(found)) if found in self.left else None

    def text(self, field: str, names: tuple[str, ...]) -> str:
        """Take a text, or nothing."""
        taken = self.take(field, names)
        return reading.optional_text({"": taken[1]}, "").strip() if taken and not _nested(taken[1]) else ""


def _nested(value: object) -> bool:
    return isinstance(value, dict | list)


def _response(
    place: str,
    given: dict[str, object],
    payload: Payload,
    source: Source,
    seen: dict[str, int],
    spans: Mapping[str, _Span],
) -> list[pb.Touchpoint]:
    record = _Record(given, source)
    if any(given.get(name) in _PREVIEWS for name in ("Response Type", "Status", "응답 유형")):
        raise _Test
    if reading.flag(given, "test") or reading.optional_text(given, "event").strip().lower() in _TESTS:
        raise _Test
    at = _time(record, source)
    external_id = record.text("external_id", _IDS) or _token(record)
    if not external_id and (at is not None or place.startswith(_ROW)):  # Else two who say the same would be one.
        external_id = _digest(given, seen)
    main = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_SURVEY),
        kind=reading.configured_kind(source, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE),
        at=at or reading.moment_at({}, payload=payload, source=source),
        external_id=external_id,
    )
    declared = any(
        questionnaire.question(source, str(value))
        for name, value in record.left.items()
        if _letters(name) in _TYPES and not _nested(value)
    )
    scale = _scale_of(record)
    scores = _named_scores(record, scale, spans)
    scores += _typed_score(record, scale, source, spans)
    survey_id = record.text("survey_id", _SURVEYS)
    words = [text for name in _WORDS if (text := record.text("text", (name,)))]
    for name, value in record.left.items():
        written = json.dumps(value, ensure_ascii=False) if _nested(value) else reading.optional_text({"": value}, "")
        if source.mapping.get(name) == "text":
            words.append(written)
        elif (
            _letters(name) in _UNSAID
            or questionnaire.fill(main, name, written, source)
            or questionnaire.identify(main, name, written)
        ):
            continue
        elif score := _asked(name, value, source, spans):
            scores.append(score)
        elif questionnaire.is_open(name) and not _BARE_NUMBER.fullmatch(written):
            words.append(written)
        else:
            reading.attribute(main, name, written)
    main.text = "\n".join(dict.fromkeys(words))
    if not (words or scores or main.attributes):
        return []
    if not (words or scores) and (declared or not (external_id or at or main.identifiers)):
        raise Unreadable("field_missing", "neither a score nor words", "score")
    return questionnaire.touchpoints(main, scores, source, survey_id=survey_id)


def _token(record: _Record) -> str:
    """Take the id that Typeform's tables head with #, which heads mere numbers of rows in others."""
    value = record.left.get("#")
    return str(record.left.pop("#")) if isinstance(value, str) and not value.isdecimal() else ""


def _time(record: _Record, source: Source) -> reading.Moment | None:
    """Take all columns with times; the first in the order above that says one counts."""
    found: reading.Moment | None = None
    wrong = clock = ""
    while (taken := record.take("occurred_time", _TIMES)) is not None:
        if isinstance(taken[1], str) and _CLOCK.fullmatch(taken[1].strip()):
            clock = clock or taken[1].strip()
            wrong = wrong or taken[0]
            record.mapped.pop("occurred_time", None)
            continue
        made = None if _nested(taken[1]) else _moment(taken[1], questionnaire.zone(source, *taken))
        wrong = wrong or (taken[0] if made is None else "")
        found = found or made
        record.mapped.pop("occurred_time", None)
    by_letters = {_letters(each): each for each in record.left}
    for name in [by_letters[each] for each in _PERHAPS_TIMES if each in by_letters]:
        value = record.left[name]
        if made := None if _nested(value) else _moment(value, questionnaire.zone(source, name, value)):
            found = found or made
            del record.left[name]
    if found is None and wrong:
        raise Unreadable("field_wrong", "not a time", wrong)
    if found is None:
        return None
    for name in () if clock else ("시간", "시각"):
        if _CLOCK.fullmatch(str(record.left.get(name, ""))):
            clock = str(record.left.pop(name))
    return _at_clock(found, clock)


def _at_clock(found: reading.Moment, clock: str) -> reading.Moment:
    """Add the time of day that stands in a column of its own beside the date."""
    local = found.time + dt.timedelta(minutes=found.offset_minutes)
    if not (parts := _CLOCK.fullmatch(clock)) or local.time() != dt.time():
        return found
    hours, minutes, seconds = (int(each or 0) for each in parts.groups())
    later = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return reading.Moment(found.time + later, found.offset_minutes)


def _moment(value: object, zone: str) -> reading.Moment | None:
    unfolded = _unfolded(value, zone)
    if (made := reading.moment(unfolded, local=zone)) is not None:
        return made
    if (found := _SPELLED.fullmatch(str(unfolded).strip()[:60])) and (made := _spelled(found, zone)):
        return made
    text = str(value).strip()[:60]
    named = _NAMED_MONTH_FORMS if text[:12].upper().isupper() else _DOTTED_FORMS
    for form in _TIME_FORMS if "/" in text else named:
        try:
            spelled = dt.datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
        return reading.moment(spelled.isoformat(), local=zone)
    return None


def _unfolded(value: object, zone: str) -> object:
    """Write out a time that stands as digits alone, as Excel's day number, with a short year or with UTC after it."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if found := _DIGITS.fullmatch(text):
        return f"{found[1]}-{found[2]}-{found[3]}T{found[4] or '00'}:{found[5] or '00'}:{found[6] or '00'}"
    if text[:1].isdecimal() and len(text) <= _LONGEST_SERIAL and text.replace(".", "", 1).isdecimal():
        days = float(text)
        return (_FIRST_DAY + dt.timedelta(days=days)).isoformat() if _FIRST_SERIAL <= days < _LAST_SERIAL else value
    if text[-4:] in (" UTC", " GMT"):
        return f"{text[:-4]}Z"
    return f"20{text}" if zone == "Asia/Seoul" and _SHORT_YEAR.fullmatch(text) else value


def _spelled(found: re.Match[str], zone: str) -> reading.Moment | None:
    year, month, day, hour, minute, second = (int(found[group] or 0) for group in (1, 2, 3, 5, 6, 7))
    half = (found[4] or found[8] or "").upper()
    if half in ("오후", "PM") and hour < 12:
        hour += 12
    elif half in ("오전", "AM") and hour == 12:
        hour = 0
    offset = f"{found[9]}{int(found[10]):02}:{found[11] or '00'}" if found[9] else ""
    return reading.moment(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{offset}", local=zone)


def _digest(given: dict[str, object], seen: dict[str, int]) -> str:
    """Name a response that has no id; two of one payload that are alike are two."""
    said = json.dumps(given, ensure_ascii=False, sort_keys=True, default=str)
    digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
    seen[digest] = seen.get(digest, 0) + 1
    return f"sha256:{digest}:{seen[digest]}"


def _spans(records: list[tuple[str, dict[str, object] | Unreadable]], source: Source) -> dict[str, _Span]:
    """Say which numbers each column of scores has."""
    made: dict[str, _Span] = {}
    scored: dict[str, bool] = {}
    for _, record in records:
        for name, value in () if isinstance(record, Unreadable) else record.items():
            if (is_scored := scored.get(name)) is None:
                is_scored = scored[name] = _is_scored(name, source)
            if not is_scored or isinstance(value, bool):
                continue
            if isinstance(value, str) and _BARE_NUMBER.fullmatch(value):
                value = float(value.replace("점", ""))
            if isinstance(value, int | float):
                made.setdefault(name, _Span(value, value)).add(value)
    typed = any(_letters(name) in _TYPES for name in scored)  # `score` is then of the type beside it, each on its own.
    return {name: span for name, span in made.items() if not (typed and _letters(name) in _SCORES)}


def _is_scored(name: str, source: Source) -> bool:
    kind = questionnaire.question(source, name)
    return kind != pb.SURVEY_TYPE_NPS and (
        bool(kind)
        or _letters(name) in _SCORES
        or source.mapping.get(name) == "rating"
        or bool(_RATED.search(name[:_LONGEST_NAME]))
    )


def _named_scores(record: _Record, scale: str, spans: Mapping[str, _Span]) -> list[questionnaire.Score]:
    """Take the columns that are named nps, csat and ces; the scale is that of the only one beside NPS."""
    made = []
    several = sum(1 for name in record.left if _letters(name) in ("csat", "ces", "score", "rating")) > 1
    for option, kind in questionnaire.OPTIONS.items():
        taken = record.take(option, (option, f"{option}score", f"{option}점수"))
        if taken is not None and not _is_unanswered(taken[1]):
            value, highest = _number(taken[0], taken[1], kind)
            told = "" if several or kind == pb.SURVEY_TYPE_NPS else scale
            made.append(_score(option, kind, value, highest, told, spans.get(taken[0])))
    return made


def _typed_score(record: _Record, scale: str, source: Source, spans: Mapping[str, _Span]) -> list[questionnaire.Score]:
    """Take `score`, which is of the `type` beside it."""
    taken = record.take("rating", _SCORES)
    if taken is None or _is_unanswered(taken[1]):
        return []
    labels = [str(value) for name, value in record.left.items() if _letters(name) in _TYPES and not _nested(value)]
    kind = questionnaire.question(source, taken[0], *labels)
    if isinstance(taken[1], str) and _mark(taken[1], kind) is None:
        if kind and _letters(taken[0]) in ("score", "rating", "점수", "평점", "별점"):
            raise Unreadable("field_wrong", "not a number", taken[0])
        record.left[taken[0]] = taken[1]  # An answer in words.
        return []
    value, highest = _number(taken[0], taken[1], kind)
    return [_score(_letters(taken[0]), kind, value, highest, scale, spans.get(taken[0]))]


def _scale_of(record: _Record) -> str:
    """Take the scale as `1-5`, as {min, max}, or as two values."""
    taken = record.take("scale", ("scale", "range", "척도"))
    if taken is not None and isinstance(taken[1], dict):
        low, high = (reading.optional_text(taken[1], *names) for names in (("min", "lowest"), ("max", "highest")))
        return f"{low or 1}-{high}"
    if taken is not None and not _nested(taken[1]):
        return str(taken[1])
    low = record.text("lowest", ("scalemin", "min", "minscore", "lowest"))
    high = record.text("highest", ("scalemax", "max", "maxscore", "highest", "outof"))
    return f"{low or 1}-{high}" if high else ""


def _score(
    key: str, kind: pb.SurveyType.ValueType, value: float, highest: float, scale: str, span: _Span | None
) -> questionnaire.Score:
    found = _SCALE.fullmatch(scale)
    if found:
        return questionnaire.Score(key=key, value=value, question=kind, lowest=float(found[1]), highest=float(found[2]))
    if scale.strip().isdecimal() and len(scale) <= 3:
        highest = float(scale)
    if highest:
        return questionnaire.Score(key=key, value=value, question=kind, lowest=min(1.0, value), highest=highest)
    usual = {pb.SURVEY_TYPE_NPS: 10, pb.SURVEY_TYPE_CSAT: 5, pb.SURVEY_TYPE_CES: 7}.get(kind, 5)
    low, high = (span.low, span.high) if span else (value, value)
    if kind == pb.SURVEY_TYPE_CSAT and span and span.count >= _MANY and usual < high <= 7 and low >= 1:
        return questionnaire.Score(key=key, value=value, question=kind, lowest=1, highest=7)
    if kind != pb.SURVEY_TYPE_NPS and usual < high <= 10:  # Given on a longer scale than usual, of which none is told.
        return questionnaire.Score(key=key, value=value, question=kind, lowest=min(1.0, low), highest=10)
    if kind != pb.SURVEY_TYPE_NPS and low == 0 < high <= usual:  # Counted from 0; or good and bad.
        return questionnaire.Score(key=key, value=value, question=kind, lowest=0, highest=1 if high == 1 else usual)
    return questionnaire.Score(key=key, value=value, question=kind)


def _asked(title: str, value: object, source: Source, spans: Mapping[str, _Span]) -> questionnaire.Score | None:
    """Take a column whose title is a question for a score."""
    kind = questionnaire.question(source, title)
    written = "" if _nested(value) else reading.optional_text({"": value}, "")
    if _letters(title) in _GOOD_OR_BAD and (word := written.partition(" ")[0].lower()) in ("good", "bad"):
        return questionnaire.Score(key=title, value=float(word == "good"), question=kind, lowest=0, highest=1)
    if not (kind or _RATED.search(title[:_LONGEST_NAME])):
        return None
    if len(written) > _LONGEST_MARK // 2 or (mark := _mark(written, kind)) is None:
        return None
    if not kind and mark[0] > _HIGHEST_RATING:  # A sum of points, or an amount.
        return None
    if questionnaire.is_open(title) and not _is_score(title, written):
        return None
    score, highest = _number(title, value, kind)
    told = None if highest else questionnaire.scale_told(title, score)
    if not questionnaire.is_on_scale(source, kind, told[1] if told else 0, title):
        kind = pb.SURVEY_TYPE_UNSPECIFIED
    scale = f"{told[0]:g}-{told[1]:g}" if told and kind != pb.SURVEY_TYPE_NPS else ""
    return _score(reading.reference(title), kind, score, highest, scale, spans.get(title))


def _is_unanswered(value: object) -> bool:
    return isinstance(value, str) and (_letters(value) in _UNANSWERED or not value.strip(" -–—./·"))


def _is_score(title: str, written: str) -> bool:
    """Say whether the answer to a question that may ask for words is a score: `3 days late` is none."""
    if _BARE_NUMBER.fullmatch(written):
        return True
    return not _WHY.search(title) and questionnaire.label(_POINTS.sub("", written)) is not None


def _mark(written: str, kind: pb.SurveyType.ValueType) -> tuple[float, float] | None:
    """Read a score such as 9, "9 - Very likely", "4/5", "4점", "매우 만족 (5)" or "★★★★☆", and the end of its scale.

    The end is 0 where nothing tells it. Nothing where it is no score.
    """
    text = written.strip() if written.isascii() else unicodedata.normalize("NFKC", written).strip()
    if stars := questionnaire.stars(text):
        return stars
    found = _LEADING_NUMBER.fullmatch(text) or _TRAILING_NUMBER.fullmatch(text)
    found = found or (_LAST_NUMBER.fullmatch(text) if kind else None)
    value, highest = (float(found[1]), float(found[2] or 0)) if found else (None, 0.0)
    if kind in (pb.SURVEY_TYPE_CSAT, pb.SURVEY_TYPE_UNSPECIFIED):
        label = questionnaire.label(_POINTS.sub("", text) if found else text)
        if label and (
            value is None or (not highest and value == 6 - label)
        ):  # `1. Very satisfied` counts from the top.
            return label, 5
    if value is None and kind:
        said = questionnaire.ease(text) if kind == pb.SURVEY_TYPE_CES else None
        said = questionnaire.agreed(text) if kind == pb.SURVEY_TYPE_CSAT else said
        if said:
            return said, 5
    return None if value is None else (value, highest)


def _number(name: str, value: object, kind: pb.SurveyType.ValueType) -> tuple[float, float]:
    """Read a score and the scale's end, which is 0 where the score does not tell it."""
    if isinstance(value, str) and (mark := _mark(value[:_LONGEST_MARK], kind)):
        return mark
    number = reading.optional_number({name: value}, name) if "." not in name else reading.optional_number([value], "0")
    if number is None:
        raise Unreadable("field_wrong", "not a number", name)
    return number, 0
