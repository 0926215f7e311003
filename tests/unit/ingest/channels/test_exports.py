"""Tables as makers of surveys, shops and call centres export them, whole, with all their columns."""

import datetime as dt
import json
from collections.abc import Callable, Sequence

import pytest

import spreadsheet
from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import responses
from sori_ingest.channels.payload import Payload, Reading, Source, Unreadable

Read = Callable[..., Reading]

_SMARTSTORE = [
    *(
        "상품번호",
        "상품명",
        "리뷰구분",
        "구매자평점",
        "포토/영상",
        "리뷰상세내용",
        "리뷰도움수",
        "등록자",
        "리뷰등록일",
    ),
    *("최종수정일", "리뷰글번호", "관련리뷰글번호", "관련리뷰상세내용", "전시상태", "답글여부", "답글등록일시"),
    *(
        "베스트리뷰",
        "베스트리뷰선정일시",
        "이벤트번호",
        "혜택지급",
        "혜택지급일시",
        "유저정보 등록 항목",
        "상품주문번호",
    ),
    *("풀필먼트사", "리뷰이동일"),
]
_MONTH_USED = [
    *("13089995455", "전선몰딩 1호", "한달사용", 2, "", "한 달 써 보니 떨어져요", 0, "lee***", "2026.10.16. 00:09:52"),
    *("2026.10.17. 01:00:00", 4821234568, 4821234567, "설치가 쉬웠어요", "전시중", "N", "", "N", "", "", "미지급", ""),
    *("", "2026091512345671", "", ""),
]


def table(read: Read, *lines: str, **how: object) -> Reading:
    return read("survey", "", body="\n".join(lines).encode(), content_type="text/csv", **how)


def book(*rows: Sequence[spreadsheet.Cell]) -> bytes:
    cells = {number: dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXY", row, strict=False)) for number, row in enumerate(rows, 1)}
    return spreadsheet.workbook({"Sheet0": cells})


def times(found: Reading) -> list[str]:
    return [each.occurred_time.ToJsonString() for each in found.touchpoints]


def nps(found: Reading) -> list[float]:
    return [each.survey.score for each in found.touchpoints if each.survey.type == pb.SURVEY_TYPE_NPS]


# ---- dates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (("04/07/2026 15:05", "13/07/2026 9:05"), ("2026-07-04T15:05:00Z", "2026-07-13T09:05:00Z")),
        (("04/07/2026 15:05", "7/13/2026 9:05"), ("2026-04-07T15:05:00Z", "2026-07-13T09:05:00Z")),
        (("04/07/2026 15:05", "05/07/2026 9:05"), ("2026-04-07T15:05:00Z", "2026-05-07T09:05:00Z")),  # as in America
        (("05/11/2026", "12/11/2026"), ("2026-11-05T00:00:00Z", "2026-11-12T00:00:00Z")),  # December is to come
        (("04-07-2026 15:05", "13-07-2026"), ("2026-07-04T15:05:00Z", "2026-07-13T00:00:00Z")),
        (("04-07-2026 15:05", "07-13-2026"), ("2026-04-07T15:05:00Z", "2026-07-13T00:00:00Z")),
        (("20/11/2026 15.05.12",), ("2026-11-20T15:05:12Z",)),
        (("26. 11. 20 오후 3:05",), ("2026-11-20T06:05:00Z",)),
        (("20/11/2026, 3:05:12 PM",), ("2026-11-20T15:05:12Z",)),
        (("11/20/2026, 3:05:12 PM",), ("2026-11-20T15:05:12Z",)),
        (("20/11/2026 15:05 GMT+1",), ("2026-11-20T14:05:00Z",)),
    ],
)
def test_the_whole_column_tells_whether_the_day_stands_first(
    read: Read, written: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    rows = (f'{number},"{each}",9' for number, each in enumerate(written))

    assert [*expected] == times(table(read, "ID,Completion time,NPS", *rows))


def test_an_option_tells_it_where_the_column_does_not(read: Read) -> None:
    lines = ("id,Submitted at,NPS", "1,04/07/2026,9")

    assert ["2026-07-04T00:00:00Z"] == times(table(read, *lines, options={"dates": "day_first"}))
    assert ["2026-04-07T00:00:00Z"] == times(table(read, *lines, options={"dates": "month_first"}))


def test_a_day_that_contradicts_the_others_is_no_time(read: Read) -> None:
    found = table(read, "id,Submitted at,NPS", "1,7/13/2026,9", "2,13/7/2026,9")

    assert (["2026-07-13T00:00:00Z"], ["row 3.Submitted at"]) == (
        times(found),
        [each.field for each in found.unreadable],
    )


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("Carimbo de data/hora", "20/11/2026 15:05:12"),
        ("Marca temporal", "20/11/2026 15:05:12"),
        ("Horodateur", "20/11/2026 15:05:12"),
        ("Zeitstempel", "20.11.2026 15:05:12"),
        ("Informazioni cronologiche", "20/11/2026 15.05.12"),
        ("Tijdstempel", "20-11-2026 15:05:12"),
        ("タイムスタンプ", "2026/11/20 15:05:12"),
        ("时间戳记", "2026/11/20 15:05:12"),
        ("Created", "2026-11-20T15:05:12.000Z"),
        ("Updated at", "2026-11-20 15:05:12"),
    ],
)
def test_times_are_known_by_what_forms_of_other_languages_call_them(read: Read, title: str, written: str) -> None:
    assert ["2026-11-20T15:05:12Z"] == times(table(read, f"{title},NPS", f"{written},9"))


