"""Formbricks: survey responses, of which each counts once, when it is finished."""

import re
from collections.abc import Mapping
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import attachments, parts, questionnaire, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "formbricks"
TITLE = "Formbricks"
DOCUMENT = "https://formbricks.com/docs/xm-and-surveys/core-features/integrations/webhooks"
CHANNEL = "survey"
FIELDS: Mapping[str, str] = {
    "external_id": "data.id of a finished response; further scored questions: id#question id",
    "thread_id": "data.id",
    "occurred_time": "data.updatedAt (of the finish), else createdAt",
    "identifiers": "contactAttributes (userId, email, phone, …) and hidden fields by name or by the mapping; "
    "data.contact.id (once data.person.id) as `formbricks:…`; e-mail and phone of a question for contact details",
    "text": "the answers in words",
    "survey": "numbers, told apart by the options nps, csat, ces (question ids), by the question's id, or by the "
    "survey's title where there is one number only; scales by csat_scale, ces_scale",
    "rating": "a question named in the option `rating`, on rating_scale (1-5)",
    "actor": "customer; with the option `voice: internal` agent, who is not identified and whose scores are ratings",
    "attributes": "survey, the other answers by question id, tags, meta, attachments",
    "ignored": "what is not finished; test pings. All events of a finished response make the same touchpoint",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "choices": Option("ids of questions with answers to choose, which are no words, with commas between"),
    "kind": options.KIND,
    "rating": questionnaire.RATING,
    **questionnaire.OPTIONS,
}

_CONTACT_FIELDS = 5  # of the answer to a question for contact details
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER = re.compile(r"\+?[\d\s().-]{7,20}")
_DECIMAL = re.compile(r"\d{1,3}(?:\.\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]{5,15}Z?)?")
_LINK = re.compile(r"https?://\S+")
_STORED = re.compile(r"(?:https?://[^/\s]+)?/storage/[^/\s]+/private/\S+")
_USUAL = {pb.SURVEY_TYPE_CSAT: 5, pb.SURVEY_TYPE_CES: 7, pb.SURVEY_TYPE_UNSPECIFIED: 5}  # the end of the scale
_EVENTS = ("responseCreated", "responseUpdated", "responseFinished")


def read(payload: Payload, source: Source) -> Reading:
    """Read one event, or several as a list."""
    given = reading.json_value(payload)
    if isinstance(given, dict):
        return parts.reading_of(*_event(given, payload, source))
    if not isinstance(given, list):
        raise Unreadable("not_json", "not an object")
    if not given:
        return Reading(ignored=(Ignored("test_ping"),))
    return parts.read_each(given, "", lambda event: _event(event, payload, source))


def _event(given: reading.JsonObject, payload: Payload, source: Source) -> list[parts.Outcome]:
    event = reading.text(given, "event")
    if event in ("testEndpoint", "test"):
        return [Ignored("test_ping", event)]
    if event not in _EVENTS:
        return [Ignored("event_type_unknown", event[:64])]
    data = reading.object_at(given, "data")
    if not reading.flag(data, "finished") and event != "responseFinished":
        return [Ignored("not_finished", event)]
    main = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_SURVEY),
        kind=reading.configured_kind(source, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE),
        at=reading.moment_at(data, "updatedAt", "createdAt", payload=payload, source=source),
        external_id=reading.text(given, "data.id"),
        language=_language(data),
    )
    _contact(main, data, source)
    survey = reading.optional_text(data, "survey.title") or reading.optional_text(data, "survey.name")
    reading.attribute(main, "survey", survey)
    answers = reading.optional_object(data, "data")
    alone = sum(_is_number(each) for each in answers.values()) == 1
    files = 0
    words: list[str] = []
    scores: list[questionnaire.Score] = []
    for key, value in answers.items():
        if _is_number(value) and (score := _score(key, value, survey if alone else "", source)):
            scores.append(score)
        elif isinstance(value, str):
            if _DECIMAL.fullmatch(value) and (score := _score(key, value, "", source)):
                scores.append(score)
            elif not questionnaire.fill(main, key, value, source):
                _say(main, key, value, words, source)
        elif isinstance(value, list) and _is_contact(value):
            reading.identify(main, pb.IDENTIFIER_TYPE_EMAIL, value[2])
            reading.identify(main, pb.IDENTIFIER_TYPE_PHONE, value[3])
        elif isinstance(value, list) and value and all(map(_is_file, value)):
            files += len(value)
        elif isinstance(value, list):
            chosen = ", ".join(str(each) for each in value if isinstance(each, str | int | float))
            if not questionnaire.fill(main, key, chosen, source):
                reading.attribute(main, key, chosen)
        elif isinstance(value, dict):  # A matrix: row -> column.
            reading.attribute(main, key, "; ".join(f"{row}: {cell}" for row, cell in value.items()))
        else:
            reading.attribute(main, key, value)
    main.text = "\n".join(words)
    attachments.attach(main, ["file"] * files)
    _context(main, data)
    survey_id = reading.optional_text(data, "surveyId")
    return [*questionnaire.touchpoints(main, scores, source, survey_id=survey_id)]


