"""Messages: how many go out at once, when a receiver is left in peace, what they may say."""

import datetime as dt
import json
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from sori_kit.auth import ROLES
from sori_kit.errors import InvalidInput
from sori_notify.deliveries import compose
from sori_notify.deliveries.links import Links
from sori_notify.domain.delivery import Breaker, Delivery, Origin, Rate, Role, Target, Words, excerpt, gather
from sori_notify.domain.words import Severity
from sori_notify.settings import targets
from sori_notify.settings.places import MistakesFound
from sori_notify.settings.templates import Templates

NOW = dt.datetime(2026, 11, 2, 3, tzinfo=dt.UTC)
TARGET = Target(name="t", rate=Rate(most=10, per=dt.timedelta(minutes=1)), digest_above=5)


def some(count: int) -> list[Delivery]:
    return [
        Delivery(
            delivery_id=uuid.UUID(int=number),
            target="t",
            origin=Origin.RULE,
            reason="rule.spike",
            severity=Severity.HIGH,
            values={},
            created_time=NOW,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("waiting", "sent", "allowed", "single", "together"),
    [(3, 0, 99, 3, 0), (400, 0, 99, 0, 400), (3, 8, 99, 0, 3), (3, 10, 99, 0, 0), (3, 0, 0, 0, 0), (4, 0, 1, 1, 0)],
)
def test_few_go_out_each_for_itself_and_many_as_one(
    waiting: int, sent: int, allowed: int, single: int, together: int
) -> None:
    found = gather(TARGET, some(waiting), sent=sent, allowed=allowed)

    assert (single, together) == (len(found.single), len(found.together))


def test_a_receiver_rests_for_longer_each_time_and_then_gets_one_message() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker = breaker.failed(NOW)

    assert NOW + dt.timedelta(seconds=15) == breaker.open_until
    assert 0 == breaker.allows(NOW)
    assert 1 == breaker.allows(NOW + dt.timedelta(seconds=15))
    rested = NOW + dt.timedelta(seconds=15)
    assert rested + dt.timedelta(seconds=30) == breaker.failed(rested).open_until
    assert Breaker() == breaker.succeeded()
    assert breaker == breaker.failed(NOW)  # It was under way before, as seven others may be.


def test_words_are_shown_only_where_they_may_be_and_without_numbers_and_addresses() -> None:
    text = "제 번호는 010-1234-5678, 메일은 kim@example.com 입니다. " + "아" * 300

    assert "" == excerpt(text, Words.NONE)
    for words, length in ((Words.EXCERPT, 200), (Words.FULL, 324)):
        seen = excerpt(text, words)
        assert "1234" not in seen
        assert "@" not in seen
        assert length == len(seen)
    assert 2000 == len(excerpt("아" * 9000, Words.FULL))


def read_by(role: str, words: str = "") -> Target:
    """Give a target as a file has it whose readers have a role."""
    text = (
        'targets:\n  - name: t\n    webhook: {url: "https://x.example", secret: {file: secret}}\n'
        + (f"    role: {role}\n" if role else "")
        + (f"    words: {words}\n" if words else "")
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "secret").write_text("c2VjcmV0")
        return targets.parse("targets.yaml", text, Path(folder)).targets["t"]


@pytest.mark.parametrize(
    ("role", "words", "seen"),
    [
        ("cx.act", "", Words.FULL),
        ("cx.act", "excerpt", Words.EXCERPT),
        ("cx.act", "none", Words.NONE),
        ("cx.read", "", Words.EXCERPT),
        ("hr.read", "", Words.NONE),
        ("employee", "none", Words.NONE),
        ("ingest.write", "", Words.NONE),
        ("admin", "", Words.NONE),
        ("", "", Words.NONE),
        ("", "excerpt", Words.EXCERPT),
    ],
)
def test_what_readers_see_of_a_customers_words_follows_from_their_role(role: str, words: str, seen: Words) -> None:
    assert seen == read_by(role, words).words


@pytest.mark.parametrize(
    ("role", "words"),
    [("cx.read", "full"), ("hr.read", "excerpt"), ("admin", "excerpt"), ("employee", "full"), ("", "full")],
)
def test_a_file_that_shows_readers_more_than_their_role_may_see_is_refused(role: str, words: str) -> None:
    with pytest.raises(MistakesFound, match=rf"targets.yaml:{5 if role else 4}:\d+: .*is more than readers"):
        read_by(role, words)


def test_a_message_that_waits_shows_what_its_readers_may_see_when_it_goes_out() -> None:
    said = replace(some(1)[0], values={"words": "010-1234-5678로 전화 주세요. " + "네" * 300, "customer_id": "c-1"})

    for role, length in (("cx.act", 313), ("cx.read", 200), ("hr.read", 0), ("", 0)):
        written = compose(targets.Directory(), read_by(role), said)
        body = json.loads(written.body)
        assert length == len(body.get("words", ""))
        assert ("네" in written.text) is bool(length)
        assert ("customer_id" in body) is (role != "hr.read")
        assert "1234" not in written.body


def test_the_roles_of_readers_are_those_of_tokens() -> None:
    assert {str(each) for each in Role} == ROLES


def test_messages_are_in_the_receivers_language_and_a_digest_counts() -> None:
    directory = targets.Directory()
    one, digest = some(1)[0], some(1)[0]

    korean = compose(directory, TARGET, one)
    english = compose(directory, Target(name="t", language="en"), one)
    many = compose(directory, TARGET, replace(digest, origin=Origin.DIGEST), some(400))

    assert ("[높음] 규칙이 알립니다: spike", "[high] A rule fired: spike") == (korean.title, english.title)
    assert "[높음] 알림 400건" == many.title
    assert '"count": 400' in many.body


def test_a_template_cannot_reach_beyond_what_it_is_given() -> None:
    reaching = Templates({"ko": {"title": "{{ ''.__class__.__mro__ }}"}})

    assert "" == reaching.render("ko", "title", {})
    assert "" == Templates({"ko": {"title": "{{ nobody.knows }}"}}).render("ko", "title", {})


def test_a_broken_template_is_refused_with_its_place() -> None:
    with pytest.raises(MistakesFound, match=r"^t.yaml:2:"):
        targets.parse("t.yaml", 'templates:\n  ko: {title: "{% if %}"}\n', Path())


def test_a_secret_that_is_not_there_is_refused_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    text = 'targets:\n  - {name: a, webhook: {url: "https://x.example", secret: {env: NO_SUCH_SECRET}}}\n'

    with pytest.raises(MistakesFound, match=r"targets.yaml:2:5: .*NO_SUCH_SECRET is not set"):
        targets.parse("targets.yaml", text, Path())


def test_a_link_holds_for_its_time_and_for_its_case() -> None:
    links = Links("https://x/?t=", "a secret of at least thirty-two characters", lifetime=dt.timedelta(hours=1))
    case_id = uuid.uuid4()
    token = links.make(case_id, "kim", now=NOW).removeprefix("https://x/?t=")

    assert (case_id, "kim") == (links.read(token, now=NOW).case_id, links.read(token, now=NOW).target)
    with pytest.raises(InvalidInput, match="is over"):
        links.read(token, now=NOW + dt.timedelta(hours=1))
    other = Links("https://x/?t=", "another secret of at least thirty-two chars", lifetime=dt.timedelta(hours=1))
    with pytest.raises(InvalidInput, match="was not made"):
        other.read(token, now=NOW)
