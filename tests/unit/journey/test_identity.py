"""Who is who: the rules against a model made from their definition, and the cases that go wrong elsewhere."""

import datetime as dt
import random
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.journey import identity_model

from sori_journey import domain, usecases
from sori_journey.domain import Identifier, IdentifierType
from sori_journey.settings import identity
from sori_journey.usecases.graph import pattern_id, with_observation

POLICY = identity.load(None)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SMALL = replace(  # Limits that few identifiers reach.
    POLICY,
    types=tuple(
        replace(
            each,
            limit={"member_id": 1, "app_user_id": 2}.get(each.type.value, 2),
            shared_above=None if each.type is IdentifierType.MEMBER_ID else 2,
            crowd_above=2,
            idle=dt.timedelta(days=60) if each.type is IdentifierType.PHONE else None,
        )
        for each in POLICY.types
    ),
)


def an_id(name: str) -> Identifier:
    kind, value = name.split(":", 1)
    return Identifier(IdentifierType(kind), value, temporary=value.startswith("050"))


def seen(day: float, *names: str) -> domain.Observation:
    when = START + dt.timedelta(days=day)
    return domain.Observation(
        own=True,
        touchpoint_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{when}{names}"),
        revision=0,
        source="test",
        channel="web",
        kind="view",
        sentiment="",
        occurred_time=when,
        identifiers=tuple(map(an_id, names)),
        entry=b"",
    )


def replay(
    observations: Iterable[domain.Observation],
    decisions: Sequence[domain.MergeWanted | domain.SplitWanted],
    policy: domain.IdentityPolicy,
) -> list[domain.Replayed]:
    found, refused = usecases.replay(observations, decisions, policy)
    assert [] == refused
    return found


def customers(*observations: domain.Observation, policy: domain.IdentityPolicy = POLICY) -> list[set[str]]:
    return [{f"{each.type}:{each.value}" for each in one.identifiers} for one in replay(observations, (), policy)]


def owner(of: domain.Observation, among: list[domain.Replayed]) -> domain.Replayed:
    return next(each for each in among if of.touchpoint_id in each.touchpoint_ids)


identifiers = st.sampled_from(
    [f"{kind}:{value}" for kind in IdentifierType for value in "ab"]
    + ["member_id:c", "phone:c", "phone:0501", "phone:0502", "device_id:null"]
)
observed = st.builds(
    lambda day, names: seen(day, *names), st.integers(0, 400), st.lists(identifiers, max_size=3, unique=True)
)
any_identifier = identifiers.map(an_id)
decided = st.one_of(
    st.builds(
        lambda number, day, left, right: domain.Merge(
            decision_id=uuid.UUID(int=number), time=START + dt.timedelta(days=day), left=left, right=right
        ),
        st.integers(1, 10**6),
        st.integers(0, 400),
        any_identifier,
        any_identifier,
    ),
    st.builds(
        lambda number, apart, kept: domain.Split(
            decision_id=uuid.UUID(int=number),
            time=START,
            apart=frozenset(apart),
            kept=frozenset(kept) - frozenset(apart) or frozenset({an_id("email:kept")}),
        ),
        st.integers(1, 10**6),
        st.lists(any_identifier, min_size=1, max_size=2),
        st.lists(any_identifier, min_size=1, max_size=2),
    ),
)


def resolved(observations: list[domain.Observation], decisions: list[domain.Decision]) -> set[frozenset[str]]:
    patterns: dict[uuid.UUID, domain.Pattern] = {}
    placed: dict[uuid.UUID, list[str]] = {}
    for each in observations:
        usable = SMALL.usable(each.identifiers)
        if usable:
            name = pattern_id(usable, each.occurred_time, SMALL)
            patterns[name] = with_observation(patterns.get(name), name, usable, each)
            placed.setdefault(name, []).append(str(each.touchpoint_id))
    resolution = domain.resolve(patterns.values(), decisions, SMALL)
    return {
        frozenset(name for pattern in each.patterns for name in placed[pattern.pattern_id])
        for each in resolution.components
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(observed, max_size=14), st.lists(decided, max_size=3, unique_by=lambda each: each.decision_id))
def test_any_set_of_evidence_comes_to_what_the_definition_says(
    observations: list[domain.Observation], decisions: list[domain.Decision]
) -> None:
    model = identity_model.people(
        {identity_model.Seen(str(each.touchpoint_id), each.occurred_time, each.identifiers) for each in observations},
        decisions,
        SMALL,
    )

    assert model == resolved(observations, decisions)