def _is_file(value: object) -> bool:
    """Say whether this is the address of a file that somebody handed in, which Formbricks keeps in its storage."""
    return isinstance(value, str) and bool(_STORED.fullmatch(value))


def _is_contact(value: list[Any]) -> bool:
    """Say whether this is the answer to a question for contact details: first and last name, e-mail, phone, company."""
    if len(value) != _CONTACT_FIELDS or not all(isinstance(each, str) for each in value):
        return False
    address, number = value[2].strip(), value[3].strip()
    return bool(_ADDRESS.fullmatch(address) or (not address and _NUMBER.fullmatch(number)))


def _say(main: pb.Touchpoint, key: str, value: str, words: list[str], source: Source) -> None:
    """Tell words from choices: Formbricks sends both as texts and says not which."""
    choices = [each.strip() for each in source.options.get("choices", "").split(",")]
    if value in ("clicked", "dismissed", "accepted", "booked", "skipped") or key in choices or _DATE.fullmatch(value):
        reading.attribute(main, key, value)
    elif _is_told(main, value.strip()):
        return
    elif _LINK.fullmatch(value.strip()):
        reading.attribute(main, key, value)
    elif value.strip():
        words.append(value)


def _is_told(main: pb.Touchpoint, value: str) -> bool:
    """Take an answer that is nothing but an address or a phone number, for which the question asks."""
    kind = "email" if _ADDRESS.fullmatch(value) else "phone" if _NUMBER.fullmatch(value) else ""
    return bool(kind) and questionnaire.identify(main, kind, value)


def _score(key: str, value: Any, survey: str, source: Source) -> questionnaire.Score | None:
    question = questionnaire.question(source, key, survey)
    rated = questionnaire.is_rating(source, key) or "rating" in key.lower()
    if not question and not rated:
        return None
    number = reading.number({"": value}, "")
    usual = _USUAL.get(question, 0)
    longer = 7.0 if usual < number <= 7 and question else 10.0  # Ranges end at 3 to 7, or at 10.
    lowest, highest = (1.0, longer) if number > usual else (0.0, 0.0) if question else (1.0, 5.0)
    if question == pb.SURVEY_TYPE_NPS:
        lowest, highest = 0.0, 0.0
    return questionnaire.Score(key=key, value=number, question=question, lowest=lowest, highest=highest)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contact(main: pb.Touchpoint, data: reading.JsonObject, source: Source) -> None:
    attributes = reading.optional_object(data, "contactAttributes") or reading.optional_object(data, "personAttributes")
    for name, value in attributes.items():
        if isinstance(value, str | int) and not isinstance(value, bool):
            questionnaire.fill(main, name, str(value), source)
    user = reading.optional_text(data, "contact.userId") or reading.optional_text(data, "person.userId")
    if user:
        questionnaire.fill(main, "userId", user, source)
    reading.identify_account(main, NAME, reading.optional_text(data, "contact.id", "person.id"))


def _language(data: reading.JsonObject) -> str:
    language = reading.optional_text(data, "language")
    return "" if language == "default" else language


def _context(main: pb.Touchpoint, data: reading.JsonObject) -> None:
    tags = [reading.optional_text(each, "name") for each in reading.items_at(data, "tags") if isinstance(each, dict)]
    reading.attribute(main, "tags", ", ".join(filter(None, tags)))
    reading.attribute(main, "country", reading.optional_text(data, "meta.country"))
    reading.attribute(main, "device", reading.optional_text(data, "meta.userAgent.device"))
    reading.attribute(main, "variant", reading.optional_text(data, "meta.source"))
