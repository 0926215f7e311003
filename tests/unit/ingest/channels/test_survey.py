"""Surveys: SurveyMonkey exports (https://help.surveymonkey.com/), NPS, CSAT and CES of any maker."""

import datetime as dt
import json
import unicodedata
from collections.abc import Callable

import pytest

import spreadsheet
from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import survey
from sori_ingest.channels.payload import Payload, Reading, Source, Unreadable

Read = Callable[..., Reading]
RECEIVED = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)


def scores(found: Reading) -> list[tuple[int, float]]:
    return [(each.survey.type, each.survey.score) for each in found.touchpoints]


def test_surveymonkey_has_two_header_rows(read: Read) -> None:
    found = read("survey", "ok_surveymonkey.csv")

    assert [
        (pb.SURVEY_TYPE_NPS, 10),
        (pb.SURVEY_TYPE_CSAT, 5),
        (pb.SURVEY_TYPE_NPS, 3),
        (pb.SURVEY_TYPE_CSAT, 2),
    ] == scores(found)
    assert "Fast, friendly\nand cheap" == found.touchpoints[0].text
    assert "114100000001" == found.touchpoints[0].external_id


def test_names_and_addresses_of_machines_are_not_kept(read: Read) -> None:
    found = read("survey", "ok_surveymonkey.csv").touchpoints[0]

    assert not {"Minsu", "203.0.113.9"} & set(found.attributes.values())


def test_a_korean_export_in_cp949(read: Read) -> None:
    found = read("survey", "ok_korean_cp949.csv", options={"zone": "Asia/Seoul"})

    assert [
        (pb.SURVEY_TYPE_NPS, 9),
        (pb.SURVEY_TYPE_CSAT, 5),
        (pb.SURVEY_TYPE_NPS, 0),
        (pb.SURVEY_TYPE_CSAT, 2),
    ] == scores(found)
    first = found.touchpoints[0]
    assert "친절했어요" == first.text
    assert ("2026-11-18T06:04:05Z", 540) == (first.occurred_time.ToJsonString(), first.occurred_offset_minutes)


def test_a_score_out_of_a_scale_that_is_told(read: Read) -> None:
    csat, ces = read("survey", "ok_csat_scale.json").touchpoints

    assert (4, 1, 5) == (csat.survey.score, csat.survey.lowest, csat.survey.highest)
    assert (2, 1, 5) == (ces.survey.score, ces.survey.lowest, ces.survey.highest)


def test_two_responses_without_an_id_that_are_alike_count_as_two_and_again_as_the_same_two(read: Read) -> None:
    body = b"nps,comment\n10,\n10,\n"

    found = read("survey", "", body=body)
    again = read("survey", "", body=body)

    assert 2 == len({each.external_id for each in found.touchpoints})
    assert found == again


def test_a_mapping_names_the_columns(read: Read) -> None:
    source = Source(name="s", mapping={"Q1": "ces", "Q2": "text", "Who": "member_id", "When": "occurred_time"})
    body = b"Q1,Q2,Who,When\n5,fine,M-1,2026-11-01T00:00:00Z\n"

    [made] = survey.read(Payload(body=body, received_time=RECEIVED), source).touchpoints

    assert (pb.SURVEY_TYPE_CES, 5, "fine") == (made.survey.type, made.survey.score, made.text)
    assert "M-1" == made.identifiers[0].value
    assert "2026-11-01T00:00:00Z" == made.occurred_time.ToJsonString()


def test_a_mapping_may_say_what_happened_where_and_by_whom(read: Read) -> None:
    mapping = {"What": "kind", "Where": "channel", "Who": "actor", "Edit": "revision"}

    said, unknown = read(
        "survey", "", body=b"id,nps,What,Where,Who,Edit\n1,9,complaint,sns,agent,3\n2,9,gossip,,,x\n", mapping=mapping
    ).touchpoints

    assert (pb.TOUCHPOINT_KIND_COMPLAINT, pb.CHANNEL_SNS, pb.ACTOR_AGENT, 3) == (
        said.kind,
        said.channel,
        said.actor,
        said.revision,
    )
    assert (pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, "gossip", "x") == (
        unknown.kind,
        unknown.attributes["What"],
        unknown.attributes["Edit"],
    )


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        ("9", 9),
        ("9 - Very likely", 9),
        ("10점", 10),
        ("7/10", 7),
        ("  8 ", 8),
        ("Extremely likely - 10", 10),
        ("Not at all likely - 0", 0),
    ],
)
def test_a_number_is_read_as_people_export_it(read: Read, cell: str, score: float) -> None:
    [made] = read("survey", "", body=f"id,nps\n1,{cell}\n".encode()).touchpoints

    assert score == made.survey.score


