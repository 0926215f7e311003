"""Formbricks, as in https://formbricks.com/docs/xm-and-surveys/core-features/integrations/webhooks."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_all_events_of_a_finished_response_make_the_same_touchpoint(read: Read) -> None:
    [finished] = read("formbricks", "ok_finished.json").touchpoints
    [updated] = read("formbricks", "ok_updated_when_finished.json").touchpoints

    assert (finished.external_id, finished.revision) == (updated.external_id, updated.revision)


@pytest.mark.parametrize("file", ["ignored_created.json", "ignored_updated.json"])
def test_what_is_not_finished_does_not_count(read: Read, file: str) -> None:
    [ignored] = read("formbricks", file).ignored

    assert "not_finished" == ignored.reason


def test_contacts_are_known_by_their_attributes(read: Read) -> None:
    [made] = read("formbricks", "ok_finished.json").touchpoints

    assert {
        (pb.IDENTIFIER_TYPE_APP_USER_ID, "member-77"),
        (pb.IDENTIFIER_TYPE_EMAIL, "jiwoo@example.com"),
        (pb.IDENTIFIER_TYPE_ANONYMOUS_ID, "formbricks:cm3contact1"),
    } == {(each.type, each.value) for each in made.identifiers}


def test_words_are_told_from_choices(read: Read) -> None:
    [made] = read("formbricks", "ok_finished.json").touchpoints

    assert "앱이 빨라져서 좋아요 👍" == made.text
    assert ("가격, 속도", "clicked") == (made.attributes["choice1"], made.attributes["cta"])


def test_a_single_number_is_what_the_survey_is_called(read: Read) -> None:
    [made] = read("formbricks", "ok_score_by_survey_title.json").touchpoints

    assert (pb.SURVEY_TYPE_NPS, 6) == (made.survey.type, made.survey.score)


def test_an_option_names_the_question(read: Read) -> None:
    [made] = read("formbricks", "ok_unknown_extras.json", options={"ces": "n", "csat": "none"}).touchpoints[1:]

    assert (pb.SURVEY_TYPE_CES, 3) == (made.survey.type, made.survey.score)


def test_person_of_the_old_format_is_known_by_all_ids(read: Read) -> None:
    [made] = read("formbricks", "ok_person_of_old_format.json").touchpoints

    assert {"test@example.com", "u-1", "formbricks:cljold01t0000qh8ewzigzmjk"} == {
        each.value for each in made.identifiers
    }


@pytest.mark.parametrize(
    ("answer", "identified"),
    [
        (["Minsu", "Kim", "kim@example.com", "010-1234-5678", "Acme"], {"kim@example.com", "+821012345678"}),
        (["Minsu", "Kim", "", "010-1234-5678", ""], {"+821012345678"}),
    ],
)
def test_contact_details_that_a_survey_asks_for_are_known_and_not_named(
    read: Read, answer: list[str], identified: set[str]
) -> None:
    data = {"id": "r1", "finished": True, "data": {"who": answer}, "updatedAt": "2026-11-20T05:18:22Z"}

    [made] = read("formbricks", "", body=json.dumps({"event": "responseFinished", "data": data}).encode()).touchpoints

    assert identified == {each.value for each in made.identifiers}
    assert "Minsu" not in str(made)


def test_five_choices_are_no_contact_details(read: Read) -> None:
    data = {"id": "r1", "finished": True, "data": {"q": ["a", "b", "c", "d", "e"]}, "updatedAt": "2026-11-20T05:18:22Z"}

    [made] = read("formbricks", "", body=json.dumps({"event": "responseFinished", "data": data}).encode()).touchpoints

    assert "a, b, c, d, e" == made.attributes["q"]


def test_score_as_text_counts_and_a_date_is_no_words(read: Read) -> None:
    answers = {"nps": "9", "visited": "2026-11-01", "why": "10"}
    data = {"id": "r1", "finished": True, "data": answers, "updatedAt": "2026-11-20T05:18:22Z"}

    [made] = read("formbricks", "", body=json.dumps({"event": "responseFinished", "data": data}).encode()).touchpoints

    assert (pb.SURVEY_TYPE_NPS, 9, "10") == (made.survey.type, made.survey.score, made.text)
    assert "2026-11-01" == made.attributes["visited"]


def test_a_choice_goes_where_the_mapping_says(read: Read) -> None:
    data = {"id": "r1", "finished": True, "data": {"q": ["강남점"]}, "updatedAt": "2026-11-20T05:18:22Z"}
    body = json.dumps({"event": "responseFinished", "data": data}).encode()

    [made] = read("formbricks", "", body=body, mapping={"q": "org_unit"}).touchpoints

    assert ("강남점", False) == (made.org_unit, "q" in made.attributes)


def test_a_mapping_names_a_rating(read: Read) -> None:
    data = {"id": "r1", "finished": True, "updatedAt": "2026-11-20T05:00:00Z", "data": {"q1": 9, "q2": 4}}
    body = json.dumps({"event": "responseFinished", "data": data}).encode()

    nps, rated = read("formbricks", "", body=body, mapping={"q1": "nps", "q2": "rating"}).touchpoints

    assert (9, 4, 5) == (nps.survey.score, rated.rating.value, rated.rating.highest)


def _finished(answers: dict[str, object], **others: object) -> bytes:
    data = {"id": "r1", "finished": True, "updatedAt": "2026-11-20T05:00:00Z", "data": answers, **others}
    return json.dumps({"event": "responseFinished", "data": data}).encode()


@pytest.mark.parametrize(
    ("question", "score", "scale"),
    [("csat", 4, (0, 0)), ("csat", 7, (1, 7)), ("csat", 9, (1, 10)), ("ces", 7, (0, 0)), ("ces", 8, (1, 10))],
)
def test_a_score_beyond_the_usual_scale_is_on_a_longer_one(
    read: Read, question: str, score: float, scale: tuple[float, float]
) -> None:
    [made] = read("formbricks", "", body=_finished({question: score})).touchpoints

    assert (score, *scale) == (made.survey.score, made.survey.lowest, made.survey.highest)


def test_an_address_a_number_and_a_link_are_no_words(read: Read) -> None:
    answers = {
        "a": "kim@example.kr",
        "b": "010-1234-5678",
        "c": "https://example.kr/x",
        "d": "20260001",
        "e": "10분 기다렸어요",
    }
    [made] = read("formbricks", "", body=_finished(answers)).touchpoints

    assert "20260001\n10분 기다렸어요" == made.text
    assert ["kim@example.kr", "+821012345678"] == [each.value for each in made.identifiers]
    assert "https://example.kr/x" == made.attributes["c"]


def test_ids_of_contacts_may_be_numbers(read: Read) -> None:
    [made] = read("formbricks", "", body=_finished({"q": "x"}, contactAttributes={"userId": 123})).touchpoints

    assert ["123"] == [each.value for each in made.identifiers]


@pytest.mark.parametrize("host", ["https://app.formbricks.com", ""])
def test_files_are_counted_and_not_led_to(read: Read, host: str) -> None:
    files = [f"{host}/storage/env1/private/a--fid--1.png", f"{host}/storage/env1/private/b--fid--2.pdf"]

    [made] = read("formbricks", "", body=_finished({"upload": files, "choices": ["서울", "부산"]})).touchpoints

    assert ("", "file:2") == (made.text, made.attributes["attachments"])
    assert "upload" not in made.attributes
    assert "서울, 부산" == made.attributes["choices"]
