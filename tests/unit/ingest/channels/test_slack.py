import html
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import mrkdwn
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads"


def test_challenge_is_answered_at_once(read: Read) -> None:
    found = read("slack", "ignored_url_verification.json")

    challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    assert ({"challenge": challenge}, "application/json") == (json.loads(found.reply), found.reply_content_type)


def test_internal_voice_is_marked_and_names_nobody(read: Read) -> None:
    [made] = read("slack", "ok_internal_voice.json").touchpoints

    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_OTHER, "internal") == (made.actor, made.kind, made.attributes["voice"])
    assert [] == list(made.identifiers)
    assert "U061F7AUR" not in str(made)


def test_markup_becomes_words(read: Read) -> None:
    [made] = read("slack", "ok_internal_voice.json").touchpoints

    assert "매장 <강남점> 재고가 부족합니다 :tired_face: @U012AB3CD 재고표 #general" == made.text


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("&lt;3 &amp;lt;", "<3 &lt;"),
        ("<!here> <!subteam^S1|@ops> <!date^1392734382^{date}|Feb 18>", "@here @ops Feb 18"),
        ("<@U1|kim> <mailto:a@b.kr|a@b.kr> <tel:+8210|+8210> <http://x.kr>", "@kim a@b.kr +8210 http://x.kr"),
        ("1 < 2", "1 < 2"),
    ],
)
def test_every_mark_of_slack_is_known(marked: str, plain: str) -> None:
    assert plain == mrkdwn.plain(marked)


def test_shared_channel_has_customers_and_staff_in_one_thread(read: Read) -> None:
    [customer] = read("slack", "ok_customer_in_shared_channel.json").touchpoints
    [staff] = read("slack", "ok_staff_in_shared_channel.json").touchpoints

    assert (pb.ACTOR_CUSTOMER, pb.TOUCHPOINT_KIND_INQUIRY) == (customer.actor, customer.kind)
    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_REPLY) == (staff.actor, staff.kind)
    assert customer.thread_id == staff.thread_id == "C024BE91L:1355517500.000001"
    assert ["slack:U0CUSTOMER"] == [each.value for each in customer.identifiers]


# As tests of Slack's own libraries record them: the team of the envelope is that of who wrote, or of whoever owns the
# channel; the authorization names the one that installed the app.
@pytest.mark.parametrize(
    ("envelope", "teams", "actor"),
    [
        ({"team_id": "T0THEIRS", "enterprise_id": "E0THEIRS"}, {"team": "T0THEIRS"}, pb.ACTOR_CUSTOMER),
        ({"team_id": "T0OURS"}, {"team": "T0OURS", "user_team": "T0THEIRS"}, pb.ACTOR_CUSTOMER),
        ({"team_id": "T0OURS"}, {"team": "T0OURS", "user_team": "E0THEIRS"}, pb.ACTOR_CUSTOMER),
        ({"team_id": "T0THEIRS"}, {}, pb.ACTOR_CUSTOMER),
        ({"team_id": "T0OURS", "context_team_id": "T0THEIRS"}, {"team": "T0OURS"}, pb.ACTOR_AGENT),
        ({"team_id": "T0THEIRS"}, {"team": "T0THEIRS", "user_team": "T0OURS"}, pb.ACTOR_AGENT),
        ({"team_id": "T0OURS"}, {"team": "E0OURS", "user_team": "E0OURS"}, pb.ACTOR_AGENT),
        ({"team_id": "T0SISTER", "enterprise_id": "E0OURS"}, {"team": "T0SISTER"}, pb.ACTOR_AGENT),
        ({"team_id": "T0OURS"}, {}, pb.ACTOR_AGENT),
    ],
)
def test_who_installed_the_app_says_who_is_a_customer(
    read: Read, envelope: dict[str, str], teams: dict[str, str], actor: int
) -> None:
    event = {"type": "message", "text": "Hey!", "user": "U1", "ts": "1678454365.204709", "channel": "C1", **teams}
    authorization = {"enterprise_id": "E0OURS", "team_id": "T0OURS", "user_id": "U0BOT", "is_bot": True}
    given = {"type": "event_callback", "event": event, "authorizations": [authorization], **envelope}

    [made] = read("slack", "", body=json.dumps({**given, "is_ext_shared_channel": True}).encode()).touchpoints
    [internal] = read("slack", "", body=json.dumps({**given, "is_ext_shared_channel": False}).encode()).touchpoints

    assert (actor, "internal") == (made.actor, internal.attributes["voice"])


