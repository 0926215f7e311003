"""Rules: what is refused and where, what is told cheaply, what counts."""

import datetime as dt
import itertools
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import builders
import harness
from sori_notify.domain.rules import Keys, RuleSet, dry_run
from sori_notify.settings import rules
from sori_notify.settings.expressions import compile_condition
from sori_notify.settings.places import MistakesFound, Reloading
from sori_notify.wire.facts import fact

THREE = """\
rules:
  - name: three
    counts: {bad: {by: customer, within: 7d}}
    if: classification.sentiment == "negative" && counts.bad.now >= 3
    do: {tags: [x]}
"""


def a_rule(condition: str, more: str = "") -> str:
    return f"rules:\n  - name: r\n    if: '{condition}'\n    do: {{tags: [x]}}\n{more}"


@pytest.mark.parametrize(
    ("condition", "column", "said"),
    [
        ('touchpoint.channel == "snss"', 32, "is never 'snss'"),
        ("touchpoint.nope == 1", 21, "no field nope"),
        ("nobody.knows == 1", 10, "nobody is not known"),
        ("touchpoint.kind ==", 28, "mismatched input"),
        ('touchpoint.text > 4 || touchpoint.kind == "inquiry"', 10, "no such overload"),
        ('touchpoint.kind == "inquiry" && classification.urgency + 1 > 2', 42, "unsupported"),
        ("touchpoint.text == 3", 10, "never equal"),
        ("touchpoint.text", 10, "not true or false"),
        ("shout(touchpoint.text)", 10, "shout"),
        ("counts.unheard.now > 3", 17, "not counted"),
    ],
)
def test_what_is_wrong_in_a_condition_is_refused_with_its_place(condition: str, column: int, said: str) -> None:
    with pytest.raises(MistakesFound) as refused:
        rules.parse("rules.yaml", a_rule(condition))

    (mistake,) = refused.value.mistakes
    assert (3, column) == (mistake.line, mistake.column)
    assert said in mistake.why


def test_the_place_in_a_text_of_several_lines_is_its_line() -> None:
    text = "rules:\n  - name: r\n    if: |\n      touchpoint.actor ==\n        touchpoint.nope\n    do: {tags: [x]}\n"

    with pytest.raises(MistakesFound) as refused:
        rules.parse("rules.yaml", text)

    assert [(5, 20)] == [(each.line, each.column) for each in refused.value.mistakes]


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    with pytest.raises(MistakesFound) as refused:
        rules.parse("rules.yaml", a_rule("1 +") + "  - name: r\n    when: {channel: [sns]}\n    do: {tags: [x]}\n")

    assert "rules.yaml:6:12: rules.1.when.channel: is not known here" == str(refused.value)