@settings(max_examples=100, deadline=None)
@given(st.lists(observed, max_size=12), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(observations: list[domain.Observation], chance: random.Random) -> None:
    shuffled = observations + observations[: len(observations) // 2]
    chance.shuffle(shuffled)

    assert replay(observations, (), SMALL) == replay(shuffled, (), SMALL)


@settings(max_examples=100, deadline=None)
@given(st.lists(observed, max_size=14))
def test_nobody_has_two_member_ids_or_more_of_a_type_than_the_limit(observations: list[domain.Observation]) -> None:
    for each in replay(observations, (), SMALL):
        held = [one for one in (*each.identifiers, *each.former) if not one.temporary]
        for kind in SMALL.types:
            assert len({one.value for one in held if one.type is kind.type}) <= kind.limit


def test_what_was_anonymous_belongs_to_whoever_logs_in() -> None:
    assert [{"member_id:M", "anonymous_id:c1", "device_id:d1"}] == customers(
        seen(0, "anonymous_id:c1"), seen(1, "anonymous_id:c1", "device_id:d1"), seen(2, "device_id:d1", "member_id:M")
    )


def test_evidence_across_channels_makes_one_person() -> None:
    assert [{"member_id:M", "email:e", "phone:p", "kakao_id:k"}] == customers(
        seen(0, "kakao_id:k", "email:e"),
        seen(1, "phone:p"),
        seen(2, "email:e", "phone:p"),
        seen(3, "member_id:M", "phone:p"),
    )


def test_a_family_tablet_glues_nobody_together() -> None:
    found = customers(
        seen(0, "device_id:tablet"),
        *[seen(day, "member_id:" + "ABC"[day % 3], "device_id:tablet", "anonymous_id:cookie") for day in range(1, 9)],
    )

    assert [1, 1, 1] == [sum(f"member_id:{name}" in each for each in found) for name in "ABC"]
    assert all(len([name for name in each if name.startswith("member_id")]) <= 1 for each in found)


def test_a_tablet_does_not_tie_two_who_are_known_by_their_mail_addresses() -> None:
    found = customers(seen(0, "email:mum", "device_id:tablet"), seen(1, "email:son", "device_id:tablet"))

    assert [{"email:mum", "device_id:tablet"}, {"email:son"}] == found


@pytest.mark.parametrize("kind", ["member_id", "app_user_id", "email", "kakao_id", "loyalty_card"])
def test_a_phone_of_three_hundred_is_nobodys(kind: str) -> None:
    observations = [seen(day, f"{kind}:{day}", "phone:+8215880000") for day in range(300)]
    began = time.perf_counter()

    found = replay(observations, (), POLICY)

    assert 300 == len(found)
    assert all(len(each.touchpoint_ids) == 1 for each in found)
    assert time.perf_counter() - began < 5


def test_a_recycled_number_goes_to_who_has_it_now() -> None:
    old, new, later = (
        seen(0, "email:before", "phone:p"),
        seen(700, "email:now", "phone:p"),
        seen(710, "phone:p"),
    )

    found = replay([old, new, later], (), POLICY)

    assert owner(old, found) != owner(new, found) == owner(later, found)
    assert an_id("phone:p") in owner(old, found).former


def test_somebody_who_calls_once_in_two_years_is_recognised() -> None:
    assert 1 == len(customers(seen(0, "member_id:M", "phone:p"), seen(700, "phone:p")))


def test_two_who_swap_their_mail_addresses_stay_two() -> None:
    found = customers(
        seen(0, "member_id:A", "email:x"),
        seen(1, "member_id:B", "email:y"),
        seen(2, "member_id:A", "email:y"),
        seen(3, "member_id:B", "email:x"),
    )

    assert [{"member_id:A", "email:x"}, {"member_id:B", "email:y"}] == found


@pytest.mark.parametrize("value", ["null", "NULL", "0000", "0", "undefined", " ", f"{uuid.UUID(int=0)}"])
def test_a_value_that_means_nothing_ties_nobody(value: str) -> None:
    found = replay([seen(day, f"member_id:{value}", f"email:{day}") for day in range(5)], (), POLICY)

    assert 5 == len(found)
    assert all(each.type is IdentifierType.EMAIL for one in found for each in one.identifiers)


def test_a_temporary_number_ties_only_while_it_lives() -> None:
    found = replay(
        [
            seen(0, "phone:0501"),
            seen(3, "kakao_id:k", "phone:0501"),
            seen(60, "phone:0501"),
        ],
        (),
        POLICY,
    )

    assert [2, 1] == [len(each.touchpoint_ids) for each in found]


def test_too_many_of_a_type_leave_the_latest_out_with_a_record() -> None:
    found = replay([seen(day, "member_id:M", f"email:mail{day}") for day in range(7)], (), POLICY)

    assert 1 == len(found)
    assert {f"mail{day}" for day in range(5)} == {
        each.value for each in found[0].identifiers if each.type is IdentifierType.EMAIL
    }
    assert [("mail5", domain.RefusalReason.LIMIT), ("mail6", domain.RefusalReason.LIMIT)] == [
        (each.detached.value, each.reason) for each in found[0].refusals
    ]


def test_ten_thousand_observations_of_one_person_are_quick() -> None:
    observations = [seen(number / 1000, "member_id:M", f"anonymous_id:{number % 2000}") for number in range(10_000)]
    began = time.perf_counter()

    found = replay(observations, (), POLICY)

    assert 10_000 == max(len(each.touchpoint_ids) for each in found)
    assert time.perf_counter() - began < 10


def a_merge(line: int, *names: str) -> domain.MergeWanted:
    return domain.MergeWanted(line=line, customers=tuple(map(an_id, names)), time=None)


def a_split(line: int, customer: str, *names: str) -> domain.SplitWanted:
    return domain.SplitWanted(
        line=line,
        customer=an_id(customer),
        identifiers=tuple(map(an_id, names)),
        touchpoint_ids=(),
        merged_ids=(),
        time=None,
    )


def test_a_merge_with_oneself_destroys_nothing() -> None:
    observations = [seen(0, "member_id:A", "email:a"), seen(1, "email:a")]

    assert replay(observations, (), POLICY) == replay(
        observations, [a_merge(1, "member_id:A", "member_id:A"), a_merge(2, "member_id:A", "email:a")], POLICY
    )


def test_a_merge_twice_is_a_merge_once() -> None:
    observations = [seen(0, "member_id:A"), seen(1, "member_id:B")]
    once = replay(observations, [a_merge(1, "member_id:A", "member_id:B")], POLICY)

    twice = replay(
        observations, [a_merge(1, "member_id:A", "member_id:B"), a_merge(2, "member_id:B", "member_id:A")], POLICY
    )

    assert 1 == len(once)
    assert once == twice


def test_a_split_takes_a_merge_back() -> None:
    observations = [
        seen(0, "member_id:A", "email:a", "device_id:d"),
        seen(1, "member_id:B", "email:b"),
        seen(2, "email:b"),
        seen(3, "device_id:d"),
    ]

    found = replay(
        observations, [a_merge(1, "member_id:A", "member_id:B"), a_split(2, "member_id:A", "member_id:B")], POLICY
    )

    before = replay(observations, (), POLICY)
    assert [(each.customer_id, each.identifiers, each.touchpoint_ids) for each in before] == [
        (each.customer_id, each.identifiers, each.touchpoint_ids) for each in found
    ]


def test_what_was_split_is_not_tied_again_by_new_evidence() -> None:
    observations = [seen(0, "email:a", "phone:p"), seen(1, "email:b", "phone:p"), seen(2, "email:a", "email:b")]

    found = replay(observations, [a_split(1, "email:a", "email:b")], POLICY)

    assert 2 == len(found)
    assert owner(observations[0], found) != owner(observations[1], found)


def test_what_hangs_on_the_split_part_goes_with_it() -> None:
    observations = [
        seen(0, "email:a", "phone:p"),
        seen(1, "email:b", "phone:p"),
        seen(2, "email:b", "device_id:d"),
        seen(3, "device_id:d"),
    ]

    found = replay(observations, [a_split(1, "email:a", "email:b")], POLICY)

    assert owner(observations[1], found) == owner(observations[3], found)


def test_a_path_of_evidence_leads_from_one_identifier_to_another() -> None:
    observations = [
        seen(0, "email:e", "phone:p"),
        seen(1, "phone:p", "kakao_id:k"),
        seen(2, "kakao_id:k", "device_id:d"),
    ]
    patterns = {}
    for each in observations:
        usable = POLICY.usable(each.identifiers)
        name = pattern_id(usable, each.occurred_time, POLICY)
        patterns[name] = with_observation(None, name, usable, each)
    (component,) = domain.resolve(patterns.values(), (), POLICY).components

    links = domain.path(component, an_id("device_id:d"), an_id("email:e"))

    assert [each.touchpoint_id for each in reversed(observations)] == [
        link.evidence.touchpoint_id for link in links if link.evidence
    ]