def test_title_of_a_thread_with_an_assistant_is_nobodys_words(read: Read) -> None:
    event = json.loads((PAYLOADS / "slack" / "ok_changed.json").read_bytes())
    event["event"]["message"] |= {"subtype": "assistant_app_thread", "text": "New chat", "edited": {}}

    [ignored] = read("slack", "", body=json.dumps(event).encode()).ignored

    assert ("event_type_unknown", "message.assistant_app_thread") == (ignored.reason, ignored.detail)


def test_option_says_whose_voice_a_channel_is(read: Read) -> None:
    [made] = read("slack", "ok_minimal.json", options={"voice": "customer"}).touchpoints

    assert (pb.ACTOR_CUSTOMER, pb.TOUCHPOINT_KIND_INQUIRY) == (made.actor, made.kind)


def test_edit_and_deletion_are_revisions_of_the_message(read: Read) -> None:
    [first] = read("slack", "ok_internal_voice.json").touchpoints
    [edited] = read("slack", "ok_changed.json").touchpoints
    [deleted] = read("slack", "ok_deleted.json").touchpoints

    assert 1 == len({each.external_id for each in (first, edited, deleted)})
    assert first.revision < edited.revision < deleted.revision
    assert ("Hello, world! 고침", "") == (edited.text, deleted.text)


def test_deletion_of_a_message_with_answers_is_by_who_wrote_it(read: Read) -> None:
    [deleted] = read("slack", "ok_deleted_with_answers.json").touchpoints

    assert ("", "true", "C024BE91L:1355517500.000001") == (
        deleted.text,
        deleted.attributes["deleted"],
        deleted.external_id,
    )
    assert (pb.ACTOR_CUSTOMER, ["slack:U0CUSTOMER"]) == (deleted.actor, [each.value for each in deleted.identifiers])


def test_deletion_of_a_bots_message_with_answers_is_nobodys(read: Read) -> None:
    event = json.loads((PAYLOADS / "slack" / "ok_deleted_with_answers.json").read_bytes())
    event["event"]["previous_message"]["bot_id"] = "B1"

    [ignored] = read("slack", "", body=json.dumps(event).encode()).ignored

    assert "bot_echo" == ignored.reason


def test_mention_is_the_message_it_is_in(read: Read) -> None:
    message = read("slack", "ok_internal_voice.json").touchpoints
    mention = read("slack", "ok_mention.json").touchpoints

    assert message == mention


def test_files_are_counted_without_their_address(read: Read) -> None:
    [made] = read("slack", "ok_file_without_text.json").touchpoints

    assert ("", "file:1,image:1") == (made.text, made.attributes["attachments"])
    assert "secret" not in str(made)


def test_message_that_is_passed_on_is_counted_and_its_words_are_not_of_who_does(read: Read) -> None:
    event = json.loads((PAYLOADS / "slack" / "ok_customer_in_shared_channel.json").read_bytes())
    passed_on = {"is_msg_unfurl": True, "is_share": True, "author_id": "U2", "text": "환불해 주세요"}
    event["event"] |= {"text": "", "blocks": [], "attachments": [passed_on, {"from_url": "https://x.kr"}]}

    [made] = read("slack", "", body=json.dumps(event).encode()).touchpoints

    assert ("", "message:1") == (made.text, made.attributes["attachments"])


@pytest.mark.parametrize("file", ["ignored_bot_message.json", "ignored_own_app.json"])
def test_bots_are_nobodys_voice(read: Read, file: str) -> None:
    [ignored] = read("slack", file).ignored

    assert "bot_echo" == ignored.reason


@pytest.mark.parametrize(("is_bot", "reasons"), [(True, ["bot_echo"]), (False, [])])
def test_own_app_is_known_by_its_user(read: Read, is_bot: bool, reasons: list[str]) -> None:
    given = json.loads((PAYLOADS / "slack" / "ok_file_without_text.json").read_bytes())
    given["authorizations"][0] |= {"user_id": given["event"]["user"], "is_bot": is_bot}

    assert reasons == [each.reason for each in read("slack", "", body=json.dumps(given).encode()).ignored]


@given(st.text())
def test_words_that_slack_escaped_come_back_as_they_were_written(written: str) -> None:
    assert written == mrkdwn.plain(html.escape(written, quote=False))


def test_edit_of_null_is_none(read: Read) -> None:
    given = json.loads((PAYLOADS / "slack" / "ok_changed.json").read_bytes())
    given["event"]["message"]["edited"] = None
    given["event"]["previous_message"] = dict(given["event"]["message"])

    [ignored] = read("slack", "", body=json.dumps(given).encode()).ignored

    assert "text_unchanged" == ignored.reason
