"""A customer's journey in short: what is kept beside the timeline so that many can be counted at once."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sori_journey.domain.stages import Course, Stage, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What of a journey rules about customers ask for again and again."""

    first_time: dt.datetime
    last_time: dt.datetime
    stage: Stage | None
    stage_time: dt.datetime | None
    purchase_count: int
    spent: float
    last_purchase_time: dt.datetime | None
    nps: float | None  # the latest answer, 0 to 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A journey as it is kept."""

    path_id: uuid.UUID  # the customer; of nobody's touchpoint, the touchpoint
    known: bool
    steps: bytes
    step_count: int
    summary: Summary
    churn_risk: float | None = None
    complaint_risk: float | None = None
    scored_time: dt.datetime | None = None


def summarise(course: Course) -> Summary:
    """Sum a journey up; it has at least one step."""
    purchases = [each for each in course.steps if each.kind == "purchase"]
    answers = [each.nps for each in course.steps if each.nps is not None]
    current = course.current
    return Summary(
        first_time=course.steps[0].time,
        last_time=course.steps[-1].time,
        stage=current.stage if current else None,
        stage_time=current.entry_time if current else None,
        purchase_count=len(purchases),
        spent=spent(course.steps),
        last_purchase_time=purchases[-1].time if purchases else None,
        nps=answers[-1] if answers else None,
    )


def spent(steps: Sequence[Step]) -> float:
    """Add up what was paid, less what was given back."""
    return round(sum(each.amount for each in steps if each.amount is not None), 2)
