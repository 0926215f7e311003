"""Surveys of any maker: SurveyMonkey's table with its two header rows; plain NPS, CSAT and CES as table or JSON."""

import hashlib
import html
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import columns, questionnaire, reading, responses, spelled_times
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

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
    "offset in the zone that the title tells, as `Date (KST)`, the option `zone`, else Seoul's where it or its "
    "name is Korean, else UTC; whether 04/07/2026 is in July the option `dates` (day_first, month_first) or the "
    "whole column tells, else it is in April",
    "identifiers": "Email Address, phone, member_id, … by name or by the mapping",
    "text": "open-ended answers; comment, feedback, reason, 의견, …; a review's title and words",
    "survey": "columns nps, csat, ces, or `score` beside `type`; else questions told apart by the options nps, csat, "
    "ces or by their titles; answers such as `9 - Very likely` and `매우 만족` count; scales by `scale`, "
    "csat_scale, ces_scale, else what a table's whole column tells, else the usual ones",
    "rating": "a column `rating`, or `score` without a type, with its scale (1-5); else questions to rate, up to 10",
    "actor": "customer; with the option `voice: internal` agent, who is not identified and whose scores are ratings",
    "attributes": "all other answers",
    "ignored": "rows without any answer; what was not asked; tests and previews",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "dates": Option(
        "what dates such as 03/04/2026 begin with, `day_first` or `month_first`; else the column says, or month",
        options.one_of(("day_first", "month_first")),
    ),
    "kind": options.KIND,
    **questionnaire.OPTIONS,
}


_LONGEST_MARK = 200  # characters
_NOTICE = 4_096  # bytes; a notice is smaller
_LEADING_NUMBER = re.compile(
    r"\s*(-?\d{1,4}(?:[.]\d{1,6})?)\s*"
    r"(?:점|(?:/|out of)\s*(\d{1,3})(?:\s?(?:stars?|points?|점))?|[-–—:.)(]\s*\D.*|\D{0,40})?\s*",
    re.S,
)
_PER_CENT = re.compile(r"(100|\d{1,2})(?:[.]\d+)?\s?%")
_STARS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}  # as Google writes them
_COUNTED_STARS = re.compile(r"별(?:점)?\s?(\d)\s?개")
_TRAILING_NUMBER = re.compile(r"[^\d()]{1,60}\(\s*(\d{1,2})\s*(?:점|/\s*(\d{1,3}))?\s*\)")  # Very satisfied (5)
_LAST_NUMBER = re.compile(r"\D{1,60}\s[-–—]\s?(\d{1,2})(?:/(\d{1,3}))?")  # SurveyMonkey's "Extremely likely - 10"
_POINTS = re.compile(r"\d+\s*점?")
_SCALE = re.compile(r"\s*(-?\d{1,3})\s*(?:[-~–]|to|에서)\s*(-?\d{1,3})\s*(?:점)?\s*", re.I)

_TESTS = frozenset({"test", "ping"})
_PREVIEWS = ("Survey Preview", "Survey Test")  # of Qualtrics

_UNANSWERED = frozenset(  # In place of a score: the question was left out, or does not apply.
    {"na", "none", "null", "notapplicable", "noanswer", "dontknow", "idontknow", "notsure"}
    | {"해당없음", "해당사항없음", "무응답", "미응답", "응답안함", "모름", "잘모름", "잘모르겠음", "잘모르겠습니다"}
)
_NOTHING = frozenset({"na", "none", "null", "없음", "해당없음", "해당사항없음", "무응답", "미응답", "미입력"})
_BREAK = re.compile(r"<br\s?/?>\s?")
_HIGHEST_RATING = 10
_PERCENT = 100
_MOST_HEADERS = 16  # that are remembered: objects may all have other names
_MANY = 20  # answers, of which some would be higher if the scale were longer
_FEW_OF = 100  # answers, of which one more may be a slip
_GOOD_OR_BAD = ("satisfactionscore", "satisfactionrating", "ticketsatisfactionrating")  # how Zendesk calls them
_UNASKED = ("offered", "unoffered")  # what stands there until somebody answers
_GROUPS = frozenset({"promoter", "passive", "detractor"})
_FIRST_YEAR = 2000  # Numbers would be times of 1970.
_NO_TIME = "1980-01-01 00:00"  # what LimeSurvey writes of a survey whose answers have no times
_WHY = re.compile(r"\bwhy\b|reason|comment|feedback|explain|이유|의견", re.I)


