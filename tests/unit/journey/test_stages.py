"""Stages are a fold over the timeline, in whatever order it arrives."""

import datetime as dt
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_journey import domain
from sori_journey.domain import Earlier, FallBack, Stage, StageRule, StageRules, Step, Turn, fold
from sori_journey.settings import stages
from sori_journey.settings.files import PolicyRefused
from sori_journey.settings.watched import Watched

DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
RULES = stages.load(None)


def a_step(kind: str, day: float = 0, *, number: int = 0, channel: str = "app", own: bool = True) -> Step:
    return Step(
        touchpoint_id=uuid.UUID(int=number or int(day * 1000) + 1),
        time=START + day * DAY,
        channel=channel,
        kind=kind,
        own=own,
    )


STEPS = st.lists(
    st.builds(
        a_step,
        st.sampled_from(stages.KINDS),
        st.integers(0, 900),
        number=st.integers(1, 40),
        channel=st.sampled_from(["app", "web", "store"]),
        own=st.booleans(),
    ),
    max_size=25,
    unique_by=lambda each: each.touchpoint_id,
)


@given(STEPS, st.randoms(use_true_random=False), st.integers(0, 1000))
def test_any_order_of_arrival_and_any_repetition_gives_the_same_journey(
    steps: list[Step], chance: object, day: int
) -> None:
    now = START + day * DAY
    again = [*steps, *steps[::2]]
    chance.shuffle(again)  # type: ignore[attr-defined]

    course = fold(again, RULES, now=now)

    assert fold(steps, RULES, now=now) == course


@given(STEPS)
def test_visits_follow_one_another_and_never_overlap(steps: list[Step]) -> None:
    course = fold(steps, RULES, now=START + 1000 * DAY)

    for before, after in zip(course.visits, course.visits[1:], strict=False):
        assert before.exit_time is not None
        assert before.entry_time <= before.exit_time <= after.entry_time
        assert before.exit is Turn.LEFT or before.stage is not after.stage or before.exit_time < after.entry_time
    assert all(each.dwell(START) >= dt.timedelta() for each in course.visits)


@given(STEPS, STEPS)
def test_what_comes_later_changes_nothing_before_it(earlier: list[Step], later: list[Step]) -> None:
    after = [domain.Step(**{**fields(each), "time": each.time + 2000 * DAY}) for each in later]
    known = {each.touchpoint_id for each in earlier}
    after = [each for each in after if each.touchpoint_id not in known]

    course = fold([*earlier, *after], RULES, now=START + 5000 * DAY)

    assert fold(earlier, RULES, now=START).stages == course.stages[: len(earlier)]


def fields(step: Step) -> dict[str, object]:
    return {name: getattr(step, name) for name in Step.__slots__}


def test_silence_lets_a_customer_fall_back_step_by_step_and_leave() -> None:
    rules = StageRules(
        rules=(StageRule(name="buys", stage=Stage.PURCHASE, kinds=frozenset({"purchase"})),),
        fall_backs={
            Stage.PURCHASE: FallBack(after=10 * DAY, to=Stage.CONSIDERATION),
            Stage.CONSIDERATION: FallBack(after=5 * DAY, to=None),
        },
    )

    course = fold([a_step("purchase", 0), a_step("other", 4)], rules, now=START + 30 * DAY)

    assert [Stage.PURCHASE, Stage.CONSIDERATION] == [each.stage for each in course.visits]
    assert [START + 14 * DAY, START + 19 * DAY] == [each.exit_time for each in course.visits]
    assert course.current is None


def test_what_staff_does_keeps_nobody() -> None:
    rules = StageRules(
        rules=(StageRule(name="buys", stage=Stage.PURCHASE, kinds=frozenset({"purchase"})),),
        fall_backs={Stage.PURCHASE: FallBack(after=10 * DAY, to=None)},
    )

    course = fold([a_step("purchase", 0), a_step("reply", 9, own=False)], rules, now=START + 11 * DAY)

    assert course.visits[0].exit_time == START + 10 * DAY


def test_history_counts_only_within_its_time() -> None:
    rules = StageRules(
        rules=(
            StageRule(
                name="third-in-a-month",
                stage=Stage.ADVOCACY,
                kinds=frozenset({"purchase"}),
                history=(Earlier(kinds=frozenset({"purchase"}), at_least=2, within=30 * DAY),),
            ),
            StageRule(name="buys", stage=Stage.PURCHASE, kinds=frozenset({"purchase"})),
        )
    )

    course = fold([a_step("purchase", day) for day in (0, 20, 29, 100, 131)], rules, now=START)

    assert [Stage.PURCHASE, Stage.PURCHASE, Stage.ADVOCACY, Stage.PURCHASE, Stage.PURCHASE] == list(course.stages)


def test_cancelling_leaves_and_coming_back_begins_anew() -> None:
    course = fold([a_step("purchase", 0), a_step("cancellation", 1), a_step("view", 50)], RULES, now=START + 51 * DAY)

    assert [Stage.PURCHASE, Stage.RETENTION, Stage.CONSIDERATION] == [each.stage for each in course.visits]
    assert [Turn.TOUCHPOINT, Turn.LEFT, None] == [each.exit for each in course.visits]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rules:\n  - name: a\n    stage: bought\n", 3),
        ("rules:\n  - name: a\n    stage: purchase\n    kinds: [buy]\n", 4),
        ("rules:\n  - {name: a, stage: purchase}\nfall_back:\n  purchase: {after: soon}\n", 4),
        ("rules:\n  - {name: a, stage: purchase}\nfall_back:\n  purchase: {after: 1d, to: advocacy}\n", 1),
        ("rules:\n  - name: a\n    stage: purchase\n    history:\n      - {at_least: 3, at_most: 1}\n", 5),
        ("rules: []\n", 1),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "stages.yaml"
    path.write_text(text)

    with pytest.raises(PolicyRefused) as refused:
        stages.load(path)

    assert f"stages.yaml:{line}: " in str(refused.value)


def test_a_file_that_breaks_leaves_standing_what_it_said_before(tmp_path: Path) -> None:
    path = tmp_path / "stages.yaml"
    path.write_text("rules:\n  - {name: a, stage: purchase}\n")
    watched = Watched(path, stages.load, what="stages")

    path.write_text("rules: [")
    watched.refresh()
    broken = watched.current
    path.write_text("rules:\n  - {name: b, stage: none}\n")
    watched.refresh()

    assert "a" == broken.rules[0].name
    assert ("b", None) == (watched.current.rules[0].name, watched.current.rules[0].stage)


def test_the_standard_rules_are_those_of_the_local_deployment() -> None:
    local = Path(__file__).parents[3] / "deploy/local/policies/stages.yaml"

    assert RULES == stages.load(local)