@pytest.mark.parametrize("title", ["Completed", "Answered", "Submitted", "Updated"])
def test_a_number_under_a_word_for_a_time_is_none(read: Read, title: str) -> None:
    [made] = table(read, f"id,{title},NPS", "1,100,9").touchpoints

    assert (2026, "100") == (made.occurred_time.ToDatetime().year, made.attributes[title])


def test_when_a_row_was_changed_counts_only_where_there_is_no_other_time(read: Read) -> None:
    found = table(read, "id,Created At,Updated At,NPS", "1,2026-11-20 15:05:12,2026-11-21 10:00:00,9")

    assert ["2026-11-20T15:05:12Z"] == times(found)
    assert "2026-11-21 10:00:00" == found.touchpoints[0].attributes["Updated At"]


# ---- reviews and call centres ------------------------------------------------------------------------------------


def test_reviews_as_naver_smartstore_exports_them(read: Read) -> None:
    [made] = read("survey", "", body=book(_SMARTSTORE, _MONTH_USED)).touchpoints

    assert ("한 달 써 보니 떨어져요", "4821234568", "2026091512345671", "전선몰딩 1호") == (
        made.text,
        made.external_id,
        made.order_id,
        made.product,
    )
    assert (2, 1, 5) == (made.rating.value, made.rating.lowest or 1, made.rating.highest or 5)
    assert ("2026-10-15T15:09:52Z", 540) == (made.occurred_time.ToJsonString(), made.occurred_offset_minutes)
    assert "설치가 쉬웠어요" == made.attributes["관련리뷰상세내용"]


def test_reviews_of_other_shops_have_titles_and_words(read: Read) -> None:
    coupang = table(
        read,
        "상품평ID,노출상품ID,상품명,작성자,평점,제목,상품평 내용,작성일자",
        "77123,6512,무선 청소기,홍*동,1,별로,흡입력이 약해요,2026.11.20",
    )
    only_titles = read(
        "survey",
        "",
        body=book(
            ["조회기간: 2026-11-01 ~ 2026-11-30 / 총 1건"],
            ["작성일", "작성자", "주문번호", "상품명", "제목", "등급", "평점"],
            ["2026-11-20 15:05:12", "kim***", "20261101-0001", "하이드라 세럼", "촉촉하고 좋아요", "VIP", 5],
        ),
    )
    in_parts = table(
        read, "닉네임,제품명,별점,좋은점,아쉬운점,꿀팁,꿀팁 길이", "촉촉이,세럼,4.5,촉촉해요,향,밤에 쓰세요,6"
    )

    assert ("별로\n흡입력이 약해요", "77123") == (coupang.touchpoints[0].text, coupang.touchpoints[0].external_id)
    assert ("촉촉하고 좋아요", "20261101-0001") == (
        only_titles.touchpoints[0].text,
        only_titles.touchpoints[0].order_id,
    )
    assert ("촉촉해요\n향\n밤에 쓰세요", "세럼") == (in_parts.touchpoints[0].text, in_parts.touchpoints[0].product)


def test_a_heading_may_say_what_its_table_is_of(read: Read) -> None:
    [made] = table(read, "리뷰", "", "별점,리뷰내용", "5,굿").touchpoints

    assert (5, "굿") == (made.rating.value, made.text)


