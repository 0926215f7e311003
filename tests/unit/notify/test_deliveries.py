"""Messages: how many go out at once, when a receiver is left in peace, what they may say."""

import datetime as dt
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from sori_kit.errors import InvalidInput
from sori_notify.deliveries import compose
from sori_notify.deliveries.links import Links
from sori_notify.domain.delivery import Breaker, Delivery, Origin, Rate, Target, Words, excerpt, gather
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
    shown = excerpt(text, Words.EXCERPT)
    assert "1234" not in shown
    assert "@" not in shown
    assert 200 == len(shown)


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
