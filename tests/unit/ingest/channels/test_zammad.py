import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


@pytest.mark.parametrize(
    ("file", "kind", "actor"),
    [
        ("ok_customer_article.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_agent_article.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT),
        ("ok_system_article.json", pb.TOUCHPOINT_KIND_OTHER, pb.ACTOR_SYSTEM),
        ("ok_closed_without_article.json", pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_AGENT),
    ],
)
def test_article_says_what_happened_and_by_whom(read: Read, file: str, kind: int, actor: int) -> None:
    [made] = read("zammad", file).touchpoints

    assert (kind, actor, "81") == (made.kind, made.actor, made.thread_id)


def test_html_article_is_read_as_words_of_its_customer(read: Read) -> None:
    [made] = read("zammad", "ok_customer_article.json").touchpoints

    assert "커피 기계가 고장났어요\n빨리 고쳐 주세요 🙏" == made.text
    assert {"samuel@example.com", "+821012345678", "zammad:5"} == {each.value for each in made.identifiers}
    assert (pb.CHANNEL_EMAIL, "article:104", 0) == (made.channel, made.external_id, made.revision)


def test_changed_article_is_a_higher_revision(read: Read) -> None:
    [first] = read("zammad", "ok_customer_article.json").touchpoints
    [edited] = read("zammad", "ok_edited_article.json").touchpoints

    assert first.external_id == edited.external_id
    assert first.revision < edited.revision


def test_call_is_a_call(read: Read) -> None:
    [made] = read("zammad", "ok_telephone_and_extras.json").touchpoints

    assert pb.CHANNEL_CALL_CENTER == made.channel


def test_answer_that_closes_is_a_reply_and_a_resolution(read: Read) -> None:
    reply, resolution = read("zammad", "ok_closed_with_answer.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_REPLY, pb.TOUCHPOINT_KIND_RESOLUTION) == (reply.kind, resolution.kind)


def test_internal_article_never_leaves(read: Read) -> None:
    [ignored] = read("zammad", "ignored_internal_note.json").ignored

    assert "private_note" == ignored.reason


def test_attachment_alone_is_counted(read: Read) -> None:
    [made] = read("zammad", "ok_attachment_only.json").touchpoints

    assert ("", "image:1") == (made.text, made.attributes["attachments"])


def an_email(body: str, content_type: str = "text/html") -> bytes:
    article = {"id": 9, "sender": "Customer", "type": "email", "content_type": content_type, "body": body}
    return json.dumps({"ticket": {"id": 81}, "article": article | {"created_at": "2026-11-20T05:18:22Z"}}).encode()


def test_quoted_reply_and_signature_of_an_email_are_apart(read: Read) -> None:
    body = (
        "<div>아직도 안 왔어요</div><div data-signature='true'>김민수<br>영업팀</div>"
        '<blockquote type="cite"><div>내일 도착합니다</div></blockquote>'
    )

    [made] = read("zammad", "", body=an_email(body)).touchpoints

    assert "아직도 안 왔어요" == made.text
    assert ("내일 도착합니다", "김민수\n영업팀") == (made.attributes["quoted"], made.attributes["signature"])


def test_quoted_reply_of_a_plain_email_is_apart(read: Read) -> None:
    body = "Not yet.\r\n\r\nOn Fri, Nov 20, 2026 at 2:18 PM Help <help@example.com> wrote:\r\n> Did it arrive?"

    [made] = read("zammad", "", body=an_email(body, "text/plain")).touchpoints

    assert "Not yet." == made.text
    assert made.attributes["quoted"].endswith("Did it arrive?")


def test_email_of_nothing_but_a_quote_keeps_its_words(read: Read) -> None:
    [made] = read("zammad", "", body=an_email("> Did it arrive?", "text/plain")).touchpoints

    assert "> Did it arrive?" == made.text
    assert "quoted" not in made.attributes


def test_article_of_another_customer_is_not_the_tickets_customers(read: Read) -> None:
    [made] = read("zammad", "ok_customer_in_copy.json").touchpoints

    assert {"lee@example.com", "+8223123456", "zammad:9"} == {each.value for each in made.identifiers}


@pytest.mark.parametrize(
    "author",
    [
        {"id": 3, "email": "agent@example.com", "roles": ["Admin", "Agent"]},
        {"id": 3, "email": "agent@example.com", "roles": ["Agent", "Customer"]},
        {"id": 3, "email": "agent@example.com"},
        "agent@example.com",
    ],
)
def test_call_that_staff_write_down_is_the_customers(read: Read, author: object) -> None:
    article = {"id": 9, "sender": "Customer", "type": "phone", "body": "환불", "created_at": "2026-11-20T05:18:22Z"}
    customer = {"id": 5, "email": "samuel@example.com"}
    given = {"ticket": {"id": 81, "customer": customer}, "article": article | {"created_by": author}}

    [made] = read("zammad", "", body=json.dumps(given).encode()).touchpoints

    assert {"samuel@example.com", "zammad:5"} == {each.value for each in made.identifiers}


def test_without_a_customer_the_address_of_the_article_is_known_beside_the_number(read: Read) -> None:
    article = {"id": 9, "sender": "Customer", "type": "email", "from": "Kim <kim@example.com>", "body": "환불"}
    given = {"ticket": {"id": 81, "customer_id": 5, "customer": None}, "article": article}

    [made] = read("zammad", "", body=json.dumps(given).encode()).touchpoints

    assert {"kim@example.com", "zammad:5"} == {each.value for each in made.identifiers}


@pytest.mark.parametrize(
    ("sender", "automatic", "reasons"),
    [("Customer", True, ["auto_reply"]), ("Customer", False, []), ("Agent", True, [])],
)
def test_note_of_absence_is_nobodys_voice(read: Read, sender: str, automatic: bool, reasons: list[str]) -> None:
    article = {"id": 9, "sender": sender, "type": "email", "body": "부재중입니다", "created_at": "2026-11-20T05:18:22Z"}
    preferences = {"send-auto-response": not automatic, "is-auto-response": automatic}
    given = {"ticket": {"id": 81, "customer_id": 5}, "article": article | {"preferences": preferences}}

    assert reasons == [each.reason for each in read("zammad", "", body=json.dumps(given).encode()).ignored]