def test_two_answers_of_one_person_are_two(read: Read) -> None:
    body = b'[{"csat":4,"customer":{"id":"C-1"},"time":"2026-11-01T00:00:00Z"},{"csat":2,"customer":{"id":"C-1"}}]'

    first, second = read("survey", "", body=body).touchpoints

    assert first.external_id != second.external_id
    assert "C-1" == first.identifiers[0].value == second.identifiers[0].value


def test_scores_may_stand_within(read: Read) -> None:
    main, further = read(
        "survey", "", body=b'{"id":"1","nps":{"score":9,"comment":"good"},"scores":{"ces":3}}'
    ).touchpoints

    assert (pb.SURVEY_TYPE_NPS, 9, "good") == (main.survey.type, main.survey.score, main.text)
    assert (pb.SURVEY_TYPE_CES, 3) == (further.survey.type, further.survey.score)


def test_surveymonkeys_responses_are_read_and_its_notices_are_not(read: Read) -> None:
    response = {
        "id": "5007154325",
        "survey_id": "107653",
        "date_modified": "2026-11-18T10:00:00+00:00",
        "pages": [
            {
                "id": "1",
                "questions": [
                    {
                        "id": "2",
                        "heading": "How likely are you to recommend us?",
                        "answers": [{"choice_metadata": {"weight": "8"}}],
                    },
                    {"id": "3", "heading": "Any comments?", "answers": [{"text": "fine"}]},
                ],
            }
        ],
    }
    notice = {"name": "w", "event_type": "response_completed", "object_type": "response", "object_id": "5007154325"}

    [made] = read("survey", "", body=json.dumps(response).encode()).touchpoints
    [ignored] = read("survey", "", body=json.dumps(notice).encode()).ignored

    assert (8, "fine", "5007154325") == (made.survey.score, made.text, made.external_id)
    assert ("event_type_unknown", "response_completed") == (ignored.reason, ignored.detail)


def test_two_people_who_say_the_same_without_an_id_or_a_time_are_two(read: Read) -> None:
    [made] = read("survey", "", body=b'{"nps": 10}').touchpoints

    assert "" == made.external_id


def test_answers_of_a_korean_form_are_of_seouls_time_and_of_the_scales_in_the_titles(read: Read) -> None:
    nps, csat = read("survey", "ok_google_forms_ko.csv").touchpoints

    assert ("2026-11-01T06:05:01Z", 540) == (nps.occurred_time.ToJsonString(), nps.occurred_offset_minutes)
    assert (pb.SURVEY_TYPE_NPS, 9) == (nps.survey.type, nps.survey.score)
    assert (pb.SURVEY_TYPE_CSAT, 6, 1, 7) == (
        csat.survey.type,
        csat.survey.score,
        csat.survey.lowest,
        csat.survey.highest,
    )


def test_korean_times_are_read_however_they_are_spelled(read: Read) -> None:
    found = read("survey", "ok_korean_times.csv").touchpoints

    times = [each.occurred_time.ToJsonString() for each in found]
    assert ["2026-11-01T01:05:00Z", "2026-10-31T15:30:00Z", "2026-11-01T06:05:00Z"] == times


def test_open_ended_answers_are_words_or_contacts_whatever_was_asked(read: Read) -> None:
    [made] = read("survey", "ok_open_ended_of_any_title.csv").touchpoints

    assert "Answer faster, please" == made.text
    assert {"jane@example.com", "+821012345678"} == {each.value for each in made.identifiers}


def test_type_beside_the_survey_says_what_the_score_is(read: Read) -> None:
    [made] = read("survey", "ok_nested_type.json").touchpoints

    assert (pb.SURVEY_TYPE_NPS, 10, "s1") == (made.survey.type, made.survey.score, made.survey.survey_id)


def test_a_workbook_says_what_the_same_table_says_as_csv(read: Read) -> None:
    when = dt.datetime(2026, 11, 10, 9, 30)  # noqa: DTZ001  (workbooks know no zones)
    book = spreadsheet.workbook(
        {
            "설명": {1: {"A": "응답 내보내기"}},
            "응답": {
                1: {"A": "응답번호", "B": "응답일시", "C": "추천하시겠어요? (0-10)", "D": "의견", "E": "연락처"},
                2: {"A": 118.0, "B": when, "C": 9, "D": "배송이 빨라요 🚚", "E": "010-1234-5678"},
                3: {},
                4: {"A": 119, "B": when, "C": 2, "D": "포장이 찢어졌어요"},
            },
        },
        hidden=("설명",),
    )
    rows = [
        "응답번호,응답일시,추천하시겠어요? (0-10),의견,연락처",
        "118,2026-11-10T09:30:00,9,배송이 빨라요 🚚,010-1234-5678",
        ",,,,",
        "119,2026-11-10T09:30:00,2,포장이 찢어졌어요,",
    ]

    found, same = (read("survey", "", body=each) for each in (book, "\n".join(rows).encode()))

    assert [9, 2] == [each.survey.score for each in found.touchpoints]
    assert same == found


