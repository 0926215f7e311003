"""Messages to customers: what keeps them back."""

import pytest

import builders
import harness
from sori_notify.domain.automation import Automation, keeps_back
from sori_notify.settings import automation
from sori_notify.settings.places import MistakesFound
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
    read = automation.load(harness.repository() / "deploy" / "local" / "policies" / "automation.yaml")

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