def test_what_a_call_was_about_is_its_text(read: Read) -> None:
    lines = (
        "상담번호,상담일시,상담원,고객번호,연락처,상담유형,상담내용,상담만족도",
        "C1,2026-11-20 15:05:12,박상담,M10023,010-1234-5678,배송,배송이 사흘째 멈춰 있다고 하심,매우만족",
    )
    [made] = read("survey", "", body="\n".join(lines).encode("cp949")).touchpoints

    assert ("배송이 사흘째 멈춰 있다고 하심", 5, "2026-11-20T06:05:12Z") == (
        made.text,
        made.survey.score,
        made.occurred_time.ToJsonString(),
    )


def test_tickets_have_the_words_of_the_customer(read: Read) -> None:
    [made] = table(
        read,
        "Ticket ID,Customer Email,Ticket Subject,Ticket Description,Resolution,Customer Satisfaction Rating",
        "2,sarah.j@example.com,Payment issue,Charge appeared twice,Refund processed,4.0",
    ).touchpoints

    assert ("Charge appeared twice", 4) == (made.text, made.survey.score)


@pytest.mark.parametrize(
    ("lines", "text", "time"),
    [
        (
            (
                "상담ID,고객 이메일,상담 시작 시각,상담 종료 시각,CSAT 점수,CSAT 코멘트",
                "6,h@x.kr,,2026-11-20 15:30,5,빨라요",
            ),
            "빨라요",
            "2026-11-20T06:30:00Z",
        ),
        (
            ("번호,상담일자,상담종료,상담평가,평가의견", "1,2026-11-20,15:10:10,★★★★★,친절"),
            "친절",
            "2026-11-19T15:00:00Z",
        ),
        (
            ("Feedback Submission ID,Survey Type,Response,Rating,Submission Date", "98765,NPS,Love it,10,2026-11-20"),
            "Love it",
            "2026-11-20T00:00:00Z",
        ),
        (
            ("conversation_id,conversation_rating,conversation_rating_remark,created_at", "1,5,amazing,2026-11-20"),
            "amazing",
            "2026-11-20T00:00:00Z",
        ),
        (
            ("Ticket ID,Rating,Feedback,Created on", "12,Extremely Happy,Great agent,2026-11-20"),
            "Great agent",
            "2026-11-20T00:00:00Z",
        ),
    ],
)
def test_ratings_of_support_have_their_words_and_times(
    read: Read, lines: tuple[str, ...], text: str, time: str
) -> None:
    [made] = table(read, *lines).touchpoints

    assert (text, time) == (made.text, made.occurred_time.ToJsonString())
    assert {5, 10} >= {made.survey.score or made.rating.value}


def test_names_are_not_kept_however_they_are_asked_for(read: Read) -> None:
    names = "What is your name?,Your full name,이름을 적어주세요.,성함을 입력해 주세요"
    [made] = table(read, f"id,NPS,{names},이름표가 마음에 드나요?", "1,9,Kim,Kim M,김민지,김민지,네").touchpoints

    assert {"question": "nps", "이름표가 마음에 드나요?": "네"} == {**made.attributes}


def test_who_only_opened_a_form_has_not_answered(read: Read) -> None:
    found = table(
        read,
        "#,NPS,Response Type,Start Date (UTC),Stage Date (UTC),Submit Date (UTC),Network ID",
        "t1,9,completed,2026-11-20 17:15:19,,2026-11-20 17:16:39,98",
        "t2,3,partial,2026-11-20 17:15:19,2026-11-20 17:18:00,,99",
        "t3,,started,2026-11-20 17:15:19,,,97",
    )

    assert ["2026-11-20T17:16:39Z", "2026-11-20T17:18:00Z"] == times(found)
    assert ["no_answer"] == [each.reason for each in found.ignored]


def test_an_id_of_feedback_is_no_feedback(read: Read) -> None:
    assert not table(read, "Feedback ID,Feedback date,NPS", "98765,2026-11-20,9").touchpoints[0].text


# ---- scores ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["Q1_NPS_GROUP", "Q1 - Group"])
def test_the_group_that_qualtrics_makes_of_a_score_is_none(read: Read, group: str) -> None:
    question = "How likely are you to recommend us to a friend?"
    head = ("StartDate,ResponseId,Q1_NPS_GROUP,Q1", f"Start Date,Response ID,{question} - Group,{question}")
    ids = '"{""ImportId"":""startDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""a""}","{""ImportId"":""b""}"'
    if group == "Q1_NPS_GROUP":
        found = table(read, "ResponseId,Q1_NPS_GROUP,NPS", "R_1,3,10")
    else:
        found = table(read, *head, ids, "2026-11-20 10:00:00,R_1,3,10")

    assert [10] == nps(found)


