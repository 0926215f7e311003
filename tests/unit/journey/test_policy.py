"""The identity policy file."""

from importlib.resources import files
from pathlib import Path

import pytest

import harness
from sori_journey.domain import Identifier, IdentifierType
from sori_journey.settings import identity, retention
from sori_journey.settings.files import PolicyRefused
from sori_journey.settings.watched import Watched


def test_the_standard_policy_is_the_one_that_is_deployed() -> None:
    deployed = (harness.repository() / "deploy/local/policies/identity.yaml").read_text()

    assert deployed == (files("sori_journey.settings") / "identity.yaml").read_text()


@pytest.mark.parametrize(
    "value", ["NULL", " none ", "0000", "+821000000000", "noreply@shop.kr", "없음", "(null)", "게스트", "-", ""]
)
def test_values_that_mean_nothing_are_blocked_whatever_their_case(value: str) -> None:
    assert not identity.load(None).is_usable(Identifier(IdentifierType.PHONE, value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("types:\n  - type: email\n    strength: medium\n    limit: 0\ntemporary_lifetime: 1d\n", "p.yaml:4:"),
        ("types:\n  - type: email\n    strength: huge\n    limit: 1\ntemporary_lifetime: 1d\n", "p.yaml:3:"),
        ("types:\n  - type: fax\n    strength: weak\n    limit: 1\ntemporary_lifetime: 1d\n", "p.yaml:2:"),
        ("types: []\ntypes: []\ntemporary_lifetime: 1d\n", "p.yaml:2: types: stands twice"),
        ("types:\n  - type: email\n    strength: weak\n    limit: 1\ntemporary_lifetime: soon\n", "p.yaml:5:"),
        ("{temporary_lifetime: 1d, types: [*WEAK, {type: phone, strength: medium, limit: 1}]}", "is stronger than"),
        ("blocked_patterns: ['(']\n", "p.yaml:1:"),
        ("", "is empty"),
        ("{", "p.yaml:"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text.replace("*WEAK", "{type: email, strength: weak, limit: 1}"))

    with pytest.raises(PolicyRefused, match=r"p\.yaml") as refused:
        identity.load(path)

    assert said in str(refused.value)


def test_a_retention_file_names_channels_and_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("channels:\n  web: 90d\nothers: 365d\n")

    periods = retention.load(path)

    assert (90, 365) == (periods["web"].days, periods["chat"].days)


def test_a_retention_file_with_an_unknown_channel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("channels:\n  pigeon: 90d\n")

    with pytest.raises(PolicyRefused, match=r"r\.yaml:2"):
        retention.load(path)


def test_a_policy_that_changes_counts_without_a_restart(tmp_path: Path) -> None:
    path, written = tmp_path / "identity.yaml", (files("sori_journey.settings") / "identity.yaml").read_text()
    path.write_text(written)
    watched, house_phone = (
        Watched(path, identity.load, what="identity"),
        Identifier(IdentifierType.PHONE, "+8221234567"),
    )

    before = watched.current.is_usable(house_phone)
    path.write_text(written.replace("\nblocked:\n", '\nblocked:\n  - "+8221234567"\n'))
    watched.refresh()
    after = watched.current.is_usable(house_phone)
    path.write_text("types: [")
    watched.refresh()

    assert (True, False, False) == (before, after, watched.current.is_usable(house_phone))
