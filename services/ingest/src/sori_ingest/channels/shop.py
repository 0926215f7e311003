"""Feedback from a shop's kiosk or a QR code: our own small form, as JSON or as a browser's form."""

import dataclasses
import email.parser
import email.policy
import re
from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import attachments, mime, parts, questionnaire, reading, spelled_times
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.reading import Media
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "shop"
TITLE = "Shop kiosk and QR feedback"
DOCUMENT = "docs/channels.md#shop"
CHANNEL = "store"
FIELDS: Mapping[str, str] = {
    "external_id": "`id`; without one the touchpoint is named by its content",
    "org_unit": "`store` (also store_id, branch, 매장), else the source's org_unit",
    "occurred_time": "`time` (also submitted_at, timestamp), else the time of receipt; a Korean "
    "name without offset is Seoul's time, unless the option `zone` says another",
    "text": "`text` (also comment, message, feedback, 의견)",
    "rating": "`rating` (also score, stars, 별점; `4`, `4/5`, `4점`, `★★★★☆`, `매우 만족` or 🙂), 1 to 5, or on the "
    "scale of `scale` or of the option `rating_scale`",
    "identifiers": "`phone`, `email`, `member_id`, `loyalty_card`, …; all optional",
    "order_id": "`order_id`",
    "product": "`product`",
    "survey": "`nps`, `csat` or `ces`, each on its usual scale",
    "language": "`language`",
    "kind": "`kind`, else complaint, praise or inquiry by `category`; else review with a rating, inquiry without",
    "attributes": "all other fields; `device` and `table` of the kiosk",
    "ignored": "`test`: true; what has neither words nor a rating",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "kind": options.KIND,
    "rating_scale": questionnaire.RATING_SCALE,
}

_TEXT = ("text", "comment", "comments", "message", "feedback", "content", "의견", "내용")
_RATING = ("rating", "score", "stars", "star", "별점", "평점", "만족도")
_STORE = (
    "store",
    "store_id",
    "storeId",
    "shop",
    "shop_id",
    "shopId",
    "branch",
    "branch_id",
    "location",
    "매장",
    "지점",
    "org_unit",
)
_TIME = (
    *("time", "submitted_at", "submittedAt", "occurred_time", "timestamp", "created_at", "createdAt", "date"),
    *(
        "visited_at",
        "작성일시",
        "등록일시",
        "제출일시",
        "응답일시",
        "방문일시",
        "일시",
        "작성일",
        "방문일",
        "날짜",
        "시간",
    ),
)
_PEOPLE = ("customer", "contact", "member", "user", "respondent", "고객")
_VALUES = ("answer", "score", "value", "rating", "text")
_GIVEN = ("answers", "response", "form", "응답")
_HIGHEST = ("max_score", "maxScore", "max_rating", "maxRating", "scale_max", "max", "out_of")
_MARK = re.compile(r"(\d+(?:[.]\d+|,\d{1,2})?)\s?(?:점|stars?)?(?:\s?(?:/|out of)\s?(\d{1,3})\s?점?)?", re.I)
_MOODS: Mapping[str, int] = {  # of five faces, and what is written below them
    "😀": 5, "😃": 5, "😄": 5, "😁": 5, "😍": 5, "🤩": 5, "🥰": 5, "🙂": 4, "😊": 4, "☺": 4, "😐": 3, "😑": 3,
    "🙁": 2, "☹": 2, "😕": 2, "😟": 2, "😞": 2, "😡": 1, "😠": 1, "🤬": 1, "😤": 1, "😫": 1, "😭": 1,
    "very happy": 5, "happy": 4, "unhappy": 2, "very unhappy": 1,
    "최고": 5, "최고예요": 5, "좋아요": 4, "별로": 2, "별로예요": 2, "최악": 1, "최악이에요": 1,
}  # fmt: skip
_DEVICES = ("device_id", "deviceId", "kiosk_id", "kioskId", "device", "kiosk")  # the shop's, so nobody's identifier
_ID = ("id", "feedback_id", "feedbackId", "external_id", "submission_id", "uuid")
_KIND = ("kind", "category", "type", "유형", "구분", "분류", "종류", "카테고리")
_KINDS = {
    "complaint": pb.TOUCHPOINT_KIND_COMPLAINT,
    "불만": pb.TOUCHPOINT_KIND_COMPLAINT,
    "불편": pb.TOUCHPOINT_KIND_COMPLAINT,
    "컴플레인": pb.TOUCHPOINT_KIND_COMPLAINT,
    "praise": pb.TOUCHPOINT_KIND_PRAISE,
    "compliment": pb.TOUCHPOINT_KIND_PRAISE,
    "칭찬": pb.TOUCHPOINT_KIND_PRAISE,
    "inquiry": pb.TOUCHPOINT_KIND_INQUIRY,
    "question": pb.TOUCHPOINT_KIND_INQUIRY,
    "suggestion": pb.TOUCHPOINT_KIND_INQUIRY,
    "문의": pb.TOUCHPOINT_KIND_INQUIRY,
    "제안": pb.TOUCHPOINT_KIND_INQUIRY,
    "건의": pb.TOUCHPOINT_KIND_INQUIRY,
    "review": pb.TOUCHPOINT_KIND_REVIEW,
    "visit": pb.TOUCHPOINT_KIND_VISIT,
}
_READ = ("text", "rating", "kind", "occurred_time", "external_id", "org_unit")  # What is looked for by name.
_FILES = re.compile(r"photo|image|picture|file|attachment|media|video|사진|이미지|첨부|파일|영상", re.I)
_NO_KIND = re.compile(r"\s?(?:사항|합니다|해요|하기)$")
_NAMELESS = (
    "name",
    "first_name",
    "last_name",
    "full_name",
    "customer_name",
    "이름",
    "성함",
    "성명",
    "고객명",
    "작성자",
)