def test_a_preview_is_a_test_also_where_it_is_exported_as_numbers(read: Read) -> None:
    found = table(read, "Status,ResponseId,DistributionChannel,NPS", "1,R_1,preview,10", "0,R_2,anonymous,9")

    assert ([9], ["test_ping"]) == (nps(found), [each.reason for each in found.ignored])


@pytest.mark.parametrize("title", ["Satisfaction Score", "Ticket satisfaction rating"])
def test_who_was_not_asked_or_has_not_answered_is_passed_over(read: Read, title: str) -> None:
    found = table(
        read, f"Ticket ID,{title},Requester email", "1,Good,a@example.com", "2,Offered,b@example.com", "3,Unoffered,"
    )

    assert [(pb.SURVEY_TYPE_CSAT, 1)] == [(each.survey.type, each.survey.score) for each in found.touchpoints]
    assert ["no_answer", "no_answer"] == [each.reason for each in found.ignored]


def test_a_score_beside_promoters_and_detractors_is_nps(read: Read) -> None:
    found = table(read, "ID,Created,Rating,Category", "a,2026-11-20,10,promoter", "b,2026-11-20,3,detractor")

    assert [10, 3] == nps(found)


def test_what_a_score_makes_of_somebody_may_be_called_nps(read: Read) -> None:
    found = table(read, "id,NPS,Score,Comment", "1,Promoter,9,great", "2,Detractor,,bad")

    assert [9] == nps(found)
    assert [("great", "Promoter"), ("bad", "Detractor")] == [
        (each.text, each.attributes["NPS"]) for each in found.touchpoints
    ]


def test_a_sum_beside_a_score_is_no_score(read: Read) -> None:
    response = {
        "id": "5f0c",
        "rating": 9,
        "score": 100,
        "category": "promoter",
        "answers": [{"label": "Why did you choose this rating?", "name": "FEEDBACK", "value": "Great"}],
        "user": {"id": "1", "userId": "u-9"},
    }
    [made] = read("survey", "", body=json.dumps({"event": "completed", "response": response}).encode()).touchpoints

    assert ((pb.SURVEY_TYPE_NPS, 9), "100") == ((made.survey.type, made.survey.score), made.attributes["score"])
    assert ["u-9"] == [each.value for each in made.identifiers]  # `id` is SatisMeter's own.


def test_people_as_the_maker_counts_them_are_nobodys_members(read: Read) -> None:
    event = {"id": "1", "person": {"id": "11", "email": "foo@example.com"}, "survey_type": "nps", "score": 9}
    [made] = read("survey", "", body=json.dumps(event).encode()).touchpoints

    assert [pb.IDENTIFIER_TYPE_EMAIL] == [each.type for each in made.identifiers]


@pytest.mark.parametrize(
    ("column", "highest", "beyond"),
    [
        ((4, 5, 3, 4, 5, 2, 4, 5, 4, 3, 4, 5, 1, 4, 4, 5, 3, 4, 5, 6), 5, 1),
        ((*(4, 5, 3, 4, 5) * 60, 6, 10, 55), 5, 3),
        ((4, 5, 3, 7, 5, 6) * 10, 7, 0),
        ((1, 2, 3, 4, 5, 9) * 10, 10, 0),
    ],
)
def test_a_slip_does_not_move_the_scale_of_its_column(
    read: Read, column: tuple[int, ...], highest: int, beyond: int
) -> None:
    found = table(read, "id,만족도", *(f"{index},{value}" for index, value in enumerate(column)))

    scales = [each.survey.highest or 5 for each in found.touchpoints]
    assert {highest} == {*scales}
    assert beyond == sum(each.survey.score > highest for each in found.touchpoints)  # The normal form refuses these.


def test_a_comma_may_part_a_decimal(read: Read) -> None:
    found = table(read, "NPS;Rating;Comment", "9;4,5;ok", "3;2,0;no")

    assert [4.5, 2] == [each.rating.value for each in found.touchpoints if each.HasField("rating")]


@pytest.mark.parametrize(
    "title",
    [
        "How likely are you to recommend Acme as a place to work?",
        "Would you recommend working at Acme to a friend?",
        "우리 회사를 일하기 좋은 곳으로 지인에게 추천하시겠습니까?",
        "우리 회사를 좋은 직장으로 추천하시겠습니까?",
    ],
)
def test_who_recommends_an_employer_is_no_promoter_among_customers(read: Read, title: str) -> None:
    [made] = table(read, f"id,{title},Comments", "1,9,ok").touchpoints
    [told] = table(read, f"id,{title}", "1,9", options={"nps": title}).touchpoints

    assert (False, "9") == (made.HasField("survey"), made.attributes[title])
    assert (pb.SURVEY_TYPE_NPS, 9) == (told.survey.type, told.survey.score)


