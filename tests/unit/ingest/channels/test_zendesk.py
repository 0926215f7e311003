import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading, Unreadable

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads"


@pytest.mark.parametrize(
    ("file", "kind", "actor"),
    [
        ("ok_ticket_created.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_customer_comment.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_agent_comment.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT),
        ("ok_solved.json", pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_AGENT),
        ("ok_messaging_customer.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_messaging_agent.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT),
        ("ok_messaging_bot.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_BOT),
        ("ok_messaging_trigger.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_BOT),
        ("ok_trigger_ticket.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_trigger_flat.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_trigger_rating.json", pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, pb.ACTOR_CUSTOMER),
    ],
)
def test_event_says_what_happened_and_by_whom(read: Read, file: str, kind: int, actor: int) -> None:
    [made] = read("zendesk", file).touchpoints

    assert (kind, actor) == (made.kind, made.actor)


def test_all_of_a_ticket_is_one_thread_of_its_requester(read: Read) -> None:
    files = ("ok_ticket_created.json", "ok_customer_comment.json", "ok_agent_comment.json", "ok_solved.json")

    made = [read("zendesk", file).touchpoints[0] for file in files]

    assert {"5158"} == {each.thread_id for each in made}
    assert {"zendesk:8447388090494"} == {person.value for each in made for person in each.identifiers}
    assert {pb.CHANNEL_EMAIL} == {each.channel for each in made}


def test_first_comment_is_told_twice_and_counted_once(read: Read) -> None:
    [created] = read("zendesk", "ok_ticket_created.json").touchpoints
    [comment] = read("zendesk", "ok_first_comment_of_ticket.json").touchpoints

    assert (created.external_id, created.revision) == (comment.external_id, comment.revision)


def test_redacted_comment_becomes_an_empty_revision(read: Read) -> None:
    [said] = read("zendesk", "ok_customer_comment.json").touchpoints
    [redacted] = read("zendesk", "ok_comment_redacted.json").touchpoints

    assert said.external_id == redacted.external_id
    assert said.revision < redacted.revision
    assert ("", pb.TOUCHPOINT_KIND_OTHER) == (redacted.text, redacted.kind)


@pytest.mark.parametrize("file", ["ignored_private_comment.json", "ignored_trigger_private_comment.json"])
def test_private_note_never_leaves(read: Read, file: str) -> None:
    [ignored] = read("zendesk", file).ignored

    assert "private_note" == ignored.reason


def test_attachment_alone_is_counted_without_its_token(read: Read) -> None:
    [made] = read("zendesk", "ok_comment_with_attachment_only.json").touchpoints

    assert ("", "image:1") == (made.text, made.attributes["attachments"])
    assert "secret" not in str(made)


def test_messaging_delivery_is_read_message_by_message(read: Read) -> None:
    found = read("zendesk", "ok_conversations_batch.json")

    assert [pb.ACTOR_CUSTOMER, pb.ACTOR_BOT, pb.ACTOR_CUSTOMER] == [each.actor for each in found.touchpoints]
    assert ["앱이 자꾸 꺼져요", "재설치해 보세요", ""] == [each.text for each in found.touchpoints]
    assert "image:1" == found.touchpoints[2].attributes["attachments"]
    member = (pb.IDENTIFIER_TYPE_MEMBER_ID, "member-77")
    assert member in {(each.type, each.value) for each in found.touchpoints[0].identifiers}
    assert ["event_type_unused"] == [each.reason for each in found.ignored]


def test_trigger_gives_the_person_and_the_rating(read: Read) -> None:
    [made] = read("zendesk", "ok_trigger_rating.json").touchpoints

    assert {"M-100", "customer@example.com", "+821012345678", "zendesk:20978392"} == {
        each.value for each in made.identifiers
    }
    assert (pb.SURVEY_TYPE_CSAT, 0, 1) == (made.survey.type, made.survey.score, made.survey.highest)
    assert "너무 느려요" == made.text


def test_rating_is_the_same_touchpoint_by_event_and_by_trigger(read: Read) -> None:
    [made] = read("zendesk", "ok_csat_received.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, pb.ACTOR_CUSTOMER) == (made.kind, made.actor)
    assert (pb.SURVEY_TYPE_CSAT, 0, 1) == (made.survey.type, made.survey.score, made.survey.highest)
    assert ("답이 너무 늦었어요", "ticket:5158:rating", 1736496000123) == (made.text, made.external_id, made.revision)


@pytest.mark.parametrize(
    ("event", "score", "highest", "words"),
    [
        ({"satisfaction_score": "GOOD"}, 1, 1, ""),
        ({"satisfaction_rating": {"score": "good_with_comment", "comment": "빨라요"}}, 1, 1, "빨라요"),
        ({"rating": 4, "comment": None}, 4, 5, ""),
        (
            {"answers": [{"type": "rating_scale", "rating": 2}, {"type": "open_ended", "value": "느려요"}, None]},
            *(2, 5, "느려요"),
        ),
    ],
)
def test_rating_is_read_on_its_scale(
    read: Read, event: dict[str, object], score: float, highest: float, words: str
) -> None:
    given = json.loads((PAYLOADS / "zendesk" / "ok_csat_received.json").read_bytes())

    [made] = read("zendesk", "", body=json.dumps(given | {"event": event}).encode()).touchpoints

    assert (score, highest, words) == (made.survey.score, made.survey.highest, made.text)


def test_rating_that_cannot_be_read_is_not_lost(read: Read) -> None:
    given = json.loads((PAYLOADS / "zendesk" / "ok_csat_received.json").read_bytes())

    with pytest.raises(Unreadable, match=r"event\.satisfaction_score"):
        read("zendesk", "", body=json.dumps(given | {"event": {"meta": {}}}).encode())


def test_answer_that_solves_is_a_reply_and_a_resolution(read: Read) -> None:
    reply, resolution = read("zendesk", "ok_trigger_agent_answer.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT) == (reply.kind, reply.actor)
    assert "처리했습니다.\n감사합니다." == reply.text
    assert pb.TOUCHPOINT_KIND_RESOLUTION == resolution.kind


def test_heading_of_who_wrote_when_is_no_part_of_the_words(read: Read) -> None:
    [made] = read("zendesk", "ok_trigger_with_heading.json").touchpoints

    assert "언제 오나요?\n\n급해요" == made.text


def test_kakaotalk_by_way_of_zendesk_is_kakaotalk(read: Read) -> None:
    [made] = read("zendesk", "ok_conversations_kakao_picture.json").touchpoints

    assert (pb.CHANNEL_KAKAO, "image:1") == (made.channel, made.attributes["attachments"])
    assert {"haneul@example.com", "+821012345678"} < {each.value for each in made.identifiers}


def test_who_writes_by_whatsapp_is_known_by_their_number(read: Read) -> None:
    [made] = read("zendesk", "ok_conversations_whatsapp.json").touchpoints

    assert {"zendesk:69b43c86543fa6363b8fabdd", "+821012345678"} == {each.value for each in made.identifiers}


@pytest.mark.parametrize("client", [{"externalId": "KR.13491208655302741918"}, {"externalId": None}, None])
def test_whatsapp_without_a_number_is_heard(read: Read, client: dict[str, object] | None) -> None:
    given = json.loads((PAYLOADS / "zendesk" / "ok_conversations_whatsapp.json").read_bytes())
    given["events"][0]["payload"]["message"]["source"]["client"] = client

    [made] = read("zendesk", "", body=json.dumps(given).encode()).touchpoints

    assert ["zendesk:69b43c86543fa6363b8fabdd"] == [each.value for each in made.identifiers]


def test_messaging_delivery_of_version_1_is_read_as_one_of_version_2(read: Read) -> None:
    words, picture = read("zendesk", "ok_conversations_version_1.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER, "환불은 어떻게 하나요?") == (
        words.kind,
        words.actor,
        words.text,
    )
    assert {"zendesk:7f54b1a7c1b3d1e2", "member-77", "customer@example.com"} == {
        each.value for each in words.identifiers
    }
    assert ("105e47578be874292d365ee8", "message:55e8d6a2f1a2b3c4") == (words.thread_id, words.external_id)
    assert (1444348338, "image:1") == (words.occurred_time.seconds, picture.attributes["attachments"])


@pytest.mark.parametrize(
    ("source", "actor"), [("zd:agentWorkspace", pb.ACTOR_AGENT), ("slack", pb.ACTOR_BOT), ("api", pb.ACTOR_BOT)]
)
def test_what_the_company_says_by_version_1_is_not_the_customers(read: Read, source: str, actor: int) -> None:
    given = json.loads((PAYLOADS / "zendesk" / "ok_conversations_version_1.json").read_bytes())
    given["trigger"] = "message:appMaker"
    given["messages"] = [given["messages"][0] | {"role": "appMaker", "source": {"type": source}}, None]

    found = read("zendesk", "", body=json.dumps(given).encode())

    assert [actor] == [each.actor for each in found.touchpoints]
    assert ["messages.1"] == [each.field for each in found.unreadable]


def test_other_events_of_version_1_are_ignored(read: Read) -> None:
    [ignored] = read("zendesk", "", body=b'{"trigger": "conversation:read", "appUser": {"_id": "a"}}').ignored

    assert ("event_type_unknown", "conversation:read") == (ignored.reason, ignored.detail)


def test_form_that_a_customer_fills_in_is_read(read: Read) -> None:
    [made] = read("zendesk", "ok_conversation_form_answered.json").touchpoints

    assert "문의 종류: 환불\n내용: 아직 입금되지 않았어요 😢" == made.text
    assert "kim@example.com" in {each.value for each in made.identifiers}
    assert "attachments" not in made.attributes


def test_form_with_nothing_but_an_address_still_says_who_it_is(read: Read) -> None:
    event = json.loads((PAYLOADS / "zendesk" / "ok_conversation_form_answered.json").read_bytes())
    content = event["events"][0]["payload"]["message"]["content"]
    content["fields"] = [each for each in content["fields"] if each["type"] == "email"]

    [made] = read("zendesk", "", body=json.dumps(event).encode()).touchpoints

    assert ("", "form:1") == (made.text, made.attributes["attachments"])
    assert "kim@example.com" in {each.value for each in made.identifiers}


def test_comment_of_somebody_in_copy_is_not_the_requesters(read: Read) -> None:
    [made] = read("zendesk", "ok_comment_of_somebody_in_copy.json").touchpoints

    assert (pb.ACTOR_CUSTOMER, "5158") == (made.actor, made.thread_id)
    assert ["zendesk:8447388090499"] == [each.value for each in made.identifiers]


@pytest.mark.parametrize("file", ["ignored_messaging_ticket_created.json", "ignored_messaging_first_comment.json"])
def test_what_zendesk_writes_above_a_conversation_is_nobodys_words(read: Read, file: str) -> None:
    [ignored] = read("zendesk", file).ignored

    assert "no_words" == ignored.reason


def test_what_a_customer_writes_in_messaging_counts(read: Read) -> None:
    event = json.loads((PAYLOADS / "zendesk" / "ignored_messaging_first_comment.json").read_bytes())
    event["event"]["comment"]["body"] = "환불해 주세요"

    [made] = read("zendesk", "", body=json.dumps(event).encode()).touchpoints

    assert ("환불해 주세요", pb.CHANNEL_CHAT) == (made.text, made.channel)


def a_comment_of_a_trigger(**author: str) -> bytes:
    ticket = {"id": 5158, "status": "open", "latest_comment": "확인 부탁드립니다", "requester_email": "kim@example.com"}
    return json.dumps({"ticket": ticket, **author}).encode()


@pytest.mark.parametrize(
    ("author", "actor"),
    [
        ({"author_role": "Light Agent", "author_email": "help@example.com"}, pb.ACTOR_AGENT),
        ({"author_role": "Administrator", "author_email": "help@example.com"}, pb.ACTOR_AGENT),
        ({"author_role": "End-user", "author_email": "kim@example.com"}, pb.ACTOR_CUSTOMER),
        ({"author_email": "Kim@Example.com"}, pb.ACTOR_CUSTOMER),
        ({"author_email": "help@example.com"}, pb.ACTOR_AGENT),
        ({"current_user_email": "help@example.com"}, pb.ACTOR_AGENT),
        ({"author_role": "End-user", "current_user_email": "help@example.com"}, pb.ACTOR_CUSTOMER),
    ],
)
def test_author_of_a_triggers_comment_is_told_by_role_or_address(
    read: Read, author: dict[str, str], actor: int
) -> None:
    [made] = read("zendesk", "", body=a_comment_of_a_trigger(**author)).touchpoints

    assert (actor, ["kim@example.com"]) == (made.actor, [each.value for each in made.identifiers])


def test_triggers_comment_of_somebody_in_copy_is_not_the_requesters(read: Read) -> None:
    body = a_comment_of_a_trigger(author_role="End-user", author_email="lee@example.com")

    [made] = read("zendesk", "", body=body).touchpoints

    assert (pb.ACTOR_CUSTOMER, ["lee@example.com"]) == (made.actor, [each.value for each in made.identifiers])


def test_placeholders_without_a_ticket_are_a_test_of_the_webhook(read: Read) -> None:
    body = b'{"ticket_id": "{{ticket.id}}", "description": "{{ticket.description}}"}'

    [ignored] = read("zendesk", "", body=body).ignored

    assert "test_ping" == ignored.reason


def test_first_words_that_are_changed_are_a_new_version_of_them(read: Read) -> None:
    given = json.loads((PAYLOADS / "zendesk" / "ok_ticket_created.json").read_bytes())
    changed: dict[str, object] = {"type": "zen:event-type:ticket.description_changed", "time": "2026-11-20T05:18:22Z"}
    changed |= {"event": {"previous": given["detail"]["description"], "current": "카드 번호는 ▇▇▇▇ 입니다"}}

    [first] = read("zendesk", "ok_ticket_created.json").touchpoints
    [made] = read("zendesk", "", body=json.dumps(given | changed).encode()).touchpoints

    assert (first.external_id, "카드 번호는 ▇▇▇▇ 입니다") == (made.external_id, made.text)
    assert (first.actor, first.kind, first.thread_id) == (made.actor, made.kind, made.thread_id)
    assert first.revision < made.revision
    assert first.occurred_time.seconds == made.occurred_time.seconds


@pytest.mark.parametrize(
    ("previous", "is_public", "reason"), [("", True, "event_type_unused"), ("카드", False, "private_note")]
)
def test_first_words_that_are_new_or_not_public_are_no_change(
    read: Read, previous: str, is_public: bool, reason: str
) -> None:
    given = json.loads((PAYLOADS / "zendesk" / "ok_ticket_created.json").read_bytes())
    given |= {"type": "zen:event-type:ticket.description_changed", "event": {"previous": previous, "current": "x"}}
    given["detail"]["is_public"] = is_public

    [ignored] = read("zendesk", "", body=json.dumps(given).encode()).ignored

    assert reason == ignored.reason