@pytest.mark.parametrize("body", [b"PK\x03\x04", b"PK\x03\x04" + bytes(200), spreadsheet.workbook({"빈": {}})])
def test_a_workbook_without_a_table_is_unreadable(read: Read, body: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read("survey", "", body=body)

    assert "not_a_table" == refused.value.reason


def test_why_and_what_to_improve_ask_for_words(read: Read) -> None:
    [made] = read("survey", "ok_why_and_what_to_improve.csv").touchpoints

    assert ("Slow, and late\n포장", 4) == (made.text, made.survey.score)


def test_line_that_is_no_json_leaves_the_others_be(read: Read) -> None:
    lines = ('{"id": "a", "nps": 10}', '{"id": "b", "nps":', '["c"]', '{"id": "d", "nps": 0}')

    found = read("survey", "", body="\r\n".join(lines).encode(), content_type="application/x-ndjson")

    assert [(pb.SURVEY_TYPE_NPS, 10), (pb.SURVEY_TYPE_NPS, 0)] == scores(found)
    assert [("not_json", "1"), ("not_json", "2")] == [(each.reason, each.field) for each in found.unreadable]


def test_line_ends_where_json_says(read: Read) -> None:
    body = '{"id": "a", "nps": 9, "comment": "빠르고\u2028친절해요"}\n{"id": "b", "nps": 1}\n'

    found = read("survey", "", body=body.encode(), content_type="application/x-ndjson")

    assert [(pb.SURVEY_TYPE_NPS, 9), (pb.SURVEY_TYPE_NPS, 1)] == scores(found)


@pytest.mark.parametrize(
    "written", ["2024/01/15 3:05:06 오후 GMT+9", "2024/01/15 3:05:06 PM GMT+9", "2024-01-15 15:05:06 UTC+09:00"]
)
def test_time_of_google_forms_says_its_offset(read: Read, written: str) -> None:
    [made] = read("survey", "", body=f"타임스탬프\tnps\n{written}\t9\n".encode(), options={"zone": "UTC"}).touchpoints

    assert dt.datetime(2024, 1, 15, 6, 5, 6, tzinfo=dt.UTC) == made.occurred_time.ToDatetime(dt.UTC)
    assert 540 == made.occurred_offset_minutes


def test_contact_of_surveymonkeys_responses_is_known_and_not_named(read: Read) -> None:
    contact = {
        "first_name": {"type": "string", "value": "Minsu"},
        "email": {"type": "string", "value": "kim@example.com"},
    }
    questions = [
        {"id": "1", "heading": "How likely is it that you would recommend us?", "answers": [{"simple_text": "9"}]}
    ]
    response = {"id": "5007154325", "metadata": {"contact": contact}, "pages": [{"id": "1", "questions": questions}]}

    [made] = read("survey", "", body=json.dumps(response).encode()).touchpoints

    assert ["kim@example.com"] == [each.value for each in made.identifiers]
    assert "Minsu" not in str(made)


@pytest.mark.parametrize("unanswered", ["N/A", "-", "해당 없음", "Don't know"])
def test_score_that_was_left_out_leaves_the_others_of_its_row_be(read: Read, unanswered: str) -> None:
    found = read("survey", "", body=f"id,nps,csat\na,{unanswered},매우 만족\nb,{unanswered},{unanswered}\n".encode())

    assert [(pb.SURVEY_TYPE_CSAT, 5)] == scores(found)
    assert ["no_answer"] == [each.reason for each in found.ignored]
    assert not found.unreadable


def test_ends_of_surveymonkeys_scale_say_their_number_last(read: Read) -> None:
    title = "How likely is it that you would recommend us to a friend?"
    rows = "1,Extremely likely - 10,a\n2,Not at all likely - 0,b\n3,7,c\n"

    found = read("survey", "", body=f"Respondent ID,{title},Comment\n{rows}".encode())

    assert [(pb.SURVEY_TYPE_NPS, 10), (pb.SURVEY_TYPE_NPS, 0), (pb.SURVEY_TYPE_NPS, 7)] == scores(found)


def test_word_that_is_no_score_of_its_question_leaves_the_others_of_its_row_be(read: Read) -> None:
    found = read("survey", "", body="id,이용이 얼마나 쉬웠나요? (CES),추천 의향\na,보통,9\n".encode())

    assert [(pb.SURVEY_TYPE_NPS, 9)] == scores(found)
    assert "보통" == found.touchpoints[0].attributes["이용이 얼마나 쉬웠나요? (CES)"]


@pytest.mark.parametrize("date", ["11/2/26 10:05", "Nov 2, 2026 10:05 AM", "Nov 2, 2026 10:05", "02.11.2026 10:05"])
def test_dates_are_read_as_english_and_german_programs_export_them(read: Read, date: str) -> None:
    [made] = read("survey", "", body=f'id,nps,date\na,9,"{date}"\n'.encode()).touchpoints

    assert "2026-11-02T10:05:00Z" == made.occurred_time.ToJsonString()


def test_score_that_nobody_understands_is_not_dropped(read: Read) -> None:
    found = read("survey", "", body="id,nps,csat\na,👍,5\nb,아주 좋음,5\nc,9,1\n".encode())

    assert ["row 2.nps", "row 3.nps"] == [each.field for each in found.unreadable]


def _table(read: Read, *lines: str) -> Reading:
    return read("survey", "", body="\n".join(lines).encode())


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        ("매우 만족 (5점)", 5),
        ("만족(4)", 4),
        ("아주 만족", 5),
        ("불만족함", 2),
        ("그저 그렇다", 3),
        ("★★★★☆", 4),
        ("Very satisfied (5)", 5),
        ("1. 매우 만족", 5),  # Counted from the best.
        ("① 매우 만족", 5),
        ("5) 매우 불만족", 1),
        ("1 - Very dissatisfied", 1),
        ("5 - 매우 만족", 5),
    ],
)
def test_satisfaction_is_read_as_forms_export_it(read: Read, cell: str, score: float) -> None:
    [made] = _table(read, "ID,전반적인 만족도", f"1,{cell}").touchpoints

    assert (pb.SURVEY_TYPE_CSAT, score) == (made.survey.type, made.survey.score)
    assert 5 == made.survey.highest or not made.survey.highest  # The usual scale.