@pytest.mark.parametrize(
    "title", ["친구나 직장 동료에게 추천하시겠습니까?", "Would you recommend us to a friend at work?"]
)
def test_who_recommends_to_colleagues_is_a_promoter(read: Read, title: str) -> None:
    assert [9] == nps(table(read, f"id,{title}", "1,9"))


def test_employees_who_are_asked_are_not_identified_and_give_no_nps(read: Read) -> None:
    lines = ("id,Email,How likely are you to recommend us?,How satisfied are you?,Comments", "1,a@example.com,9,4,ok")
    first, second = table(read, *lines, options={"voice": "internal"}).touchpoints

    assert (9, 0, 10) == (first.rating.value, first.rating.lowest, first.rating.highest)
    assert (4, 1, 5) == (second.rating.value, second.rating.lowest, second.rating.highest)
    for made in (first, second):
        assert (pb.ACTOR_AGENT, False, 0) == (made.actor, made.HasField("survey"), len(made.identifiers))
    assert "ok" == first.text


# ---- shapes ------------------------------------------------------------------------------------------------------


def test_a_response_may_have_a_row_for_each_question(read: Read) -> None:
    found = table(
        read,
        "response_id,question,answer,created_at",
        "r1,How likely are you to recommend us?,9,2026-11-20 15:05:12",
        "r1,Why did you give this score?,Fast and friendly,2026-11-20 15:05:12",
        "r2,How likely are you to recommend us?,2,2026-11-20 15:06:12",
    )

    assert [("r1", 9, "Fast and friendly"), ("r2", 2, "")] == [
        (each.external_id, each.survey.score, each.text) for each in found.touchpoints
    ]


def test_what_is_no_answer_among_them_is_told_by_its_place(read: Read) -> None:
    answers = [{"id": "2", "question": "NPS", "answer": 9}, {"id": "2", "question": "Why?", "answer": "fast"}]

    found = read("survey", "", body=json.dumps([*answers, 5]).encode())

    assert [("2", 9, "fast")] == [(each.external_id, each.survey.score, each.text) for each in found.touchpoints]
    assert ["2"] == [each.field for each in found.unreadable]


def test_all_answers_to_a_question_are_kept(read: Read) -> None:
    lines = (
        "response_id,question,answer",
        "r1,Which brands?,HP",
        "r1,Which brands?,Dell",
        "r1,NPS,9",
        "r1,Which brands?,LG",
    )
    [made] = table(read, *lines).touchpoints

    assert {"HP", "Dell", "LG"} < {*made.attributes.values()}


def test_a_response_may_have_a_row_for_each_score(read: Read) -> None:
    found = table(read, "response_id,type,score,comment", "r1,nps,9,good", "r1,csat,4,fast", "r2,nps,2,bad")

    assert [("r1", "r1", "good"), ("r1#csat", "r1", "fast"), ("r2", "r2", "bad")] == [
        (each.external_id, each.thread_id, each.text) for each in found.touchpoints
    ]


def test_a_list_of_questions_with_answers_is_one_response(read: Read) -> None:
    sent = {
        "response_id": "2_ABaOnu",
        "timestamp": "2026-11-20T06:05:12.000Z",
        "responses": [
            {"question": "추천 의향", "answer": "9"},
            {"question": "의견을 남겨주세요", "answer": "주차가 어려워요"},
        ],
    }
    [made] = read("survey", "", body=json.dumps(sent).encode()).touchpoints

    assert ("2_ABaOnu", 9, "주차가 어려워요") == (made.external_id, made.survey.score, made.text)


def test_events_and_responses_of_google_forms(read: Read) -> None:
    script = {"namedValues": {"Timestamp": ["11/20/2026 15:05:12"], "NPS": ["9"], "Comments": ["ok", ""]}}
    answers = {"1a2b": {"questionId": "1a2b", "textAnswers": {"answers": [{"value": "9"}]}}}
    listed = {"responses": [{"responseId": "ACYD", "lastSubmittedTime": "2026-11-20T06:05:12.5Z", "answers": answers}]}

    [event] = read("survey", "", body=json.dumps(script).encode()).touchpoints
    [response] = read("survey", "", body=json.dumps(listed).encode(), options={"nps": "1a2b"}).touchpoints

    assert (9, "ok", "2026-11-20T15:05:12Z") == (event.survey.score, event.text, event.occurred_time.ToJsonString())
    assert (9, "ACYD", "2026-11-20T06:05:12.500Z") == (
        response.survey.score,
        response.external_id,
        response.occurred_time.ToJsonString(),
    )