def read(payload: Payload, source: Source) -> Reading:
    """Make touchpoints of each response; one that cannot be read leaves the others be."""
    if event := _notice(payload):
        return Reading(ignored=(Ignored("event_type_unknown", event[:64]),))
    made: list[pb.Touchpoint] = []
    ignored: list[Ignored] = []
    unreadable: list[Unreadable] = []
    seen: dict[str, int] = {}
    records = responses.joined(list(responses.records(payload, source)))
    table = _Table(
        spans=_spans(records, source) if len(records) > 1 else {},
        is_day_first=_is_day_first(records, payload, source),
    )
    for place, record in records:
        try:
            if isinstance(record, Unreadable):
                raise record
            found = _response(place, record, payload, source, seen, table)
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


@dataclass(slots=True)
class _Span:
    """Which numbers a column of scores has: all of it is on one scale."""

    counts: dict[float, int] = field(default_factory=dict)
    count: int = 0
    low: float = math.inf

    def add(self, value: float) -> None:
        """Take one more."""
        self.counts[value] = self.counts.get(value, 0) + 1
        self.count += 1
        self.low = min(self.low, value)

    def most_above(self, limit: float) -> bool:
        """Say whether more than half are higher."""
        return 2 * sum(number for value, number in self.counts.items() if value > limit) > self.count

    def high(self, usual: float) -> float:
        """Give the highest, but those beyond the usual scale that are so few of many that they are slips."""
        beyond = sum(number for value, number in self.counts.items() if value > usual)
        if beyond and self.count >= _MANY and beyond <= max(1, self.count // _FEW_OF):
            return max((value for value in self.counts if value <= usual), default=usual)
        return max(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """What the whole payload tells of each of its responses."""

    spans: Mapping[str, _Span]
    is_day_first: bool | None  # in dates; None where nothing tells
    labels: dict[str, str] = field(default_factory=dict)  # of the first row of each response
    titles: dict[tuple[str, ...], "_Titles"] = field(default_factory=dict)  # nearly always of one header

    def titles_of(self, record: Mapping[str, object]) -> "_Titles":
        """Give what the titles of a record are called by."""
        names = tuple(record)
        if (found := self.titles.get(names)) is None:
            found = _Titles(names)
            if len(self.titles) < _MOST_HEADERS:
                self.titles[names] = found
        return found


class _Titles:
    """The titles of a record, by what they are called by: found once for all rows of a table."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._found: dict[tuple[str, ...], tuple[str, ...]] = {}

    def named(self, field: str, names: tuple[str, ...]) -> tuple[str, ...]:
        """Give the titles that are called by one of these names, in the names' order."""
        if (found := self._found.get(names)) is None:
            letters = columns.time_letters if field == "occurred_time" else columns.letters
            by_letters: dict[str, list[str]] = {}
            for title in self._names:
                by_letters.setdefault(letters(title), []).append(title)
            found = self._found[names] = tuple(title for each in names for title in by_letters.get(each, ()))
        return found


class _Test(Exception):
    """Not an answer: somebody tries whether it arrives."""


class _Record:
    """One response, of which each value is used once."""

    def __init__(self, record: Mapping[str, object], source: Source, titles: _Titles) -> None:
        self._titles = titles
        self.left = {name: value for name, value in record.items() if value not in (None, "", {}, [])}
        self.mapped = {field: name for name, field in reversed([*source.mapping.items()]) if name in self.left}

    def take(self, field: str, names: tuple[str, ...]) -> tuple[str, object] | None:
        """Take the value that is mapped to a field, or the first that has one of these names."""
        found = self.mapped.get(field) or next(self.named(field, names), None)
        return (found, self.left.pop(found)) if found in self.left else None

    def named(self, field: str, names: tuple[str, ...]) -> Iterator[str]:
        """Give the titles that are left and called by one of these names, in the names' order."""
        return (title for title in self._titles.named(field, names) if title in self.left)

    def text(self, field: str, names: tuple[str, ...]) -> str:
        """Take a text, or nothing."""
        taken = self.take(field, names)
        return reading.optional_text({"": taken[1]}, "").strip() if taken and not responses.nested(taken[1]) else ""


def _response(
    place: str,
    given: dict[str, object],
    payload: Payload,
    source: Source,
    seen: dict[str, int],
    table: _Table,
) -> list[pb.Touchpoint]:
    record = _Record(given, source, table.titles_of(given))
    spans = table.spans
    if any(given.get(name) in _PREVIEWS for name in ("Response Type", "Status", "응답 유형")):
        raise _Test
    if "preview" in (given.get("Distribution Channel"), given.get("DistributionChannel")):  # Its export of numbers.
        raise _Test
    if reading.flag(given, "test") or reading.optional_text(given, "event").strip().lower() in _TESTS:
        raise _Test
    at = _time(record, source, is_day_first=table.is_day_first)
    external_id = record.text("external_id", columns.IDS) or _token(record) or _perhaps_id(record, seen)
    if not external_id and (
        at is not None or place.startswith(responses.ROW)
    ):  # Else two who say the same would be one.
        external_id = _digest(given, seen)
    labels = _labels(record)
    response_id, external_id = external_id, _of_one_score(external_id, labels, table)
    main = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_SURVEY),
        kind=reading.configured_kind(source, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE),
        at=at or reading.moment_at({}, payload=payload, source=source),
        external_id=external_id,
        thread_id=response_id,
    )
    declared = any(questionnaire.question(source, each) for each in labels)
    scale = _scale_of(record)
    scores = _named_scores(record, scale, spans)
    scores += _typed_score(record, scale, source, spans)
    survey_id = record.text("survey_id", columns.SURVEYS)
    there = {columns.letters(name) for name, value in record.left.items() if not responses.nested(value)}
    if there.isdisjoint(columns.REVIEWS):
        there -= columns.TITLES
    named = columns.WORDS[:1] if "text" in record.mapped else [name for name in columns.WORDS if name in there]
    words = [text for name in named if (text := record.text("text", (name,)))]
    for name, value in record.left.items():
        written = (
            json.dumps(value, ensure_ascii=False) if responses.nested(value) else reading.optional_text({"": value}, "")
        )
        if source.mapping.get(name) == "text":
            words.append(written)
        elif (
            columns.is_unsaid(name)
            or questionnaire.fill(main, name, written, source)
            or questionnaire.identify(main, name, written)
        ):
            continue
        elif score := _asked(name, value, scale, source, spans):
            scores.append(score)
        elif _is_words(name, written) and not (
            columns.letters(name) == "commentcontent" and "reviewcontent" in there  # Yotpo's, of the shop's answer
        ):
            words.append(written)
        else:
            reading.attribute(main, name, written)
    words = [_plain(each) for each in words if not _is_nothing(each)]
    main.text = "\n".join(dict.fromkeys(words))
    is_answered = any(columns.letters(name) not in columns.ABOUT_RESPONSES for name in main.attributes)
    if not (words or scores) and (not is_answered or any(map(_is_unasked, given.items()))):
        return []
    if not (words or scores) and (declared or not (external_id or at or main.identifiers)):
        raise Unreadable("field_missing", "neither a score nor words", "score")
    return questionnaire.touchpoints(main, scores, source, survey_id=survey_id)


