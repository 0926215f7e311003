"""Messages to customers: what keeps them back."""

from pathlib import Path

import pytest

import builders
import harness
from sori_notify.domain.automation import Automation, keeps_back
from sori_notify.domain.delivery import Role, Target
from sori_notify.settings import automation
from sori_notify.settings.places import MistakesFound, Reloading
from sori_notify.wire.facts import fact, segments

AUTOMATION = Automation(name="a", most=1)
CART = """\
automations:
  - name: cart
    enabled: true
    if: touchpoint.kind == "cart"
    segments: [gold]
    purpose: marketing
    target: gateway
"""


@pytest.mark.parametrize(
    ("given", "consents", "sent", "happened", "late", "reason"),
    [
        (AUTOMATION, True, 0, False, False, ""),
        (AUTOMATION, False, 0, False, False, "no_consent"),
        (AUTOMATION, True, 1, False, False, "too_often"),
        (AUTOMATION, True, 0, True, False, "not_needed_any_more"),
        (AUTOMATION, True, 0, False, True, "too_late"),
        (None, True, 0, False, False, "switched_off"),
    ],
)
def test_a_message_goes_out_only_with_consent_in_time_when_needed_and_not_too_often(
    given: Automation | None, consents: bool, sent: int, happened: bool, late: bool, reason: str
) -> None:
    assert reason == keeps_back(given, consents=consents, sent=sent, happened=happened, late=late)


def test_what_comes_with_the_product_is_off() -> None:
    read = automation.load(harness.repository() / "deploy" / "local" / "policies" / "automation.yaml", {})

    assert {} == read.enabled


def test_only_customers_of_the_segment_trigger_it() -> None:
    read = automation.parse("a", CART)
    gold = builders.stitched(kind="cart", attributes={"segment": "gold"}).message
    other = builders.stitched(kind="cart").message

    cart = read.enabled["cart"]
    matched = [cart.matches(fact(each), segments(each), read.scope(fact(each).values)) for each in (gold, other)]

    assert [True, False] == matched


def test_one_that_is_off_is_checked_too() -> None:
    with pytest.raises(MistakesFound, match=r"a:4:20: .*no field"):
        automation.parse("a", CART.replace("touchpoint.kind", "touchpoint.kine").replace("true", "false"))


def a_gateway(role: Role | None) -> dict[str, Target]:
    return {"gateway": Target(name="gateway", role=role)}


@pytest.mark.parametrize("role", [Role.HR_READ, Role.EMPLOYEE, Role.INGEST_WRITE, Role.ADMIN])
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_a_target_whose_role_may_not_see_the_customers_id_is_refused_with_its_line(role: Role, enabled: str) -> None:
    with pytest.raises(MistakesFound, match=rf"^a:7:13: automations\.0\.target: is read by the role {role}, which"):
        automation.parse("a", CART.replace("true", enabled), a_gateway(role))


@pytest.mark.parametrize("role", [None, Role.CX_READ, Role.CX_ACT])
def test_a_target_without_a_role_or_with_one_that_may_see_it_is_as_good_as_one_that_is_not_known(
    role: Role | None,
) -> None:
    read = [automation.parse("a", CART, known) for known in (a_gateway(role), {})]

    assert [{"cart"}, {"cart"}] == [set(each.enabled) for each in read]


def test_the_file_is_judged_again_when_its_target_changes(tmp_path: Path) -> None:
    path, roles = tmp_path / "automation.yaml", [None, Role.EMPLOYEE, Role.CX_ACT]
    path.write_text(CART)
    seen: list[str] = []

    def load(given: Path) -> automation.Automations:
        try:
            return automation.load(given, a_gateway(roles[0]))
        except MistakesFound as refused:
            seen.append(str(refused))
            raise

    file = Reloading(
        path, load, empty=automation.Automations(), what="automations", against=lambda: a_gateway(roles[0])
    )
    for _ in range(2):
        roles.pop(0)
        file.refresh()
        file.refresh()

    assert ["cart"] == list(file.current.enabled)
    assert 1 == len(seen)
    assert "automation.yaml:7:13: automations.0.target" in seen[0]