def test_a_title_may_stand_above_each_of_its_columns(read: Read) -> None:
    brands = "Which brands do you use?"
    found = table(
        read,
        f"Respondent ID,Start Date,{brands},{brands},{brands},Satisfaction",
        ",,Lenovo,HP,Dell,",
        "1001,2026-11-20,Lenovo,,,4",
    )

    [made] = found.touchpoints
    assert (4, "Lenovo") == (made.survey.score, made.attributes[f"{brands} - Lenovo"])


@pytest.mark.parametrize(
    "title", ["What would make it better?", "What can we improve?", "How could we make you happier?"]
)
def test_more_questions_ask_for_words(read: Read, title: str) -> None:
    assert "Faster app" == table(read, f"id,NPS,{title}", "1,9,Faster app").touchpoints[0].text


def test_what_keeps_a_spreadsheet_from_counting_is_taken_off(read: Read) -> None:
    [made] = table(read, "응답번호,전화번호,NPS,의견", """="0001",'+821012345678,9,'굿'""").touchpoints

    assert ("0001", "'굿'") == (made.external_id, made.text)
    assert ["+821012345678"] == [each.value for each in made.identifiers]


# ---- reviews -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "text", "mark"),
    [
        (("Review ID,Rating,Title,Review,Developer Response", "1,1,Worst,Crashes,Sorry"), "Worst\nCrashes", 1),
        (("title,body,rating,reviewer_name,reply", "Nice,Works,5,Jane,Thanks"), "Nice\nWorks", 5),
        (("Review ID,Review Title,Review Content,Review Stars", "1,Great,Early,4"), "Great\nEarly", 4),
        (
            ("Review ID,Review Title,Review Content,Review Score,Comment Content", "1,Soft,Warm,5,Thanks!"),
            "Soft\nWarm",
            5,
        ),
        (("review_id,star_rating,review_headline,review_body", "R1,4,Bright,A lamp<br />oh"), "Bright\nA lamp\noh", 4),
        (("review_id,rating,review_header,review_text", "R2,4.0 out of 5 stars,Bright,A lamp"), "Bright\nA lamp", 4),
        (("Review ID,Star Rating,Comment,Reply Comment", "A,FOUR,Cosy,Thanks!"), "Cosy", 4),
        (("reviewId,content,score,replyContent", "8b,Nice but slow,3,Thanks!"), "Nice but slow", 3),
        (("상품평 ID,별점,상품평 제목,상품평 내용", "3,3,보통이에요,짧아요"), "보통이에요\n짧아요", 3),
        (("리뷰번호,별점,리뷰내용,사장님 댓글", "3,별 5개,바삭해요,감사합니다"), "바삭해요", 5),
    ],
)  # fmt: skip
def test_a_review_has_its_title_and_words_and_not_the_answer(
    read: Read, lines: tuple[str, ...], text: str, mark: float
) -> None:
    [made] = table(read, *lines).touchpoints

    assert (text, mark, 5) == (made.text, made.rating.value, made.rating.highest or 5)


def test_the_title_of_a_job_and_the_subject_of_a_request_are_no_words(read: Read) -> None:
    [made] = table(read, "id,Title,Subject,nps,Comment", "1,Head of CX,Refund,9,Good tool").touchpoints

    assert "Good tool" == made.text


def test_the_end_of_the_scale_stands_beside_the_rating(read: Read) -> None:
    [made] = table(read, "Review ID,Overall Rating,Rating Range,Review Text", "1,8,10,Warm").touchpoints

    assert (8, 10) == (made.rating.value, made.rating.highest)


# ---- scales and words --------------------------------------------------------------------------------------------


def test_csat_in_per_cent_is_on_that_scale(read: Read) -> None:
    made = table(read, "id,csat", "1,80%", "2,100%").touchpoints
    counted = table(read, "id,csat", "1,85", "2,100", "3,70").touchpoints

    assert [(80, 0, 100), (100, 0, 100)] == [
        (each.survey.score, each.survey.lowest, each.survey.highest) for each in made
    ]
    assert [85, 100, 70] == [each.survey.score for each in counted]
    assert {100} == {each.survey.highest for each in counted}


def test_a_slip_does_not_make_a_scale_of_a_hundred(read: Read) -> None:
    made = table(read, "id,csat", "1,4", "2,45", "3,5").touchpoints

    assert {5, 0} >= {each.survey.highest for each in made}