def _token(record: _Record) -> str:
    """Take the id that Typeform's tables head with #, which heads mere numbers of rows in others."""
    value = record.left.get("#")
    return str(record.left.pop("#")) if isinstance(value, str) and not value.isdecimal() else ""


def _perhaps_id(record: _Record, seen: dict[str, int]) -> str:
    """Take the id of what was asked about, where no other response of the payload has it."""
    taken = record.take("external_id", columns.PERHAPS_IDS)
    if taken is None or responses.nested(taken[1]):
        return ""
    found = reading.optional_text({"": taken[1]}, "").strip()
    seen[found] = seen.get(found, 0) + 1
    if seen[found] > 1:
        record.left[taken[0]] = taken[1]
    return found if seen[found] == 1 else ""


def _is_nothing(written: str) -> bool:
    """Say whether words stand in place of an answer."""
    return not written.strip(" -–—./·") or columns.letters(written) in _NOTHING


def _plain(written: str) -> str:
    """Write what shops keep as HTML as it was typed."""
    return html.unescape(_BREAK.sub("\n", written)) if "<br" in written else written


def _is_words(title: str, written: str) -> bool:
    """Say whether a column has words of the customer."""
    if questionnaire.is_open(title):
        return not columns.BARE_NUMBER.fullmatch(written) and not written.isdecimal()
    return columns.letters(title) == "response" and " " in written.strip()