def test_words_that_begin_with_a_number_are_words(read: Read) -> None:
    found = _table(
        read,
        "ID,추천의향(0-10),추천 점수의 이유를 적어주세요,개선할 점",
        "1,9,3일이나 걸렸어요,2시간 기다렸어요",
        "2,8,만족,7",
    )

    assert [(pb.SURVEY_TYPE_NPS, 9), (pb.SURVEY_TYPE_NPS, 8)] == scores(found)
    assert ["3일이나 걸렸어요\n2시간 기다렸어요", "만족"] == [each.text for each in found.touchpoints]


@pytest.mark.parametrize(
    "title",
    ["What could we do better?", "Tell us more", "What did you like most?", "어떤 점이 불편했나요?", "하실 말씀"],
)
def test_questions_for_words_are_known_by_how_they_are_put(read: Read, title: str) -> None:
    [made] = _table(read, f"ID,nps,{title}", "1,9,Fast").touchpoints

    assert "Fast" == made.text


@pytest.mark.parametrize(
    "above", [("2026년 고객 만족도 조사,,",), ("고객 만족도 조사", ""), ("조사,,", "11월,,", ",,")]
)
def test_heading_above_the_table_is_no_column(read: Read, above: tuple[str, ...]) -> None:
    found = _table(read, *above, "ID,NPS,의견", "1,9,좋아요", "2,x,")

    assert [("1", 9, "좋아요")] == [(each.external_id, each.survey.score, each.text) for each in found.touchpoints]
    assert [f"row {len(above) + 3}.NPS"] == [each.field for each in found.unreadable]


def test_excels_line_for_the_separator_is_no_row(read: Read) -> None:
    [made] = _table(read, "sep=;", "id;nps", "1;9").touchpoints

    assert ("1", 9) == (made.external_id, made.survey.score)


def test_qualtrics_has_three_header_rows(read: Read) -> None:
    made, further = read("survey", "ok_qualtrics.csv").touchpoints
    named = read("survey", "ok_qualtrics.csv", options={"ces": "Q3"}).touchpoints[1]

    assert ("R_3Jabc", pb.SURVEY_TYPE_NPS, 9) == (made.external_id, made.survey.type, made.survey.score)
    assert ("Faster delivery", ["mina@example.com"]) == (made.text, [each.value for each in made.identifiers])
    assert "Mina" not in made.attributes.values()
    assert [pb.SURVEY_TYPE_CSAT, pb.SURVEY_TYPE_CES] == [further.survey.type, named.survey.type]


def test_scale_beside_a_score_by_name_is_its_own(read: Read) -> None:
    [made] = read("survey", "", body=b'{"id": "1", "csat": 85, "scale": "0-100"}').touchpoints
    first, second = read("survey", "", body=b'{"id": "1", "csat": 4, "nps": 9, "scale": "1-7"}').touchpoints

    assert (85, 0, 100) == (made.survey.score, made.survey.lowest, made.survey.highest)
    assert (0, 7) == (first.survey.highest, second.survey.highest)  # NPS has one scale.