def test_agreeing_that_it_was_easy_is_ces(read: Read) -> None:
    title = "The company made it easy to handle my issue."
    made = table(read, f"id,{title}", "1,Strongly agree", "2,Disagree").touchpoints

    assert [(pb.SURVEY_TYPE_CES, 5, 5), (pb.SURVEY_TYPE_CES, 2, 5)] == [
        (each.survey.type, each.survey.score, each.survey.highest) for each in made
    ]


def test_a_matrix_of_qualtrics_is_rated(read: Read) -> None:
    made = table(read, "id,nps,Please rate - Speed,Please rate - Staff", "1,9,4,5").touchpoints

    assert [4, 5] == [each.rating.value for each in made if each.HasField("rating")]


def test_medallia_calls_its_scores_by_three_letters(read: Read) -> None:
    made = table(read, "id,LTR,OSAT", "1,9,8", "2,10,9").touchpoints

    assert [9, 10] == nps(Reading(touchpoints=tuple(made)))
    assert [(8, 10), (9, 10)] == [
        (each.survey.score, each.survey.highest) for each in made if each.survey.type == pb.SURVEY_TYPE_CSAT
    ]


@pytest.mark.parametrize("written", ["n/a", "없음", "-", ".", "None"])
def test_what_stands_in_place_of_words_is_no_answer(read: Read, written: str) -> None:
    found = table(read, "id,nps,comment", f"1,,{written}", "2,9,None of it works")

    assert ["None of it works"] == [each.text for each in found.touchpoints]
    assert ["no_answer"] == [each.reason for each in found.ignored]


# ---- who and when ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "written", "expected"),
    [
        ("Date (KST)", "2026-11-20 15:04:05", "2026-11-20T06:04:05Z"),
        ("Date (GMT+9)", "2026-11-20 15:04:05", "2026-11-20T06:04:05Z"),
        ("Submitted At (PST)", "2026-11-20 15:04:05", "2026-11-20T23:04:05Z"),
        ("Review Created (UTC)", "2026-11-20 15:04:05", "2026-11-20T15:04:05Z"),
        ("Timestamp (mm/dd/yyyy)", "04/07/2026 15:04", "2026-04-07T15:04:00Z"),
        ("Timestamp (dd/mm/yyyy)", "04/07/2026 15:04", "2026-07-04T15:04:00Z"),
        ("date", "04/11/2026 15:04 CET", "2026-04-11T14:04:00Z"),
        ("date", "04/11/2026 3:04 PM UTC", "2026-04-11T15:04:00Z"),
        ("date", "Nov 20, 2026 3:04 PM", "2026-11-20T15:04:00Z"),
        ("date", "Nov 20, 2026 at 12:04 AM", "2026-11-20T00:04:00Z"),
        ("date", "Nov 20 2026  3:04PM", "2026-11-20T15:04:00Z"),
        ("date", "Reviewed in the United States on November 20, 2026", "2026-11-20T00:00:00Z"),
        ("date", "2026年11月20日 15:04", "2026-11-20T15:04:00Z"),
        ("date", "46346.6278356481", "2026-11-20T15:04:05Z"),
    ],
)
def test_times_are_read_as_titles_and_cells_tell(read: Read, title: str, written: str, expected: str) -> None:
    assert [expected] == times(table(read, f"id,{title},nps", f'1,"{written}",9'))


def test_limesurvey_has_no_times_of_who_is_anonymous(read: Read) -> None:
    [made] = table(read, "id,submitdate,NPS", "1,1980-01-01 00:00:00,9").touchpoints

    assert 2026 <= made.occurred_time.ToDatetime().year


def test_who_only_opened_limesurvey_has_not_answered(read: Read) -> None:
    found = table(
        read,
        "id. Response ID,submitdate. Date submitted,lastpage. Last page,startlanguage. Start language,seed. Seed,"
        "startdate. Date started,datestamp. Date last action,ipaddr. IP address,Q1. Do you recommend us? (NPS)",
        "12,2026-11-20 15:04:05,1,en,123,2026-11-20 15:03:05,2026-11-20 15:04:05,1.2.3.4,9",
        "13,,1,en,124,2026-11-20 15:03:05,2026-11-20 15:03:55,1.2.3.4,",
    )

    assert ["12"] == [each.external_id for each in found.touchpoints]
    assert "1.2.3.4" not in found.touchpoints[0].attributes.values()


def test_a_user_name_that_is_an_address_identifies(read: Read) -> None:
    [made] = table(read, "Timestamp,Username,NPS", "2026-11-20 15:04:05,jane@example.com,9").touchpoints

    assert ["jane@example.com"] == [each.value for each in made.identifiers]