def _labels(record: _Record) -> list[str]:
    return [
        str(value)
        for name, value in record.left.items()
        if columns.letters(name) in columns.TYPES and not responses.nested(value)
    ]


def _of_one_score(response_id: str, labels: list[str], table: _Table) -> str:
    """Name one of the scores that a response has, each in a row of its own."""
    if not response_id or not labels or table.labels.setdefault(response_id, labels[0]) == labels[0]:
        return response_id
    return f"{response_id}#{labels[0]}"


def _is_unasked(column: tuple[str, object]) -> bool:
    """Say whether a customer has not been asked, or has not answered yet."""
    name, value = column
    return isinstance(value, str) and value.lower() in _UNASKED and columns.letters(name) in _GOOD_OR_BAD


def _time(record: _Record, source: Source, *, is_day_first: bool | None) -> reading.Moment | None:
    """Take all columns with times; the first in the order above that says one counts."""
    found: reading.Moment | None = None
    wrong = clock = ""
    while (taken := record.take("occurred_time", columns.TIMES)) is not None:
        if isinstance(taken[1], str) and spelled_times.CLOCK.fullmatch(taken[1].strip()):
            clock = clock or taken[1].strip()
            wrong = wrong or taken[0]
            record.mapped.pop("occurred_time", None)
            continue
        made = _moment(*taken, source, is_day_first=is_day_first)
        is_time = made is not None or str(taken[1]).startswith(_NO_TIME)
        wrong = wrong or ("" if is_time else taken[0])
        found = found or made
        record.mapped.pop("occurred_time", None)
    for names in (columns.PERHAPS_TIMES, columns.LAST_TIMES):
        for name in [*record.named("occurred_time", names)]:
            if names is columns.LAST_TIMES and found is not None:
                break
            made = _moment(name, record.left[name], source, is_day_first=is_day_first)
            if made and made.time.year >= _FIRST_YEAR:
                found = found or made
                del record.left[name]
    if found is None and wrong:
        raise Unreadable("field_wrong", "not a time", wrong)
    if found is None:
        return None
    for name in () if clock else ("시간", "시각"):
        if spelled_times.CLOCK.fullmatch(str(record.left.get(name, ""))):
            clock = str(record.left.pop(name))
    return spelled_times.at_clock(found, clock)


def _moment(name: str, value: object, source: Source, *, is_day_first: bool | None) -> reading.Moment | None:
    if responses.nested(value) or (isinstance(value, str) and value.startswith(_NO_TIME)):
        return None
    if (told := columns.day_first_told(name)) is not None:
        is_day_first = told
    return spelled_times.moment(value, questionnaire.zone(source, name, value), is_day_first=is_day_first)


def _is_day_first(
    records: list[tuple[str, dict[str, object] | Unreadable]], payload: Payload, source: Source
) -> bool | None:
    """Say whether the day stands before the month, by the option `dates` or else by all times of the payload."""
    if told := source.options.get("dates", "").strip():
        return told == "day_first"
    values = [
        value
        for _, record in records
        if not isinstance(record, Unreadable)
        for name, value in record.items()
        if isinstance(value, str)
        and (value[1:2] in ("/", "-") or value[2:3] in ("/", "-"))
        and (columns.is_time(name) or source.mapping.get(name) == "occurred_time")
    ]
    return spelled_times.is_day_first(values, payload.received_time) if values else None


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
            if isinstance(value, str) and columns.BARE_NUMBER.fullmatch(value):
                value = float(value.replace("점", "").replace(",", "."))
            if isinstance(value, int | float):
                made.setdefault(name, _Span()).add(value)
    typed = any(
        columns.letters(name) in columns.TYPES for name in scored
    )  # `score` is then of the type beside it, each on its own.
    return {name: span for name, span in made.items() if not (typed and columns.letters(name) in columns.SCORES)}


