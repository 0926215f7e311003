"""Nobody can be singled out by subtracting pulse results from each other, however often they were read."""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from sori_ee_feedback import domain
from sori_ee_feedback.domain import Cell, Marks, PulseCell, State

WEEK = "2026-W46"
READ = "read"
SHOPS = ["busan", "daegu", "gangnam", "jeju", "online"]


@dataclass
class Company:
    """One week of a company, and all that a viewer who misses nothing was ever shown of it."""

    k: int
    people: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # by shop
    states: dict[str, State] = field(default_factory=dict)
    total: bool = False
    seen: list[frozenset[int]] = field(default_factory=list)  # The people behind each figure.
    born: int = 0

    def answer(self, shop: str, count: int) -> None:
        """Let new people answer, where answers are still taken."""
        if self.states.setdefault(shop, State.OPEN) is State.OPEN:
            self.people[shop] |= set(range(self.born, self.born + count))
            self.born += count

    def cells(self) -> list[PulseCell]:
        return [
            PulseCell(
                Cell(shop, WEEK), self.states[shop], Marks(respondents=len(people), promoters=0, detractors=len(people))
            )
            for shop, people in self.people.items()
        ]

    def read(self) -> list[domain.Result]:
        """Release what may be released, and look at it."""
        decision = domain.decide(self.cells(), total_shown=self.total, k=self.k)
        self.total = decision.total_shown
        self.states |= {each.cell.org_unit: State.SHOWN for each in decision.shown}
        self.states |= {each.cell.org_unit: State.SEALED for each in decision.sealed}
        results = domain.results(self.cells(), {WEEK} if self.total else set())
        for result in results:
            if result.marks is not None:
                shops = [result.cell.org_unit] if result.cell.org_unit else self.decided()
                self.seen.append(frozenset[int]().union(*(self.people[shop] for shop in shops)))
                assert result.marks.respondents == len(self.seen[-1])
        return results

    def decided(self) -> list[str]:
        return [shop for shop, state in self.states.items() if state is not State.OPEN]


def rank(rows: list[list[Fraction]]) -> int:
    """The rank of a matrix, exactly."""
    rows, found = [row[:] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for index in range(found + 1, len(rows)):
            factor = rows[index][column] / pivot[column]
            rows[index] = [a - factor * b for a, b in zip(rows[index], pivot, strict=True)]
        found += 1
    return found


def smallest_group_left_by_subtraction(seen: list[frozenset[int]]) -> int | None:
    """The fewest people on whom any sum or difference of the figures depends; None when there are no figures."""
    atoms: dict[tuple[bool, ...], int] = defaultdict(int)  # People who are in the same figures cannot be told apart.
    for person in frozenset[int]().union(*seen):
        atoms[tuple(person in group for group in seen)] += 1
    kinds = list(atoms)
    rows = [[Fraction(kind[figure]) for kind in kinds] for figure in range(len(seen))]
    full = rank(rows)
    groups = [
        sum(atoms[kind] for kind in inside)
        for count in range(1, len(kinds) + 1)
        for inside in combinations(kinds, count)
        if rank([[value for value, kind in zip(row, kinds, strict=True) if kind not in inside] for row in rows]) < full
    ]
    return min(groups, default=None)


answers = st.tuples(st.sampled_from(SHOPS), st.integers(1, 9))


@settings(max_examples=300, deadline=None)
@given(st.integers(3, 6), st.lists(answers | st.just(READ), max_size=14))
def test_no_group_of_fewer_than_k_can_be_isolated(k: int, history: list[tuple[str, int] | str]) -> None:
    company = Company(k)

    for step in [*history, READ]:
        if isinstance(step, tuple):
            company.answer(*step)
        else:
            company.read()

    smallest = smallest_group_left_by_subtraction(company.seen)
    assert smallest is None or smallest >= k


@given(st.integers(3, 6), st.lists(answers, max_size=14))
def test_a_result_once_shown_never_changes(k: int, history: list[tuple[str, int]]) -> None:
    company = Company(k)
    shown: dict[str, Marks] = {}

    for step in history:
        company.answer(*step)
        for result in company.read():
            if result.marks is not None and result.cell.org_unit:
                assert shown.setdefault(result.cell.org_unit, result.marks) == result.marks

    assert set(shown) == {shop for shop, state in company.states.items() if state is State.SHOWN}


@given(st.integers(3, 6), st.lists(answers, max_size=10))
def test_the_order_of_answers_decides_nothing(k: int, history: list[tuple[str, int]]) -> None:
    one, other = Company(k), Company(k)

    for step in history:
        one.answer(*step)
    for step in sorted(history):
        other.answer(*step)

    assert one.read() == other.read()


def total_of(company: Company) -> Marks | None:
    return next((result.marks for result in company.read() if not result.cell.org_unit), None)


def test_one_withheld_shop_takes_the_total_with_it() -> None:
    company = Company(5)
    company.answer("gangnam", 20)
    company.answer("jeju", 3)

    assert total_of(company) is None


def test_withheld_shops_that_are_a_crowd_together_leave_the_total() -> None:
    company = Company(5)
    company.answer("gangnam", 20)
    company.answer("jeju", 3)
    company.answer("daegu", 2)

    total = total_of(company)

    assert total is not None
    assert total.respondents == 25


def test_the_total_comes_when_the_last_small_shop_has_enough() -> None:
    company = Company(5)
    company.answer("gangnam", 20)
    company.answer("jeju", 3)
    company.read()

    company.answer("jeju", 2)

    total = total_of(company)
    assert total is not None
    assert total.respondents == 25


def test_a_total_once_shown_stays_and_only_shown_shops_join_it() -> None:
    company = Company(5)
    company.answer("gangnam", 20)
    company.read()

    company.answer("jeju", 3)
    with_a_small_shop = total_of(company)
    company.answer("jeju", 4)
    with_a_large_one = total_of(company)

    assert with_a_small_shop is not None
    assert with_a_small_shop.respondents == 20
    assert with_a_large_one is not None
    assert with_a_large_one.respondents == 27