def read(payload: Payload, source: Source) -> Reading:
    """Read one submission, or several as a list."""
    kind = reading.media(payload)
    if kind in (Media.FORM, Media.TEXT):
        return parts.reading_of(*_one(dict(reading.form(payload)), payload, source))
    if kind == Media.MULTIPART:
        return parts.reading_of(*_one(_multipart(payload), payload, source))
    given = reading.json_value(payload)
    if isinstance(given, dict):
        return parts.reading_of(*_one(given, payload, source))
    if not isinstance(given, list):
        raise Unreadable("not_json", "not an object")
    if not given:
        return Reading(ignored=(Ignored("no_answer"),))
    return parts.read_each(given, "", lambda each: _one(each, payload, source))


def _multipart(payload: Payload) -> dict[str, object]:
    """Read the form of a page that takes photos; these are counted and not kept."""
    boundary = payload.body.lstrip().partition(b"\n")[0].strip()[2:][:200]
    head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    try:
        message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(head + payload.body.lstrip())
    except RecursionError:
        raise Unreadable("not_form", "nested too deep") from None
    fields: dict[str, object] = {}
    files: list[object] = []
    for part in message.walk():
        name, file = (
            mime.parameter(part, "name", "content-disposition"),
            mime.parameter(part, "filename", "content-disposition"),
        )
        if file:
            files.append(file)
        elif name and not part.is_multipart():
            fields.setdefault(name, mime.text_of(part))
    if not fields:
        raise Unreadable("not_form", "no fields")
    return {**fields, "photos": files}


def _one(given: Mapping[str, object], payload: Payload, source: Source) -> list[parts.Outcome]:
    if reading.flag(given, "test") or reading.flag(given, "ping"):
        return [Ignored("test_ping")]
    given = _flat(given) | _at_paths(given, source)
    names = {field: name for name, field in source.mapping.items() if name in given}
    given = _spelt(given, _names(names, "rating", _RATING))
    text = reading.optional_text(given, *_names(names, "text", _TEXT))
    rating = reading.optional_number(given, *_names(names, "rating", _RATING))
    asked = {name: kind for name in given if (kind := questionnaire.SURVEYS.get(source.mapping.get(name, name)))}
    if not text.strip() and rating is None and not any(given[each] is not None for each in asked):
        if any(name in given for name in (*_TEXT, *_RATING, names.get("text", ""), names.get("rating", ""))):
            return [Ignored("no_answer")]
        raise Unreadable("field_missing", "neither text nor rating", "text")
    word = _NO_KIND.sub("", reading.optional_text(given, *_names(names, "kind", _KIND)).strip().lower())
    usual = pb.TOUCHPOINT_KIND_INQUIRY if rating is None else pb.TOUCHPOINT_KIND_REVIEW
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_STORE),
        kind=_KINDS.get(word) or reading.configured_kind(source, usual),
        at=_at(given, _names(names, "occurred_time", _TIME), payload, source),
        external_id=reading.optional_text(given, *_names(names, "external_id", _ID)),
        text=text,
        org_unit=reading.optional_text(given, *_names(names, "org_unit", _STORE)).strip(),
    )
    if rating is not None:
        _rate(made, rating, given, source)
    used = {name for known in (_TEXT, _RATING, _STORE, _TIME, _ID, _NAMELESS) for name in known}
    used |= {*(names[each] for each in _READ if each in names), *_HIGHEST, "scale", "test", "ping"}
    if word in _KINDS:  # Else it is a category of the shop's own.
        used |= {*_KIND}
    for name, value in given.items():
        if name in used or value is None or isinstance(value, dict | list):
            continue
        if kind := asked.get(name):
            _answer(made, kind, given, name)
            continue
        of_shop = name in _DEVICES and name not in source.mapping
        if of_shop or not questionnaire.fill(made, name, reading.optional_text({"": value}, ""), source):
            reading.attribute(made, name, value)
    photos = 0
    for name, value in given.items():
        if not isinstance(value, list):
            continue
        if chosen := _chosen(name, value):
            reading.attribute(made, name, chosen)
        elif answers := _answers(value):
            for question, answer in answers.items():
                reading.attribute(made, question, answer)
        else:
            photos += len(value)
    attachments.attach(made, ["file"] * min(photos, 100))
    return [made]


