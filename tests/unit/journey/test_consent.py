"""What counts of all that a customer, and those merged into them, said."""

import datetime as dt
import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sori_journey.domain import Consent, ConsentSource, ConsentState, effective_consents, is_granted

NOW = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)


def said(state: str = "granted", *, customer: int = 1, days_ago: int = 10, expires_in: int | None = None) -> Consent:
    return Consent(
        customer_id=uuid.UUID(int=customer),
        purpose="marketing",
        state=ConsentState(state),
        source=ConsentSource.APP,
        recorded_time=NOW - dt.timedelta(days=days_ago),
        expire_time=None if expires_in is None else NOW + dt.timedelta(days=expires_in),
    )


def allowed(*consents: Consent) -> bool:
    (counts,) = effective_consents(consents, now=NOW)
    return is_granted(counts, now=NOW)


def test_the_latest_word_of_one_customer_counts() -> None:
    assert allowed(said("denied", days_ago=5), said("granted", days_ago=1))


def test_of_two_merged_customers_the_one_who_said_no_counts() -> None:
    assert not allowed(said("granted", days_ago=1), said("denied", customer=2, days_ago=100))


def test_a_consent_that_has_ended_is_none() -> None:
    assert not allowed(said(expires_in=-1))


def test_of_two_that_hold_the_one_that_ends_first_counts() -> None:
    (counts,) = effective_consents([said(expires_in=90), said(customer=2, expires_in=3)], now=NOW)

    assert NOW + dt.timedelta(days=3) == counts.expire_time


consents = st.builds(
    said,
    st.sampled_from(["granted", "denied"]),
    customer=st.integers(1, 3),
    days_ago=st.integers(0, 5),
    expires_in=st.none() | st.integers(-3, 3),
)


@given(st.lists(consents, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_in_which_it_was_recorded_changes_nothing(given_: list[Consent], chance: object) -> None:
    shuffled = given_.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert allowed(*given_) == allowed(*shuffled)


@given(st.lists(consents, min_size=1, max_size=8))
def test_merging_never_allows_what_one_of_them_did_not(given_: list[Consent]) -> None:
    each_alone = [
        allowed(*[replace(one) for one in given_ if one.customer_id == customer])
        for customer in {one.customer_id for one in given_}
    ]

    assert allowed(*given_) == all(each_alone)
