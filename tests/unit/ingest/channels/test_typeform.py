"""Typeform responses, as in https://www.typeform.com/developers/webhooks/example-payload/."""

from collections.abc import Callable

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
