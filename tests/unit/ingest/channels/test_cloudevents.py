"""CloudEvents: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md."""

import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import cloudevents
from sori_ingest.channels.payload import Payload, Reading, Source, Unreadable

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads"
RECEIVED = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)

HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "A234-1234-1234",
    "ce-source": "/shops/gangnam",
    "ce-type": "com.example.feedback.created",
    "ce-subject": "f-1",
    "ce-time": "2026-11-20T18:00:00.123+09:00",
}


def test_binary_and_structured_mode_say_the_same(read: Read) -> None:
    structured = read("cloudevents", "ok_structured.json")
    data = json.dumps(json.loads((PAYLOADS / "cloudevents" / "ok_structured.json").read_text())["data"]).encode()

    binary = read("cloudevents", "", body=data, headers=HEADERS, content_type="application/json")

    assert structured == binary


def test_attributes_in_headers_are_percent_encoded(read: Read) -> None:
    headers = {**HEADERS, "ce-subject": "%EA%B0%95%EB%82%A8"}

    [made] = read("cloudevents", "", body=b'{"text":"x"}', headers=headers).touchpoints

    assert "강남" == made.attributes["event_subject"]


def test_a_touchpoint_may_come_as_protobuf(read: Read) -> None:
    given = pb.Touchpoint(channel=pb.CHANNEL_APP, kind=pb.TOUCHPOINT_KIND_PRAISE, text="최고", external_id="p-1")

    [made] = read(
        "cloudevents", "", body=given.SerializeToString(), headers=HEADERS, content_type="application/protobuf"
    ).touchpoints

    assert ("최고", "p-1", pb.CHANNEL_APP) == (made.text, made.external_id, made.channel)


def test_source_and_id_together_name_the_event(read: Read) -> None:
    [one] = read("cloudevents", "ok_structured.json").touchpoints
    [other] = read("cloudevents", "", body=b'{"text":"x"}', headers={**HEADERS, "ce-source": "/b"}).touchpoints

    assert one.external_id != other.external_id


def test_data_of_any_shape_is_read_by_a_mapping() -> None:
    source = Source(
        name="s", options={"channel": "delivery", "kind": "complaint"}, mapping={"body.said": "text", "who": "email"}
    )
    body = b'{"body":{"said":"late"},"who":"a@example.com"}'
    payload = Payload(body=body, headers=HEADERS, received_time=RECEIVED)

    [made] = cloudevents.read(payload, source).touchpoints

    assert ("late", pb.CHANNEL_DELIVERY, pb.TOUCHPOINT_KIND_COMPLAINT) == (made.text, made.channel, made.kind)
    assert "2026-11-20T09:00:00.123Z" == made.occurred_time.ToJsonString()


def test_types_that_are_not_listed_are_ignored(read: Read) -> None:
    [ignored] = read("cloudevents", "ok_structured.json", options={"types": "a, b"}).ignored

    assert ("event_type_unknown", "com.example.feedback.created") == (ignored.reason, ignored.detail)


def test_another_version_is_unreadable(read: Read) -> None:
    with pytest.raises(Unreadable) as problem:
        read("cloudevents", "unreadable_version.json")

    assert "specversion" == problem.value.field


def test_the_content_type_of_structured_mode_counts_more_than_headers(read: Read) -> None:
    structured = read("cloudevents", "ok_structured.json")

    both = read("cloudevents", "ok_structured.json", headers=HEADERS, content_type="application/cloudevents+json")

    assert structured == both


def test_a_time_within_the_data_is_read_by_a_mapping() -> None:
    source = Source(name="s", mapping={"body.said": "text", "body.at": "occurred_time"})
    body = b'{"body":{"said":"late","at":"2026-11-01T00:00:00Z"}}'

    [made] = cloudevents.read(Payload(body=body, headers=HEADERS, received_time=RECEIVED), source).touchpoints

    assert "2026-11-01T00:00:00Z" == made.occurred_time.ToJsonString()


def test_data_is_read_by_usual_names_where_there_is_no_mapping(read: Read) -> None:
    [made] = read("cloudevents", "ok_usual_names.json").touchpoints

    assert ("배송이 늦어요", pb.CHANNEL_APP) == (made.text, made.channel)
    assert {"77", "+821012345678"} == {each.value for each in made.identifiers}


def test_numbers_serve_as_references(read: Read) -> None:
    [made] = read("cloudevents", "ok_numbers_for_references.json").touchpoints

    assert ("20261101", "7") == (made.order_id, made.attributes["table"])


@pytest.mark.parametrize("channel", ["web", "WEB", "CHANNEL_WEB"])
@pytest.mark.parametrize("further", [{}, {"externalId": "e"}])
def test_the_protocols_names_are_known_in_each_form(read: Read, channel: str, further: dict[str, str]) -> None:
    data = {"text": "늦어요", "channel": channel, "kind": "TOUCHPOINT_KIND_COMPLAINT", **further}
    body = json.dumps({"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": data}).encode()

    [made] = read("cloudevents", "", body=body).touchpoints

    assert (pb.CHANNEL_WEB, pb.TOUCHPOINT_KIND_COMPLAINT) == (made.channel, made.kind)


