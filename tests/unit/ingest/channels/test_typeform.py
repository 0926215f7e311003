"""Typeform responses, as in https://www.typeform.com/developers/webhooks/example-payload/."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_the_main_score_comes_with_the_words_and_a_further_one_on_its_own(read: Read) -> None:
    main, further = read("typeform", "ok_nps_rating_and_words.json").touchpoints

    assert (pb.SURVEY_TYPE_NPS, 9, 0, 0) == (
        main.survey.type,
        main.survey.score,
        main.survey.lowest,
        main.survey.highest,
    )
    assert "포장은 좋았는데 배송이 늦었어요 😢" == main.text
    assert (2, 1, 5) == (further.rating.value, further.rating.lowest, further.rating.highest)
    assert "" == further.text
    assert main.thread_id == further.thread_id == main.external_id
    assert further.external_id == f"{main.external_id}#stars"


def test_people_are_known_by_hidden_fields_and_contact_answers(read: Read) -> None:
    main, _ = read("typeform", "ok_nps_rating_and_words.json").touchpoints

    assert [
        (pb.IDENTIFIER_TYPE_APP_USER_ID, "u-1001"),
        (pb.IDENTIFIER_TYPE_EMAIL, "minji.kim@example.com"),
        (pb.IDENTIFIER_TYPE_PHONE, "+821012345678"),
    ] == [(each.type, each.value) for each in main.identifiers]
    assert "KR-2026-77" == main.order_id


def test_a_file_is_counted_and_its_address_is_not_kept(read: Read) -> None:
    main, _ = read("typeform", "ok_nps_rating_and_words.json").touchpoints

    assert "file:1" == main.attributes["attachments"]
    assert not [value for value in main.attributes.values() if "http" in value]


def test_the_response_token_names_the_response_whatever_the_event_id(read: Read) -> None:
    [once] = read("typeform", "ok_minimal.json").touchpoints
    again = read(
        "typeform", "", body=b'{"event_id":"other","event_type":"form_response","form_response":{"token":"b7"}}'
    )

    assert once == again.touchpoints[0]


def test_scales_come_from_the_steps_of_the_field(read: Read) -> None:
    csat, ces = read("typeform", "ok_csat_and_ces_scales.json").touchpoints

    assert (pb.SURVEY_TYPE_CSAT, 1, 5) == (csat.survey.type, csat.survey.lowest, csat.survey.highest)
    assert (pb.SURVEY_TYPE_CES, 1, 7) == (ces.survey.type, ces.survey.lowest, ces.survey.highest)


def test_an_option_says_which_field_asks_for_what(read: Read) -> None:
    main, further = read("typeform", "ok_nps_rating_and_words.json", options={"csat": "stars", "nps": "x"}).touchpoints

    assert pb.SURVEY_TYPE_NPS == main.survey.type
    assert (pb.SURVEY_TYPE_CSAT, 2) == (further.survey.type, further.survey.score)


def test_a_finished_response_replaces_its_partial_one_where_partial_ones_count(read: Read) -> None:
    [partial] = read("typeform", "ignored_partial.json", options={"partial": "true"}).touchpoints
    [finished] = read("typeform", "ok_minimal.json", options={"partial": "true"}).touchpoints

    assert (0, 1) == (partial.revision, finished.revision)


def test_scale_that_only_the_title_tells_is_taken(read: Read) -> None:
    [made] = read("typeform", "ok_scale_in_the_title.json").touchpoints

    assert (2, 1, 5) == (made.rating.value, made.rating.lowest, made.rating.highest)


def _answered(read: Read, fields: list[dict[str, object]], answers: list[dict[str, object]]) -> Reading:
    response = {
        "token": "t1",
        "submitted_at": "2026-11-20T01:02:03Z",
        "definition": {"title": "의견", "fields": fields},
        "answers": answers,
    }
    return read("typeform", "", body=json.dumps({"event_type": "form_response", "form_response": response}).encode())


def _field(name: str, kind: str, title: str, *inner: dict[str, object], **properties: object) -> dict[str, object]:
    within = {"fields": list(inner)} if inner else {}
    return {"id": name, "ref": f"ref-{name}", "type": kind, "title": title, "properties": {**properties, **within}}


def _text(name: str, said: str) -> dict[str, object]:
    return {"type": "text", "text": said, "field": {"id": name, "ref": f"ref-{name}", "type": "short_text"}}


def test_fields_within_a_group_have_titles_and_scales_too(read: Read) -> None:
    asked = _field("s", "opinion_scale", "How satisfied are you?", steps=7, start_at_one=True)
    answer = {"type": "number", "number": 6, "field": {"id": "s", "ref": "ref-s", "type": "opinion_scale"}}

    [made] = _answered(read, [_field("g", "group", "Service", asked)], [answer]).touchpoints

    survey = made.survey
    assert (pb.SURVEY_TYPE_CSAT, 6, 1, 7) == (survey.type, survey.score, survey.lowest, survey.highest)


def test_contact_details_are_identifiers_and_no_words(read: Read) -> None:
    parts = [
        _field("a", "short_text", "First name"),
        _field("b", "short_text", "Company"),
        _field("c", "email", "Email"),
        _field("d", "short_text", "City/Town"),
    ]
    answers = [
        *(_text("a", "Mina"), _text("b", "Acme"), _text("d", "Seoul"), _text("w", "Great")),
        {"type": "email", "email": "mina@example.com", "field": {"id": "c", "ref": "ref-c", "type": "email"}},
    ]
    words = _field("w", "short_text", "Anything else?")

    [nested] = _answered(read, [_field("g", "contact_info", "Who are you?", *parts), words], answers).touchpoints
    [flat] = _answered(read, [*parts, words], answers).touchpoints

    assert ["Great", "Great"] == [nested.text, flat.text]
    assert ["mina@example.com"] == [each.value for each in nested.identifiers]
    assert "Mina" not in str(nested)
    assert ("Acme", "Seoul") == (nested.attributes["ref-b"], flat.attributes["ref-d"])


def test_short_text_that_is_asked_for_as_a_number_is_one(read: Read) -> None:
    fields = [_field("p", "short_text", "연락처를 남겨 주세요"), _field("o", "short_text", "주문번호")]

    [made] = _answered(read, fields, [_text("p", "010-2222-3333"), _text("o", "A-77")]).touchpoints
    [words] = _answered(read, fields, [_text("p", "전화하지 마세요")]).touchpoints

    assert (["+821022223333"], "A-77", "") == ([each.value for each in made.identifiers], made.order_id, made.text)
    assert "전화하지 마세요" == words.text


def test_what_was_said_on_a_video_is_words(read: Read) -> None:
    answer = {
        "type": "multi_format",
        "multi_format": {"video_id": "v1", "transcript": "포장이 찢어졌어요"},
        "field": {"id": "m", "type": "multi_format"},
    }

    [made] = _answered(read, [_field("m", "multi_format", "Tell us")], [answer]).touchpoints

    assert ("포장이 찢어졌어요", "file:1") == (made.text, made.attributes["attachments"])


def test_a_choice_goes_where_the_mapping_says(read: Read) -> None:
    answer = {"type": "choice", "choice": {"label": "강남점"}, "field": {"id": "c", "ref": "which", "type": "dropdown"}}
    response = {"token": "t1", "submitted_at": "2026-11-20T01:02:03Z", "answers": [answer]}
    body = json.dumps({"event_type": "form_response", "form_response": response}).encode()

    [made] = read("typeform", "", body=body, mapping={"which": "org_unit"}).touchpoints

    assert ("강남점", False) == (made.org_unit, "which" in made.attributes)


def test_a_choice_goes_where_its_questions_title_says(read: Read) -> None:
    answer = {"type": "choice", "choice": {"label": "강남점"}, "field": {"id": "c", "ref": "c", "type": "dropdown"}}

    [made] = _answered(read, [_field("c", "dropdown", "매장")], [answer]).touchpoints

    assert ("강남점", False) == (made.org_unit, "c" in made.attributes)


def test_who_is_asked_on_a_shorter_scale_is_not_asked_for_nps(read: Read) -> None:
    field = _field("r", "opinion_scale", "추천 의향은?") | {"properties": {"steps": 5, "start_at_one": True}}
    answer = {"type": "number", "number": 4, "field": {"id": "r", "ref": "r", "type": "opinion_scale"}}

    [made] = _answered(read, [field], [answer]).touchpoints

    assert (4, 1, 5, False) == (made.rating.value, made.rating.lowest, made.rating.highest, made.HasField("survey"))


def test_where_somebody_works_is_no_words(read: Read) -> None:
    fields = [_field("a", "short_text", "Company name"), _field("b", "short_text", "부서")]

    [made] = _answered(read, fields, [_text("a", "ACME"), _text("b", "물류")]).touchpoints

    assert "" == made.text
    assert {"ACME", "물류"} <= {*made.attributes.values()}


@pytest.mark.parametrize(
    ("title", "options"),
    [("How likely are you to recommend Acme as a place to work?", {}), ("추천하시겠어요?", {"voice": "internal"})],
)
def test_employees_scores_are_no_customers_nps(read: Read, title: str, options: dict[str, str]) -> None:
    response = {
        "token": "t1",
        "definition": {"fields": [{"id": "F0", "ref": "r0", "title": title, "type": "nps"}]},
        "answers": [{"type": "number", "number": 9, "field": {"id": "F0", "ref": "r0", "type": "nps"}}],
    }
    body = json.dumps({"event_type": "form_response", "form_response": response}).encode()
    [made] = read("typeform", "", body=body, options=options).touchpoints

    assert (False, 9, 10) == (made.HasField("survey"), made.rating.value, made.rating.highest)
    assert ("internal" in options.values()) == (made.actor == pb.ACTOR_AGENT)