def _is_scored(name: str, source: Source) -> bool:
    kind = questionnaire.question(source, name)
    return kind != pb.SURVEY_TYPE_NPS and (
        bool(kind)
        or columns.letters(name) in columns.SCORES
        or source.mapping.get(name) == "rating"
        or bool(columns.RATED.search(name[: columns.LONGEST_NAME]))
    )


def _named_scores(record: _Record, scale: str, spans: Mapping[str, _Span]) -> list[questionnaire.Score]:
    """Take the columns that are named nps, csat and ces; the scale is that of the only one beside NPS."""
    made = []
    several = sum(1 for name in record.left if columns.letters(name) in ("csat", "ces", "score", "rating")) > 1
    for option, kind in questionnaire.SURVEYS.items():
        taken = record.take(option, (option, f"{option}score", f"{option}점수"))
        if taken is not None and isinstance(taken[1], str) and taken[1].strip().lower() in _GROUPS:
            record.left[taken[0]] = taken[1]
        elif taken is not None and not _is_unanswered(taken[1]):
            value, highest = _number(taken[0], taken[1], kind)
            told = "" if several or kind == pb.SURVEY_TYPE_NPS else scale
            made.append(_score(option, kind, value, highest, told, spans.get(taken[0])))
    return made


def _typed_score(record: _Record, scale: str, source: Source, spans: Mapping[str, _Span]) -> list[questionnaire.Score]:
    """Take `score`, which is of the `type` beside it."""
    taken = _score_taken(record)
    if taken is None or _is_unanswered(taken[1]):
        return []
    kind = questionnaire.question(source, taken[0], *_labels(record))
    if not kind and _is_grouped(record, source):
        kind = pb.SURVEY_TYPE_NPS
    if isinstance(taken[1], str) and _mark(taken[1], kind) is None:
        if kind and columns.letters(taken[0]) in ("score", "rating", "점수", "평점", "별점"):
            raise Unreadable("field_wrong", "not a number", taken[0])
        record.left[taken[0]] = taken[1]  # An answer in words.
        return []
    value, highest = _number(taken[0], taken[1], kind)
    return [_score(columns.letters(taken[0]), kind, value, highest, scale, spans.get(taken[0]))]


def _score_taken(record: _Record) -> tuple[str, object] | None:
    """Take the score, but none that is beyond all scales beside another."""
    sums: dict[str, object] = {}
    taken = record.take("rating", columns.SCORES)
    while taken and isinstance(taken[1], int | float) and taken[1] > _HIGHEST_RATING:
        sums[taken[0]] = taken[1]
        taken = record.take("rating", columns.SCORES)
    if taken is None and sums:
        taken = next(iter(sums.items()))
        del sums[taken[0]]
    record.left |= sums
    return taken


def _is_grouped(record: _Record, source: Source) -> bool:
    """Say whether promoters and detractors are told apart beside a score, and no question for NPS is there besides."""
    groups = [name for name, each in record.left.items() if isinstance(each, str) and each.strip().lower() in _GROUPS]
    others = record.left.keys() - {*groups}
    return bool(groups) and not any(questionnaire.question(source, name) == pb.SURVEY_TYPE_NPS for name in others)


def _scale_of(record: _Record) -> str:
    """Take the scale as `1-5`, as {min, max}, or as two values."""
    taken = record.take("scale", ("scale", "range", "척도"))
    if taken is not None and isinstance(taken[1], dict):
        low, high = (reading.optional_text(taken[1], *names) for names in (("min", "lowest"), ("max", "highest")))
        return f"{low or 1}-{high}"
    if taken is not None and not responses.nested(taken[1]):
        return str(taken[1])
    low = record.text("lowest", ("scalemin", "min", "minscore", "lowest"))
    high = record.text("highest", ("scalemax", "max", "maxscore", "highest", "outof", "ratingrange"))
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
        lowest = 0.0 if highest == _PERCENT else min(1.0, value)
        return questionnaire.Score(key=key, value=value, question=kind, lowest=lowest, highest=highest)
    usual = {pb.SURVEY_TYPE_NPS: 10, pb.SURVEY_TYPE_CSAT: 5, pb.SURVEY_TYPE_CES: 7}.get(kind, 5)
    low, high = (span.low, span.high(usual)) if span else (value, value)
    if kind == pb.SURVEY_TYPE_CSAT and span and span.count >= _MANY and usual < high <= 7 and low >= 1:
        return questionnaire.Score(key=key, value=value, question=kind, lowest=1, highest=7)
    if kind == pb.SURVEY_TYPE_CSAT and span and 10 < high <= _PERCENT and span.most_above(10):
        return questionnaire.Score(key=key, value=value, question=kind, lowest=0, highest=_PERCENT)
    if kind != pb.SURVEY_TYPE_NPS and span and usual < high <= 10:  # A column on a longer scale, of which none is told.
        return questionnaire.Score(key=key, value=value, question=kind, lowest=min(1.0, low), highest=10)
    if kind != pb.SURVEY_TYPE_NPS and low == 0 < high <= usual:  # Counted from 0; or good and bad.
        return questionnaire.Score(key=key, value=value, question=kind, lowest=0, highest=1 if high == 1 else usual)
    return questionnaire.Score(key=key, value=value, question=kind)