@pytest.mark.parametrize(
    ("header", "row", "external_id"),
    [
        (
            "#,NPS,Response Type,Start Date (UTC),Submit Date (UTC)",
            "abc,9,completed,2026-11-20 8:58,2026-11-20 09:00",
            "abc",
        ),
        ("ID,Start time,Completion time,NPS", "1,11/20/26 8:58:00,11/20/26 9:00:00,9", "1"),  # Microsoft Forms
        ("Submission ID,Respondent ID,Submitted at,NPS", "s1,u1,2026-11-20 09:00:00,9", "s1"),  # Tally
        ("Response ID,Response created at,Survey type,Score", "r1,2026-11-20 09:00:00 UTC,NPS,9", "r1"),  # Delighted
        ("Submission Date,Submission ID,NPS", '"Nov 20, 2026 9:00 AM",555,9', "555"),  # Jotform
        ("Response ID,Completed Time,NPS", "77,20-Nov-2026 09:00:00,9", "77"),  # Zoho Survey
        ("id. Response ID,submitdate. Date submitted,NPS", "7,2026-11-20 09:00:00,9", "7"),  # LimeSurvey
        ("Response ID,Date Submitted,NPS", "5,2026-11-20 09:00:00,9", "5"),  # Alchemer
        ("Response ID,Date,NPS", "5,46346.375,9", "5"),  # A day of Excel's
        ("Response ID,Date,NPS", "5,20261120090000,9", "5"),
        ("응답ID,응답일시,NPS", "5,26.11.20 18:00,9", "5"),
    ],
)
def test_tables_of_other_makers_have_ids_and_times(read: Read, header: str, row: str, external_id: str) -> None:
    [made] = _table(read, header, row).touchpoints

    assert (external_id, "2026-11-20T09:00:00Z") == (made.external_id, made.occurred_time.ToJsonString())
    assert (pb.SURVEY_TYPE_NPS, 9) == (made.survey.type, made.survey.score)


def test_column_that_says_utc_is_of_no_other_zone(read: Read) -> None:
    body = b"Response ID,Submit Date (UTC),NPS\n1,2026-11-20 09:00,9\n"

    [made] = read("survey", "", body=body, options={"zone": "Asia/Seoul"}).touchpoints

    assert "2026-11-20T09:00:00Z" == made.occurred_time.ToJsonString()


def test_how_long_it_took_is_no_time(read: Read) -> None:
    [made] = _table(read, "Response ID,Completion time,#,NPS", "1,3 min,17,9").touchpoints

    assert ("3 min", "17", "1") == (made.attributes["Completion time"], made.attributes["#"], made.external_id)


def test_language_may_have_a_name(read: Read) -> None:
    [made] = _table(read, "ID,NPS,Language", "1,9,Korean").touchpoints

    assert "ko" == made.language


@pytest.mark.parametrize("title", ["추천인 코드", "추천받은 경로", "추천 메뉴"])
def test_who_or_what_was_recommended_is_no_score(read: Read, title: str) -> None:
    [made] = _table(read, f"ID,{title}", "1,7").touchpoints

    assert (False, "7") == (made.HasField("survey"), made.attributes[title])


@pytest.mark.parametrize(
    ("title", "kind", "score"),
    [
        ("Would you recommend us to a friend?", pb.SURVEY_TYPE_NPS, 8),
        ("추천 점수", pb.SURVEY_TYPE_NPS, 8),
        ("문제 해결이 쉬웠나요?", pb.SURVEY_TYPE_CES, 6),
    ],
)
def test_scores_are_known_by_how_they_are_asked_for(read: Read, title: str, kind: int, score: float) -> None:
    [made] = _table(read, f"ID,{title}", f"1,{score}").touchpoints

    assert (kind, score) == (made.survey.type, made.survey.score)


def test_question_to_rate_is_a_rating(read: Read) -> None:
    [rated] = _table(read, "ID,How would you rate our service? (1-10)", "1,4").touchpoints
    [summed] = _table(read, "ID,Overall rating", "1,85").touchpoints

    assert (4, 1, 10) == (rated.rating.value, rated.rating.lowest, rated.rating.highest)
    assert ("85", False) == (summed.attributes["Overall rating"], summed.HasField("rating"))


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("응답자 ID,시작 날짜,종료 날짜,NPS", "1,2026-11-20 09:50:00,2026-11-20 10:03:11,7"),
        ("응답자번호,응답시작시간,응답종료시간,NPS", "1,2026-11-20 09:50:00,2026-11-20 10:03:11,7"),
        ("제출일,제출 ID,NPS", "2026. 11. 20. 오전 10:03:11,1,7"),
        ("상담일시,답변 ID,만족도 점수,작성시간", "2026-11-20 10:03:11,1,4,35초"),
    ],
)
def test_korean_makers_tables_have_ids_and_times(read: Read, header: str, cells: str) -> None:
    [made] = _table(read, header, cells).touchpoints

    assert ("1", "2026-11-20T01:03:11Z") == (made.external_id, made.occurred_time.ToJsonString())


