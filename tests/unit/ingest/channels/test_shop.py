"""Feedback from kiosks and QR codes: our own form."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_the_store_is_the_org_unit(read: Read) -> None:
    [made] = read("shop", "ok_kiosk.json", org_unit="hq").touchpoints
    [without] = read("shop", "ok_text_only.json", org_unit="hq").touchpoints

    assert ("강남점", "hq") == (made.org_unit, without.org_unit)


def test_a_browsers_form_counts_as_json_does(read: Read) -> None:
    [made] = read("shop", "ok_form.txt", content_type="application/x-www-form-urlencoded").touchpoints

    assert ("화장실이 더러워요", 2, "gangnam") == (made.text, made.rating.value, made.org_unit)
    assert pb.TOUCHPOINT_KIND_COMPLAINT == made.kind


def test_a_phone_number_is_optional(read: Read) -> None:
    [known] = read("shop", "ok_kiosk.json").touchpoints
    [unknown] = read("shop", "ok_form.txt").touchpoints

    assert ["+821022223333"] == [each.value for each in known.identifiers]
    assert not unknown.identifiers


def test_a_rating_may_have_a_scale_of_its_own(read: Read) -> None:
    [told] = read("shop", "ok_scale.json").touchpoints
    [configured] = read("shop", "ok_rating_only.json", options={"rating_scale": "0-10"}).touchpoints

    assert (7, 1, 10) == (told.rating.value, told.rating.lowest, told.rating.highest)
    assert (5, 0, 10) == (configured.rating.value, configured.rating.lowest, configured.rating.highest)


@pytest.mark.parametrize(
    ("file", "kind"),
    [("ok_rating_only.json", pb.TOUCHPOINT_KIND_REVIEW), ("ok_text_only.json", pb.TOUCHPOINT_KIND_INQUIRY)],
)
def test_a_rating_is_a_review_and_words_alone_are_an_inquiry(
    read: Read, file: str, kind: pb.TouchpointKind.ValueType
) -> None:
    [made] = read("shop", file).touchpoints

    assert kind == made.kind


def test_a_form_with_a_photo_keeps_the_words_and_counts_the_photo(read: Read) -> None:
    [made] = read("shop", "ok_multipart.txt").touchpoints

    assert ("강남점", "바닥이 미끄러워요 ⚠️", 3) == (made.org_unit, made.text, made.rating.value)
    assert "file:1" == made.attributes["attachments"]


def test_korean_form_is_of_seouls_time(read: Read) -> None:
    [made] = read("shop", "ok_korean_fields.json").touchpoints

    assert ("2026-11-01T01:00:00Z", 540) == (made.occurred_time.ToJsonString(), made.occurred_offset_minutes)
    assert ("강남점", "직원분이 친절해요 👨‍👩‍👧", 5) == (made.org_unit, made.text, made.rating.value)


def test_kiosk_is_nobodys_device(read: Read) -> None:
    [made] = read("shop", "ok_kiosk_device_and_scale.json").touchpoints

    assert not made.identifiers
    assert ("kiosk-3", "gangnam-1") == (made.attributes["device_id"], made.org_unit)
    assert (9, 1, 10) == (made.rating.value, made.rating.lowest, made.rating.highest)


def test_customer_and_survey_of_a_kiosk_are_not_lost(read: Read) -> None:
    [made] = read("shop", "ok_customer_and_survey.json").touchpoints

    assert {"M-1", "+821012345678", "hong@example.com"} == {each.value for each in made.identifiers}
    assert ("k-78", pb.SURVEY_TYPE_NPS, 9) == (made.external_id, made.survey.type, made.survey.score)
    assert "홍길동" not in str(made)
    assert ("5", "2") == (made.attributes["ratings.taste"], made.attributes["ratings.service"])


@pytest.mark.parametrize(
    ("file", "mark"), [("ok_stars_drawn.json", (3, 1, 5)), ("ok_rating_out_of_ten.json", (8, 1, 10))]
)
def test_a_rating_is_read_as_people_write_it(read: Read, file: str, mark: tuple[int, int, int]) -> None:
    [made] = read("shop", file).touchpoints

    assert mark == (made.rating.value, made.rating.lowest, made.rating.highest)


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("불만사항", pb.TOUCHPOINT_KIND_COMPLAINT),
        ("컴플레인", pb.TOUCHPOINT_KIND_COMPLAINT),
        ("칭찬해요", pb.TOUCHPOINT_KIND_PRAISE),
        ("건의 사항", pb.TOUCHPOINT_KIND_INQUIRY),
    ],
)
def test_category_is_understood_as_korean_forms_put_it(read: Read, category: str, kind: int) -> None:
    body = json.dumps({"구분": category, "내용": "직원이 바빠 보였어요"}).encode()

    [made] = read("shop", "", body=body).touchpoints

    assert (kind, {}) == (made.kind, dict(made.attributes))


def test_category_of_the_shops_own_is_kept(read: Read) -> None:
    [made] = read("shop", "", body=b'{"category": "restroom", "text": "dirty"}').touchpoints

    assert {"category": "restroom"} == dict(made.attributes)


@pytest.mark.parametrize(("rating", "mark"), [("매우 만족", 5), ("Dissatisfied", 2), ("★★★☆☆", 3)])
def test_button_of_a_kiosk_may_send_its_label(read: Read, rating: str, mark: int) -> None:
    [made] = read(
        "shop", "", body=json.dumps({"rating": rating}).encode(), options={"rating_scale": "1-10"}
    ).touchpoints

    assert (mark, 1, 5) == (made.rating.value, made.rating.lowest, made.rating.highest)


def test_a_mapping_names_all_fields(read: Read) -> None:
    given = {"a": "M1", "b": "O1", "c": "빵", "d": 9, "e": "좋아요", "f": "x", "g": "강남점"}
    names = ("member_id", "order_id", "product", "nps", "text", "attributes.extra", "org_unit")

    [made] = read("shop", "", body=json.dumps(given).encode(), mapping=dict(zip(given, names, strict=True))).touchpoints

    assert ("O1", "빵", "좋아요", "강남점") == (made.order_id, made.product, made.text, made.org_unit)
    assert ["M1"] == [each.value for each in made.identifiers]
    assert (pb.SURVEY_TYPE_NPS, 9, {"extra": "x"}) == (made.survey.type, made.survey.score, dict(made.attributes))


def test_choices_are_kept_and_files_counted(read: Read) -> None:
    given = {
        "text": "좋아요",
        "tags": ["친절", "청결"],
        "photos": ["a.jpg", "b.jpg"],
        "more": ["https://x.example/c.jpg"],
    }

    [made] = read("shop", "", body=json.dumps(given).encode()).touchpoints

    assert {"tags": "친절, 청결", "attachments": "file:3"} == dict(made.attributes)


def test_a_mapping_may_name_a_path(read: Read) -> None:
    body = b'{"visit": {"store": {"code": "S1"}, "memo": "hi"}, "point": 4}'
    mapping = {"visit.store.code": "org_unit", "visit.memo": "text", "point": "rating"}

    [made] = read("shop", "", body=body, mapping=mapping).touchpoints

    assert ("S1", "hi", 4) == (made.org_unit, made.text, made.rating.value)


def test_answers_are_no_files(read: Read) -> None:
    listed = {"comment": "보통", "answers": [{"question": "청결", "score": 4}, {"question": "친절", "score": 2}]}
    nested = {"store": "S1", "answers": {"rating": 4, "comment": "보통"}}

    [one] = read("shop", "", body=json.dumps(listed).encode()).touchpoints
    [other] = read("shop", "", body=json.dumps(nested).encode()).touchpoints

    assert {"청결": "4", "친절": "2"} == dict(one.attributes)
    assert ("보통", 4) == (other.text, other.rating.value)


def test_faces_and_the_words_below_them_are_ratings(read: Read) -> None:
    found = read("shop", "ok_faces.json").touchpoints

    assert [4, 2, 1, 4] == [each.rating.value for each in found]
    assert {(1, 5)} == {(each.rating.lowest, each.rating.highest) for each in found}


@pytest.mark.parametrize(
    ("written", "expected"),
    [("2026. 11. 20. 오후 3:05:12", "2026-11-20T06:05:12Z"), ("20/11/2026 15:05", "2026-11-20T15:05:00Z")],
)
def test_times_are_read_as_browsers_write_them(read: Read, written: str, expected: str) -> None:
    [made] = read("shop", "", body=json.dumps({"rating": "4,5", "time": written}).encode()).touchpoints

    assert (expected, 4.5) == (made.occurred_time.ToJsonString(), made.rating.value)
