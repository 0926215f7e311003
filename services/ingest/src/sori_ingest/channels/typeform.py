"""Typeform: one response, with its answers by type."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import attachments, questionnaire, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "typeform"
TITLE = "Typeform"
DOCUMENT = "https://www.typeform.com/developers/webhooks/example-payload/"
CHANNEL = "survey"
FIELDS: Mapping[str, str] = {
    "external_id": "form_response.token; further scored questions: token#field ref",
    "revision": "0; a partial response is ignored unless the option `partial` is true, and then its finish replaces it",
    "thread_id": "form_response.token",
    "occurred_time": "form_response.submitted_at, else landed_at",
    "identifiers": "hidden fields and contact answers by name (email, phone, user_id, member_id, …) or by the mapping; "
    "short texts that are asked for as such, as in `연락처`",
    "text": "long and short text answers, but names and addresses",
    "survey": "nps, opinion_scale and rating fields, told apart by the options nps, csat, ces (ref, id or title) "
    "or by type and title; scales by the field's steps or the options csat_scale, ces_scale, rating_scale",
    "rating": "opinion_scale and rating fields that are none of these",
    "actor": "customer; with the option `voice: internal` agent, who is not identified and whose scores are ratings",
    "attributes": "form, the other answers by ref, hidden fields, variables, attachments",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "kind": options.KIND,
    "partial": Option("take responses that are not finished, too: true or false", options.flag),
    **questionnaire.OPTIONS,
}

_WORDS = ("long_text", "short_text")
_DEEPEST = 3  # a group, contact details in it, and their parts
_DETAILS = ("contact_info", "address")
_PLACES = ("address", "address line 2", "city/town", "state/region/province", "zip/post code", "country", "company")
_POSTS = ("company name", "job title", "회사명", "회사", "직책", "직급", "부서", "소속")
_PERSONAL = {"email": pb.IDENTIFIER_TYPE_EMAIL, "phone_number": pb.IDENTIFIER_TYPE_PHONE}


def read(payload: Payload, source: Source) -> Reading:
    """Make a touchpoint of a response, and one more of each further scored answer."""
    given = reading.json_object(payload)
    event = reading.text(given, "event_type")
    partial = event == "form_response_partial"
    if event != "form_response" and not partial:
        return Reading(ignored=(Ignored("event_type_unknown", event[:64]),))
    if partial and not reading.flag(source.options, "partial"):
        return Reading(ignored=(Ignored("not_finished", event),))
    response = reading.object_at(given, "form_response")
    token = reading.text(given, "form_response.token", "form_response.response_id")
    main = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_SURVEY),
        kind=reading.configured_kind(source, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE),
        at=reading.moment_at(
            given, "form_response.submitted_at", "form_response.landed_at", payload=payload, source=source
        ),
        external_id=token,
    )
    if reading.flag(source.options, "partial"):  # What is finished later than it was begun replaces it.
        main.revision = 0 if partial else 1
    definitions = dict(_definitions(reading.objects_at(given, "form_response.definition.fields")))
    _hidden(main, response, source)
    reading.attribute(main, "form", reading.optional_text(given, "form_response.definition.title"))
    words: list[str] = []
    scores: list[questionnaire.Score] = []
    files = 0
    for index, answer in enumerate(reading.objects_at(given, "form_response.answers")):
        field = reading.optional_object(answer, "field")
        definition, within = definitions.get(reading.optional_text(field, "id"), ({}, ""))
        kind = reading.optional_text(answer, "type")
        ref = reading.optional_text(field, "ref") or reading.optional_text(field, "id") or str(index)
        if kind == "number" and (score := _score(answer, field, definition, ref, source)):
            scores.append(score)
        elif kind in _PERSONAL:
            reading.identify(main, _PERSONAL[kind], reading.optional_text(answer, kind))
        elif kind == "text":
            _words(main, answer, field, definition, ref, words, source, is_detail=within in _DETAILS)
        elif kind == "file_url":
            files += 1
        elif kind == "multi_format":  # Spoken or filmed, or written after all.
            files += 1
            words += filter(
                None, [reading.optional_text(answer, *(f"{kind}.{name}" for name in ("transcript", "text")))]
            )
        else:
            chosen, title = _written(answer, kind), reading.optional_text(definition, "title").strip()
            if not (questionnaire.fill(main, ref, chosen, source) or questionnaire.fill(main, title, chosen, source)):
                reading.attribute(main, ref, chosen)
    main.text = "\n".join(words)
    for variable in reading.objects_at(given, "form_response.variables"):
        key = reading.optional_text(variable, "key")
        reading.attribute(main, f"variable.{key}", _written(variable, reading.optional_text(variable, "type")))
    attachments.attach(main, ["file"] * files)
    form = reading.optional_text(given, "form_response.form_id")
    return Reading(touchpoints=tuple(questionnaire.touchpoints(main, scores, source, survey_id=form)))


def _definitions(
    fields: Sequence[reading.JsonObject], within: str = "", depth: int = 0
) -> Iterator[tuple[str, tuple[reading.JsonObject, str]]]:
    """Give the definition of each field by its id, and of which type the field is that it stands in."""
    for each in fields:
        yield reading.optional_text(each, "id"), (each, within)
        if depth < _DEEPEST and (inner := reading.objects_at(each, "properties.fields")):
            yield from _definitions(inner, reading.optional_text(each, "type"), depth + 1)


def _hidden(main: pb.Touchpoint, response: reading.JsonObject, source: Source) -> None:
    for name in reading.optional_object(response, "hidden"):
        value = response["hidden"][name]
        if isinstance(value, dict | list) or not (text := reading.optional_text({"": value}, "")):
            continue
        if not questionnaire.fill(main, name, text, source):
            reading.attribute(main, name, text)


def _words(
    main: pb.Touchpoint,
    answer: reading.JsonObject,
    field: reading.JsonObject,
    definition: reading.JsonObject,
    ref: str,
    words: list[str],
    source: Source,
    *,
    is_detail: bool,
) -> None:
    said = reading.optional_text(answer, "text")
    kind = reading.optional_text(field, "type") or reading.optional_text(definition, "type")
    title = reading.optional_text(definition, "title").strip()
    if questionnaire.fill(main, ref, said, source):
        return
    if kind == "short_text":
        if _is_name(ref, title):
            return  # Who somebody is, is told by identifiers.
        if questionnaire.fill(main, title, said, source) or questionnaire.identify(main, title, said):
            return
    if said.strip() and kind in ("", *_WORDS) and not (is_detail or title.lower() in (*_PLACES, *_POSTS)):
        words.append(said)
    else:
        reading.attribute(main, ref, said)


def _is_name(ref: str, title: str) -> bool:
    return ref.lower() in ("name", "first_name", "last_name", "full_name") or any(
        each in title.lower() for each in ("your name", "first name", "last name", "성함", "이름", "성명")
    )


def _score(
    answer: reading.JsonObject,
    field: reading.JsonObject,
    definition: reading.JsonObject,
    ref: str,
    source: Source,
) -> questionnaire.Score | None:
    """Read a number on a scale; nothing for a mere number, as of persons or years."""
    kind = reading.optional_text(field, "type") or reading.optional_text(definition, "type")
    labels = [ref, reading.optional_text(field, "id"), kind, reading.optional_text(definition, "title")]
    value = reading.number(answer, "number")
    if kind not in ("opinion_scale", "rating", "nps") and not questionnaire.question(source, *labels[:2]):
        return None
    question = questionnaire.question(source, *labels)
    lowest, highest = _scale(kind, question, value, definition)
    if kind != "nps" and not questionnaire.is_on_scale(source, question, highest, *labels):
        question = pb.SURVEY_TYPE_UNSPECIFIED
    return questionnaire.Score(key=ref, value=value, question=question, lowest=lowest, highest=highest)


def _scale(
    kind: str, question: pb.SurveyType.ValueType, value: float, definition: reading.JsonObject
) -> tuple[float, float]:
    """Give the scale by the field's properties, where the payload has them, or by the field's type."""
    steps = reading.optional_integer(definition, "properties.steps", "steps")
    if kind == "rating":
        return 1, float(steps or (10 if value > 5 else 5))
    if steps and 1 < steps <= 100:
        first = 1.0 if reading.flag(definition, "properties.start_at_one") else 0.0
        return first, first + steps - 1
    if told := questionnaire.scale_told(reading.optional_text(definition, "title"), value):
        return told
    if question in (pb.SURVEY_TYPE_CSAT, pb.SURVEY_TYPE_CES):
        usual = 5 if question == pb.SURVEY_TYPE_CSAT else 7
        return (0, 10) if value > usual or value < 1 else (1, usual)
    return 0, 10


def _written(answer: reading.JsonObject, kind: str) -> str:
    value: Any = answer.get(kind)
    if isinstance(value, dict):
        labels = value.get("labels")
        chosen = [each for each in labels if isinstance(each, str)] if isinstance(labels, list) else []
        chosen += [each for each in (value.get("label"), value.get("other")) if isinstance(each, str)]
        return ", ".join(chosen)
    return "" if isinstance(value, list) else reading.optional_text({"": value}, "")