def test_names_and_addresses_of_machines_are_not_kept_in_korean_either(read: Read) -> None:
    [made] = _table(read, "응답자 ID,IP 주소,이름,성,NPS", "1,203.0.113.9,민아,김,7").touchpoints

    assert {"question"} == set(made.attributes)


def test_a_day_may_stand_before_the_month_with_dots(read: Read) -> None:
    [made] = _table(read, "id;date;nps", "1;20.11.2026 10:00;9").touchpoints

    assert "2026-11-20T10:00:00Z" == made.occurred_time.ToJsonString()


_QUALTRICS = (
    "StartDate,EndDate,Status,ResponseId,UserLanguage,Q1",
    "Start Date,End Date,Response Type,Response ID,User Language,How likely are you to recommend us?",
    ",".join(
        f'"{{""ImportId"":""{each}"",""timeZone"":""Asia/Seoul""}}"'
        if each.endswith("Date")
        else f'"{{""ImportId"":""{each}""}}"'
        for each in ("startDate", "endDate", "status", "_recordId", "userLanguage", "QID1")
    ),
)


def test_qualtrics_says_of_which_zone_its_times_are(read: Read) -> None:
    [made] = _table(read, *_QUALTRICS, "2026-11-20 10:00:00,2026-11-20 10:02:00,IP Address,R_1,KO,9").touchpoints

    assert ("2026-11-20T01:02:00Z", 540) == (made.occurred_time.ToJsonString(), made.occurred_offset_minutes)
    assert "ko" == made.language


def test_previews_of_a_survey_are_tests(read: Read) -> None:
    found = _table(read, *_QUALTRICS, "2026-11-20 10:00:00,2026-11-20 10:02:00,Survey Preview,R_1,KO,9")

    assert ([], ["test_ping"]) == ([*found.touchpoints], [each.reason for each in found.ignored])


@pytest.mark.parametrize(
    ("column", "scale"),
    [
        ((3, 10), (1, 10)),
        ((0, 10), (0, 10)),
        ((3, 4), (0, 0)),  # the usual one
        ((0, 5), (0, 5)),
        ((0, 1), (0, 1)),
        ((*range(1, 8), *range(1, 8), *range(1, 8)), (1, 7)),
    ],
)
@pytest.mark.parametrize("title", ["csat", "전반적 만족도", "How satisfied are you?"])
def test_a_column_is_on_one_scale(read: Read, title: str, column: tuple[int, ...], scale: tuple[float, float]) -> None:
    found = _table(read, f"id,{title}", *(f"{index},{value}" for index, value in enumerate(column)))

    assert {(pb.SURVEY_TYPE_CSAT, *scale)} == {
        (each.survey.type, each.survey.lowest, each.survey.highest) for each in found.touchpoints
    }


def test_scores_of_several_types_are_no_column_of_one_scale(read: Read) -> None:
    nps, csat = _table(read, "id,type,score", "1,nps,10", "2,csat,4").touchpoints

    assert [(10, 0), (4, 0)] == [(each.survey.score, each.survey.highest) for each in (nps, csat)]


@pytest.mark.parametrize(
    ("title", "score", "scale"),
    [
        ("종합 만족도(7점 척도)", 6, (1, 7)),
        ("종합 만족도(7점 척도)", 3, (1, 7)),
        ("만족도(100점 만점)", 85, (0, 100)),
        ("How satisfied are you? (11-point scale)", 3, (0, 10)),
        ("Satisfaction out of 10", 4, (1, 10)),
    ],
)
def test_a_title_tells_how_many_points_there_are(
    read: Read, title: str, score: float, scale: tuple[float, float]
) -> None:
    [made] = _table(read, f"ID,{title}", f"1,{score}").touchpoints

    assert (score, *scale) == (made.survey.score, made.survey.lowest, made.survey.highest)


@pytest.mark.parametrize(
    ("title", "cell", "score"),
    [
        ("전반적 만족도", "대체로 만족", 4),
        ("전반적 만족도", "다소 불만족", 2),
        ("전반적 만족도", "매우 만족스러웠다", 5),
        ("전반적 만족도", "전혀 만족하지 않음", 1),
        ("전반적 만족도", "매우 좋음", 5),
        ("전반적 만족도", "나쁨", 2),
        ("상품에 만족하시나요?", "매우 그렇다", 5),
        ("상품에 만족하시나요?", "전혀 그렇지 않다", 1),
        ("I am satisfied with the store", "Strongly agree", 5),
        ("Overall satisfaction", "Very unsatisfied", 1),
        ("How easy was it to get help?", "Very easy", 5),
        ("How easy was it to get help?", "Somewhat difficult", 2),
    ],
)
def test_more_labels_are_scores(read: Read, title: str, cell: str, score: float) -> None:
    [made] = _table(read, f"ID,{title}", f"1,{cell}").touchpoints

    assert (score, 1, 5) == (made.survey.score, made.survey.lowest, made.survey.highest)