def test_of_answers_about_the_same_matter_the_first_has_its_id(read: Read) -> None:
    first, second = table(
        read, "상담번호,상담일시,만족도", "C1,2026-11-20 15:04,5", "C1,2026-11-21 15:04,1"
    ).touchpoints

    assert "C1" == first.external_id
    assert "C1" not in second.external_id


def test_the_header_stands_below_those_of_groups(read: Read) -> None:
    body = book(
        ["응답자 정보", "", "평가", "", "의견"],
        ["응답ID", "응답일시", "추천의향", "만족도", "자유의견"],
        ["a1", "2026-11-20 15:04", 9, 5, "좋아요"],
    )

    [first, further] = read("survey", "", body=body, content_type="").touchpoints

    assert ("a1", "좋아요", 9, 5) == (first.external_id, first.text, first.survey.score, further.survey.score)


def test_a_remark_below_a_table_is_no_response(read: Read) -> None:
    found = table(read, "Review Date,Rating,Review", "2026-11-20,5,fine", "Generated by a tool on 2026-11-30,,")

    assert ["fine"] == [each.text for each in found.touchpoints]


def test_a_product_goes_by_its_name(read: Read) -> None:
    for header in ("id,Product ID,Product Name,nps", "id,Product Name,Product ID,nps"):
        row = "1,p1,Hat,9" if header.startswith("id,Product ID") else "1,Hat,p1,9"
        assert "Hat" == table(read, header, row).touchpoints[0].product


def test_a_title_may_have_lines(read: Read) -> None:
    [made] = table(read, 'id,"How likely are you\nto recommend us?","Why\nthough?"', "1,9,good reason").touchpoints

    assert (9, "good reason") == (made.survey.score, made.text)


def test_points_of_a_quiz_are_no_scores(read: Read) -> None:
    [made] = table(
        read, "ID,How satisfied were you?,Points - How satisfied were you?", "1,Very satisfied,0"
    ).touchpoints

    assert (pb.SURVEY_TYPE_CSAT, 5) == (made.survey.type, made.survey.score)


def test_what_a_program_or_an_agent_writes_are_no_words_of_the_customer(read: Read) -> None:
    header = "id,nps,comment,Translated comment,Agent comment,사장님 댓글"
    [made] = table(read, header, "1,9,빨라요,It is fast,called back,고맙습니다").touchpoints

    assert "빨라요" == made.text


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("Date & Time (UTC),Q1: NPS,Q2: Why?", "2026-11-20 06:04:05,9,fine", "2026-11-20T06:04:05Z"),
        ("Entry Id,Entry Date,NPS,Why?", "7,2026-11-20 06:04:05,9,fine", "2026-11-20T06:04:05Z"),
        ("Started Time,Submitted Time,NPS,Why?", "2026-11-20 06:03,2026-11-20 06:04,9,fine", "2026-11-20T06:04:00Z"),
        ("Score,Score Type,Comment,Posted Date", "9,promoter,fine,2026-11-20", "2026-11-20T00:00:00Z"),
        ("Rating,Sentiment,Follow-up response,Date", "9,Promoter,fine,2026-11-20", "2026-11-20T00:00:00Z"),
    ],
)  # fmt: skip
def test_makers_of_forms_call_times_and_words_as_they_like(read: Read, header: str, row: str, expected: str) -> None:
    [made] = table(read, header, row).touchpoints

    assert (pb.SURVEY_TYPE_NPS, 9, "fine") == (made.survey.type, made.survey.score, made.text)
    assert expected == made.occurred_time.ToJsonString()


def test_reviews_in_json_stand_under_their_name(read: Read) -> None:
    review = {"id": 7, "score": 5, "title": "Love it", "content": "Warm", "email": "jane@example.com"}
    [made] = read(
        "survey", "", body=json.dumps({"reviews": [review]}).encode(), content_type="application/json"
    ).touchpoints

    assert ("7", "Love it\nWarm", 5) == (made.external_id, made.text, made.rating.value)


def test_headers_are_not_counted_among_the_rows_of_a_long_table() -> None:
    header = "Respondent ID,How likely are you to recommend us?\n,Response\n"
    given = [
        Payload(body=(header + "1,9\n" * rows).encode(), content_type="text/csv", received_time=dt.datetime.now(dt.UTC))
        for rows in (100_000, 100_001)
    ]

    assert 100_000 == sum(1 for _ in responses.records(given[0], Source(name="survey")))
    with pytest.raises(Unreadable, match="rows"):
        list(responses.records(given[1], Source(name="survey")))