def test_a_file_that_becomes_broken_leaves_what_it_said_before(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(a_rule("true"))
    file = Reloading(path, rules.load, empty=RuleSet(), what="rules")

    path.write_text(a_rule("tru e"))
    file.refresh()
    kept = file.current.rules[0].name
    path.write_text(a_rule("true").replace("name: r", "name: another"))
    file.refresh()

    assert ("r", "another") == (kept, file.current.rules[0].name)


def test_channel_kind_actor_and_sentiment_are_told_without_asking_the_condition() -> None:
    read = rules.parse(
        "rules",
        a_rule(
            'touchpoint.channel in ["sns", "review"] && classification.sentiment == "negative" && touchpoint.hour > 8'
        ),
    )
    mixed = rules.parse("rules", a_rule('touchpoint.channel == "sns" || touchpoint.hour > 8'))

    assert Keys(channels=frozenset({"sns", "review"}), sentiments=frozenset({"negative"})) == read.rules[0].keys
    assert Keys() == mixed.rules[0].keys


@given(
    st.sampled_from(
        [
            ("touchpoint.revision", ("0", "1", "-1", "2.5")),
            ("touchpoint.hour", ("12", "11.5", "23")),
            ("touchpoint.rating.value", ("1", "2.0", "5")),
            ("touchpoint.survey.score", ("3", "6")),
            ("touchpoint.product", ('"beans"', "''", '"bean"')),
            ("touchpoint.org_unit", ('"a"', '"shop-1"', "'가'")),
            ("classification.urgency", ("0.5", "0", "1")),
            ("classification.abusive", ("true", "false")),
            ("position.stage", ('"retention"', '""')),
        ]
    ).flatmap(lambda field: st.tuples(st.just(field[0]), st.sampled_from(field[1]))),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.fixed_dictionaries(
        {},
        optional={
            "revision": st.integers(0, 2),
            "product": st.sampled_from(["beans", "Beans"]),
            "org_unit": st.sampled_from(["shop-1", "가"]),
            "rating": st.sampled_from([{"value": 2, "lowest": 1, "highest": 5}]),
            "survey": st.sampled_from([{"type": 1, "score": 3, "lowest": 0, "highest": 10}]),
        },
    ),
    st.sampled_from([0.25, 0.5, 0.75]),
)
def test_comparisons_are_answered_as_cel_answers_them(
    field: tuple[str, str], sign: str, fields: dict[str, Any], urgency: float
) -> None:
    source = f"{field[0]} {sign} {field[1]}"
    made, faults = compile_condition(source)
    asked = fact(builders.stitched(builders.a_classification(urgency=urgency), **fields).message)

    try:
        expected = cel.compile(source).execute({name: _plain(of) for name, of in asked.values.items()})
    except (KeyError, RuntimeError):
        expected = False

    assert made is not None
    assert not faults
    assert made.plain is not None
    assert made.program is None
    assert expected == made.plain(asked.values)


def _plain(section: Mapping[str, object]) -> dict[str, object]:
    return dict(section)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('"delivery" in classification.topics', True),
        ('"price" in classification.topics', False),
        ('touchpoint.text.contains("늦었")', True),
        ('touchpoint.text.contains("환불")', False),
        ("!classification.abusive", True),
        ("classification.abusive", False),
        ('touchpoint.attributes.tier == "gold"', True),
        ('touchpoint.attributes["tier"] != "gold"', False),
        ('touchpoint.text.contains("늦었") && size(touchpoint.text) > 3 && touchpoint.revision == 0', True),
        ('touchpoint.text.contains("늦었") && size(touchpoint.text) > 300', False),
    ],
)
def test_what_is_told_plainly_and_what_is_asked_hold_together(condition: str, holds: bool) -> None:
    read = rules.parse("rules", a_rule(condition.replace("'", "''")))
    late = builders.stitched(
        builders.a_classification(topics=("delivery",)), text="또 늦었어요", attributes={"tier": "gold"}
    ).message

    assert holds == bool(dry_run(read, [fact(late)]))


@pytest.mark.parametrize(
    ("condition", "fires"), [("counts.c.now >= 3", 3), ("counts.c.now > 3", 4), ("2 < counts.c.now", 3)]
)
def test_how_many_there_are_at_least_is_told_without_asking(condition: str, fires: int) -> None:
    read = rules.parse(
        "rules",
        "rules:\n  - name: r\n    per: thread\n    every: 1m\n    counts: {c: {by: customer, within: 7d, when: {}}}\n"
        f"    if: {condition}\n    do: {{tags: [x]}}\n",
    )
    facts = [
        fact(builders.stitched(occurred_time=builders.NOON + dt.timedelta(hours=hour), external_id=str(hour)).message)
        for hour in range(5)
    ]

    found = dry_run(read, facts)

    assert facts[fires - 1].occurred_time == found[0].fact.occurred_time


def test_a_condition_that_asks_for_what_nobody_gave_does_not_hold() -> None:
    read = rules.parse("rules", a_rule("touchpoint.rating.value <= 2.0"))
    rated = builders.stitched(rating={"value": 1, "lowest": 1, "highest": 5}).message

    assert [] == dry_run(read, [fact(builders.stitched().message)])
    assert 1 == len(dry_run(read, [fact(rated)]))


@given(st.lists(st.integers(0, 20 * 24), min_size=1, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_what_fires_does_not_depend_on_the_order_in_which_touchpoints_come(
    hours: list[int], chance: random.Random
) -> None:
    read = rules.parse("rules", THREE)
    facts = [
        fact(builders.stitched(occurred_time=builders.NOON + dt.timedelta(hours=hour), external_id=f"{number}").message)
        for number, hour in enumerate(hours)
    ]
    shuffled = [*facts, *facts[:3]]
    chance.shuffle(shuffled)

    found = dry_run(read, shuffled)

    times = sorted(each.occurred_time for each in facts)
    expected = any(last - first < dt.timedelta(days=7) for first, last in zip(times, times[2:], strict=False))
    assert [each.fact.touchpoint_id for each in dry_run(read, facts)] == [each.fact.touchpoint_id for each in found]
    assert expected == bool(found)
    gaps = itertools.pairwise(found)
    assert all(b.fact.occurred_time - a.fact.occurred_time >= dt.timedelta(days=7) for a, b in gaps)


def test_the_rules_that_come_with_the_product_can_be_read() -> None:
    read = rules.load(harness.repository() / "deploy" / "local" / "policies" / "rules.yaml")

    assert {"abuse", "detractor"} <= {each.name for each in read.rules}