def test_an_agreement_is_no_score_where_nobody_asks_for_satisfaction(read: Read) -> None:
    [made] = _table(read, "ID,answer", "1,그렇다").touchpoints

    assert (False, False) == (made.HasField("survey"), made.HasField("rating"))


def test_likelihood_to_recommend_is_nps(read: Read) -> None:
    [made] = _table(read, "ID,Likelihood to Recommend", "1,10").touchpoints

    assert (pb.SURVEY_TYPE_NPS, 10) == (made.survey.type, made.survey.score)


@pytest.mark.parametrize(("cell", "score"), [("Good", 1), ("Good with comment", 1), ("Bad", 0)])
def test_zendesks_export_says_good_or_bad(read: Read, cell: str, score: float) -> None:
    [made] = _table(
        read, "Ticket ID,Satisfaction score,Satisfaction rated at", f"1,{cell},2026-11-20 05:02"
    ).touchpoints

    assert (score, 0, 1) == (made.survey.score, made.survey.lowest, made.survey.highest)
    assert "2026-11-20T05:02:00Z" == made.occurred_time.ToJsonString()


def test_what_is_written_beside_choices_is_words(read: Read) -> None:
    [made] = _table(read, "ID,NPS,Which? - Other (please specify)", "1,9,through a friend").touchpoints

    assert "through a friend" == made.text


def test_a_workbooks_merged_headers_name_all_columns_under_them(read: Read) -> None:
    body = spreadsheet.workbook(
        {
            "응답": {
                1: {"A": "응답번호", "B": "응답일", "C": "만족도", "E": "의견"},
                2: {"C": "배송", "D": "가격"},
                3: {"A": 1, "B": "2026-11-20", "C": 5, "D": 3, "E": "좋아요"},
            }
        }
    )
    first, second = read("survey", "", body=body).touchpoints

    assert ("만족도 - 배송", 5) == (first.attributes["question"], first.survey.score)
    assert ("만족도 - 가격", 3) == (second.attributes["question"], second.survey.score)
    assert ("1", "좋아요") == (first.external_id, first.text)


def test_a_row_without_an_id_is_no_header(read: Read) -> None:
    found = _table(read, "id,nps,,comment", ",9,,fast", "1,8,x,slow")

    assert [9, 8] == [each.survey.score for each in found.touchpoints]


def test_a_workbooks_summary_is_passed_over_and_its_further_sheets_are_read(read: Read) -> None:
    header = {"A": "응답번호", "B": "NPS"}
    body = spreadsheet.workbook(
        {
            "요약": {1: {"A": "항목", "B": "값"}, 2: {"A": "평균", "B": 4.2}},
            "11월": {1: header, 2: {"A": 1, "B": 9}},
            "12월": {1: header, 2: {"A": 2, "B": 3}, 3: {"A": 3, "B": "x"}},
        }
    )
    found = read("survey", "", body=body)

    assert [("1", 9), ("2", 3)] == [(each.external_id, each.survey.score) for each in found.touchpoints]
    assert ["row 3 of sheet 3.NPS"] == [each.field for each in found.unreadable]


def test_texts_of_several_columns_stand_in_their_order(read: Read) -> None:
    found = read("survey", "", body="id,good,bad\n1,좋음,나쁨\n".encode(), mapping={"good": "text", "bad": "text"})

    assert "좋음\n나쁨" == found.touchpoints[0].text


def test_a_mapping_may_name_a_path(read: Read) -> None:
    [made] = read(
        "survey",
        "",
        body=b'{"reply": {"key": "r1"}, "user": {"id": "u1"}, "q": {"score": 9, "why": "fast"}}',
        mapping={"reply.key": "external_id", "user.id": "member_id", "q.score": "nps", "q.why": "text"},
    ).touchpoints

    assert ("r1", 9, "fast") == (made.external_id, made.survey.score, made.text)
    assert [(pb.IDENTIFIER_TYPE_MEMBER_ID, "u1")] == [(each.type, each.value) for each in made.identifiers]
    assert {"question"} == set(made.attributes)


def test_a_form_tools_webhook_holds_the_response_within(read: Read) -> None:
    tally = {
        "eventId": "e1",
        "eventType": "FORM_RESPONSE",
        "createdAt": "2026-11-20T05:00:00.000Z",
        "data": {
            "responseId": "r1",
            "fields": [
                {
                    "key": "question_a",
                    "label": "How likely are you to recommend us?",
                    "type": "LINEAR_SCALE",
                    "value": 9,
                },
                {"key": "question_b", "label": "Why?", "type": "TEXTAREA", "value": "fast"},
                {"key": "question_c", "label": "Uses", "value": ["x"], "options": [{"id": "x", "text": "App"}]},
            ],
        },
    }
    [made] = read("survey", "", body=json.dumps(tally).encode()).touchpoints

    assert ("r1", 9, "fast", "App") == (made.external_id, made.survey.score, made.text, made.attributes["Uses"])