def _chosen(name: str, values: list[object]) -> str:
    """Write the choices of a list, such as tags; nothing where it is one of files."""
    words = [each for each in values if isinstance(each, str) and "://" not in each and not each.startswith("data:")]
    return ", ".join(words) if len(words) == len(values) and not _FILES.search(name) else ""


def _answers(values: list[object]) -> dict[str, object]:
    """Give the questions of a list with their answers; nothing where it is one of something else."""
    made: dict[str, object] = {}
    for each in values:
        question = reading.find(each, "question") if isinstance(each, dict) else None
        answer = next((each[name] for name in _VALUES if name in each), None) if isinstance(each, dict) else None
        if not isinstance(question, str) or not isinstance(answer, str | int | float):
            return {}
        made[question] = answer
    return made


def _spelt(given: Mapping[str, object], names: tuple[str, ...]) -> Mapping[str, object]:
    """Let `4/5`, `4점`, `★★★★☆` and `매우 만족` stand for a number, and for the scale where they tell it."""
    for name in names:
        value = given.get(name)
        if not isinstance(value, str):
            continue
        if stars := questionnaire.stars(value):
            return {**({"out_of": int(stars[1])} if stars[1] else {}), **given, name: stars[0]}
        if label := questionnaire.label(value) or _mood(value):
            return {"out_of": 5, **given, name: label}
        if mark := _MARK.fullmatch(value.strip()):
            scale = {"out_of": mark[2]} if mark[2] else {}
            return {**scale, **given, name: mark[1].replace(",", ".")}
    return given


def _mood(word: str) -> int | None:
    return _MOODS.get(word.replace("\ufe0f", "").replace("_", " ").strip().lower())


def _at(given: Mapping[str, object], names: tuple[str, ...], payload: Payload, source: Source) -> reading.Moment:
    name = next((each for each in names if given.get(each) not in (None, "")), "")
    local = questionnaire.zone(source, name, given.get(name))
    if not name:
        here = dataclasses.replace(source, options={**source.options, "zone": local})
        return reading.moment_at({}, payload=payload, source=here)
    value = given[name]
    is_day_first = spelled_times.is_day_first([value], payload.received_time)
    if (made := spelled_times.moment(value, local, is_day_first=is_day_first)) is None:
        raise Unreadable("field_wrong", "not a time", name)
    return made


def _flat(given: Mapping[str, object]) -> dict[str, object]:
    """Give the id of a store, and who a customer is, beside the rest; of other objects their values by dotted names."""
    made: dict[str, object] = {name: value for name, value in given.items() if not isinstance(value, dict)}
    for name, value in given.items():
        if not isinstance(value, dict):
            continue
        if name in _STORE:
            made[name] = next((value[each] for each in ("id", "code", "name") if value.get(each)), None)
            continue
        for inner, each in value.items():
            known = "customer_id" if inner == "id" else inner  # Names a person, who may write more than once.
            plain = inner if name in _GIVEN else f"{name}.{inner}"
            made.setdefault(known if name in _PEOPLE else plain, each)
    return made


def _at_paths(given: Mapping[str, object], source: Source) -> dict[str, object]:
    """Give what a mapping names by its path, as `visit.table`."""
    found = {path: reading.find(given, path) for path in source.mapping if "." in path and path not in given}
    return {path: value for path, value in found.items() if value is not None}


def _answer(made: pb.Touchpoint, kind: pb.SurveyType.ValueType, given: Mapping[str, object], name: str) -> None:
    """Take a score that the kiosk asks for by the name of its question; of several the first is the survey's."""
    score = reading.optional_number(given, name)
    if score is None:
        return
    if made.HasField("survey"):
        reading.attribute(made, name, score)
    else:
        reading.answer_survey(made, kind, score)
        if not made.HasField("rating"):
            made.kind = pb.TOUCHPOINT_KIND_SURVEY_RESPONSE


def _names(mapped: Mapping[str, str], field: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    return (mapped[field],) if field in mapped else usual


def _rate(made: pb.Touchpoint, rating: float, given: Mapping[str, object], source: Source) -> None:
    lowest, highest = questionnaire.scale(source, "rating_scale", 1, 5)
    scale = reading.find(given, "scale") or next((given[each] for each in _HIGHEST if given.get(each)), None)
    if isinstance(scale, str | int) and not isinstance(scale, bool):
        low, _, high = str(scale).rpartition("-")
        lowest, highest = float(low) if low.isdecimal() else 1, float(high) if high.isdecimal() else highest
    reading.rate(made, rating, lowest, highest)