def _asked(
    title: str, value: object, scale: str, source: Source, spans: Mapping[str, _Span]
) -> questionnaire.Score | None:
    """Take a column whose title is a question for a score."""
    kind = questionnaire.question(source, title)
    written = "" if responses.nested(value) else reading.optional_text({"": value}, "")
    if columns.letters(title) in _GOOD_OR_BAD and (word := written.partition(" ")[0].lower()) in ("good", "bad"):
        return questionnaire.Score(key=title, value=float(word == "good"), question=kind, lowest=0, highest=1)
    if not (kind or columns.RATED.search(title[: columns.LONGEST_NAME]) or questionnaire.stars(written)):
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
    if told or kind:  # What stands beside is of ratings.
        scale = f"{told[0]:g}-{told[1]:g}" if told and kind != pb.SURVEY_TYPE_NPS else ""
    return _score(reading.reference(title), kind, score, highest, scale, spans.get(title))


def _is_unanswered(value: object) -> bool:
    return isinstance(value, str) and (columns.letters(value) in _UNANSWERED or not value.strip(" -–—./·"))


def _is_score(title: str, written: str) -> bool:
    """Say whether the answer to a question that may ask for words is a score: `3 days late` is none."""
    if columns.BARE_NUMBER.fullmatch(written):
        return True
    return not _WHY.search(title) and questionnaire.label(_POINTS.sub("", written)) is not None


def _mark(written: str, kind: pb.SurveyType.ValueType) -> tuple[float, float] | None:
    """Read a score such as 9, "9 - Very likely", "4/5", "4점", "매우 만족 (5)" or "★★★★☆", and the end of its scale.

    The end is 0 where nothing tells it. Nothing where it is no score.
    """
    text = written.strip() if written.isascii() else unicodedata.normalize("NFKC", written).strip()
    if "," in text and kind != pb.SURVEY_TYPE_NPS and columns.BARE_NUMBER.fullmatch(text):
        text = text.replace(",", ".")
    if stars := questionnaire.stars(text):
        return stars
    if not kind and (counted := _STARS.get(text.lower()) or ((found := _COUNTED_STARS.fullmatch(text)) and found[1])):
        return float(counted), 0.0
    if kind != pb.SURVEY_TYPE_NPS and (found := _PER_CENT.fullmatch(text)):
        return float(text.rstrip("% ")), 100.0
    found = _LEADING_NUMBER.fullmatch(text) or _TRAILING_NUMBER.fullmatch(text)
    found = found or (_LAST_NUMBER.fullmatch(text) if kind else None)
    value, highest = (float(found[1]), float(found[2] or 0)) if found else (None, 0.0)
    if kind in (pb.SURVEY_TYPE_CSAT, pb.SURVEY_TYPE_UNSPECIFIED):
        label = questionnaire.label(_POINTS.sub("", text) if found else text)
        from_the_top = value is not None and not highest and value == 6 - (label or 0)  # `1. Very satisfied`
        if label and (value is None or from_the_top):
            return label, 5
    if value is None and kind:
        said = questionnaire.ease(text) if kind == pb.SURVEY_TYPE_CES else None
        said = said or (questionnaire.agreed(text) if kind != pb.SURVEY_TYPE_NPS else None)
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