def test_a_webhooks_time_is_not_that_of_the_person(read: Read) -> None:
    event = {
        "event_type": "survey_response.created",
        "event_data": {
            "id": "5435",
            "person": {"id": "33", "email": "foo@example.com", "created_at": 1_611_149_999},
            "survey_type": "nps",
            "score": 9,
            "created_at": 1_795_000_000,
        },
    }
    [made] = read("survey", "", body=json.dumps(event).encode()).touchpoints

    assert (1_795_000_000, "5435") == (made.occurred_time.seconds, made.external_id)


def test_a_broken_line_leaves_the_others_be(read: Read) -> None:
    found = read("survey", "", body=b'{"id": 1, "nps": 9}\nbroken\n{"id": 2, "nps": 8}\n')

    assert [9, 8] == [each.survey.score for each in found.touchpoints]
    assert [("not_json", "1")] == [(each.reason, each.field) for each in found.unreadable]


def test_columns_may_stand_between_bars(read: Read) -> None:
    [made] = read("survey", "", body=b"id|nps|comment\n1|9|a, b\n").touchpoints

    assert (9, "a, b") == (made.survey.score, made.text)


@pytest.mark.parametrize(
    ("title", "score", "scale"),
    [
        ("추천 의향 (1~5점)", 4, (1, 5)),
        ("추천 의향(5점 척도)", 4, (1, 5)),
        ("Would you recommend us? (1-7)", 6, (1, 7)),
    ],
)
def test_who_is_asked_on_a_shorter_scale_is_not_asked_for_nps(
    read: Read, title: str, score: float, scale: tuple[float, float]
) -> None:
    [rated] = _table(read, f"ID,{title}", f"1,{score}").touchpoints
    [named] = read("survey", "", body=f"ID,{title}\n1,{score}\n".encode(), mapping={title: "nps"}).touchpoints

    assert (score, *scale) == (rated.rating.value, rated.rating.lowest, rated.rating.highest)
    assert not rated.HasField("survey")
    assert (pb.SURVEY_TYPE_NPS, score) == (named.survey.type, named.survey.score)


def test_sums_under_a_table_are_nobodys_answers(read: Read) -> None:
    found = _table(read, "번호,만족도,의견", "1,5,빨라요", "2,4,", "평균,4.5,", "합계,9,")

    assert [(5, 0), (4, 0)] == [(each.survey.score, each.survey.highest) for each in found.touchpoints]
    assert ["row 4", "row 5"] == [each.detail for each in found.ignored]


@pytest.mark.parametrize("header", ["응답일,응답시각", "날짜,시간"])
def test_the_time_of_day_may_have_a_column_of_its_own(read: Read, header: str) -> None:
    [made] = _table(read, f"{header},NPS", "2026-11-20,15:05,9").touchpoints

    assert ("2026-11-20T06:05:00Z", {"question"}) == (made.occurred_time.ToJsonString(), set(made.attributes))


def test_hours_that_are_no_time_of_day_are_kept(read: Read) -> None:
    [made] = _table(read, "응답일,시간,NPS", "2026-11-20,3시간 반,9").touchpoints

    assert "3시간 반" == made.attributes["시간"]


def test_titles_may_be_decomposed(read: Read) -> None:
    header = unicodedata.normalize("NFD", "응답번호,만족도,의견")
    [made] = _table(read, header, "1,4,좋아요").touchpoints

    assert ("1", 4, "좋아요") == (made.external_id, made.survey.score, made.text)


@pytest.mark.parametrize(
    "written",
    [
        "Fri Nov 20 2026 15:06:01 GMT+0900 (Korean Standard Time)",
        "Fri Nov 20 2026 15:06:01 GMT+0900",
        "11/20/26 15:06:01",
    ],
)
def test_times_of_scripts_and_short_years(read: Read, written: str) -> None:
    [made] = _table(read, "응답번호,완료 시간,NPS", f"1,{written},9").touchpoints

    assert "2026-11-20T06:06:01Z" == made.occurred_time.ToJsonString()


@pytest.mark.parametrize("given", [{"csat": 6}, {"ces": 8}, {"type": "csat", "score": 9}, {"csat": 6, "nps": 9}])
def test_a_score_that_comes_alone_is_on_the_usual_scale_or_on_that_which_is_told(
    read: Read, given: dict[str, object]
) -> None:
    body = json.dumps({"id": "1", **given}).encode()

    alone = read("survey", "", body=body).touchpoints[-1]
    told = read("survey", "", body=body, options={"csat_scale": "1-10", "ces_scale": "1-10"}).touchpoints[-1]

    assert (0, 10) == (alone.survey.highest, told.survey.highest)  # 0: the usual one, beyond which is the quarantine.