@pytest.mark.parametrize("further", [{}, {"externalId": "e"}])
def test_a_channel_that_there_is_not_is_no_other_one(read: Read, further: dict[str, str]) -> None:
    data = {"text": "늦어요", "channel": "CHANNEL_FAX", **further}
    body = json.dumps({"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": data}).encode()

    with pytest.raises(Unreadable, match="no channel of that name"):
        read("cloudevents", "", body=body)


@pytest.mark.parametrize("empty", [None, ""])
def test_a_touchpoint_without_a_time_has_that_of_the_event(read: Read, empty: str | None) -> None:
    data = {"text": "늦어요", "externalId": "e", "occurredTime": empty}
    event = {"specversion": "1.0", "type": "t", "source": "s", "id": "1", "time": "2026-11-20T09:00:00Z", "data": data}

    [made] = read("cloudevents", "", body=json.dumps(event).encode()).touchpoints

    assert "2026-11-20T09:00:00Z" == made.occurred_time.ToJsonString()


def test_who_it_is_about_may_be_an_object_of_its_own(read: Read) -> None:
    data = {"comment": "늦어요", "customer": {"id": 7, "email": "a@b.kr", "phone": "010-1111-2222", "name": "김하나"}}
    body = json.dumps({"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": data}).encode()

    [made] = read("cloudevents", "", body=body).touchpoints

    assert {
        (pb.IDENTIFIER_TYPE_MEMBER_ID, "7"),
        (pb.IDENTIFIER_TYPE_EMAIL, "a@b.kr"),
        (pb.IDENTIFIER_TYPE_PHONE, "+821011112222"),
    } == {(each.type, each.value) for each in made.identifiers}
    assert "김하나" not in str(made)


@pytest.mark.parametrize("customer", [None, "kim", [], {"id": None, "email": ""}, {"address": {"city": "서울"}}])
def test_a_customer_of_whom_nothing_is_known_is_none(read: Read, customer: object) -> None:
    data = {"comment": "늦어요", "customer": customer}
    body = json.dumps({"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": data}).encode()

    [made] = read("cloudevents", "", body=body).touchpoints

    assert ("늦어요", 0) == (made.text, len(made.identifiers))


def test_words_that_are_elsewhere_are_not_lost_beside_a_person(read: Read) -> None:
    data = {"user": {"id": "u1", "email": "a@b.kr"}, "visit": {"words": "별로"}}
    body = json.dumps({"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": data}).encode()

    with pytest.raises(Unreadable, match="give the source a mapping"):
        read("cloudevents", "", body=body)


def test_korean_names_of_words_are_known(read: Read) -> None:
    data = {"내용": "별로예요", "연락처": "010-1111-2222"}
    body = json.dumps({"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": data}).encode()

    [made] = read("cloudevents", "", body=body).touchpoints

    assert ("별로예요", ["+821011112222"]) == (made.text, [each.value for each in made.identifiers])


def test_the_user_who_answers_is_not_the_customer(read: Read) -> None:
    data = {"text": "확인했어요", "actor": "agent", "user": {"id": "a1"}, "customer": {"email": "a@b.kr"}}
    body = json.dumps({"specversion": "1.0", "type": "t", "source": "s", "id": "1", "data": data}).encode()

    [made] = read("cloudevents", "", body=body).touchpoints

    assert ["a@b.kr"] == [each.value for each in made.identifiers]


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ('"f-1"', "f-1"),
        (r'Hello%20"Ruby%20world"%20"this\"is\\a1string"%20okay', 'Hello Ruby world this"is\\a1string okay'),
        ('one " quote', 'one " quote'),
        ('"two" and \\" left open', 'two and \\" left open'),
    ],
)
def test_headers_are_unquoted_and_then_decoded_once(read: Read, header: str, subject: str) -> None:
    headers = {**HEADERS, "ce-subject": header}

    [made] = read("cloudevents", "", body=b'{"text": "a"}', headers=headers).touchpoints

    assert subject == made.attributes["event_subject"]


def test_a_huge_header_takes_no_time(read: Read) -> None:
    before = time.process_time()

    read("cloudevents", "", body=b'{"text": "a"}', headers={**HEADERS, "ce-subject": '\\"' * 100_000})

    assert time.process_time() - before < 5


def test_what_no_field_takes_is_kept(read: Read) -> None:
    data = {"comment": "추워요", "별점": 2, "phone": "010-1234-5678", "weather": "맑음", "wet": True, "event_type": "x"}
    many = {f"a{number:02}": number for number in range(60)}

    made = _made(read, data)
    crowded = _made(read, {"text": "x", **many})

    assert ("추워요", 2) == (made.text, made.rating.value)
    assert {"event_source": "s", "event_type": "t", "weather": "맑음", "wet": "true"} == dict(made.attributes)
    assert (50, "t") == (len(crowded.attributes), crowded.attributes["event_type"])


def test_stars_beyond_five_are_on_a_scale_that_nobody_tells(read: Read) -> None:
    made = _made(read, {"comment": "x", "stars": 8})

    assert (False, "8") == (made.HasField("rating"), made.attributes["stars"])


def test_nothing_but_empty_fields_is_no_data(read: Read) -> None:
    body = json.dumps(
        {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": {"text": "", "rating": None}}
    )

    [ignored] = read("cloudevents", "", body=body.encode()).ignored

    assert "no_data" == ignored.reason


def _made(read: Read, data: dict[str, object]) -> pb.Touchpoint:
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": data}
    [made] = read("cloudevents", "", body=json.dumps(event).encode()).touchpoints
    return made
