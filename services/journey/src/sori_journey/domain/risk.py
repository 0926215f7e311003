"""What is to be expected of a customer: the features of a timeline that a model scores."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sori_journey.domain.stages import Step

CHURN_HORIZON = dt.timedelta(days=14)
COMPLAINT_HORIZON = dt.timedelta(days=14)
NEGATIVE = -0.3  # A mood below is a complaint, whatever it was called.
_LONG = 60.0  # days: what lies further back is as far back
_DAY = 86_400.0
_ASKS, _ANSWERS = ("inquiry", "complaint"), ("reply", "resolution")

FEATURES = (
    "days_since_last",
    "own_7d",
    "own_30d",
    "tenure_days",
    "purchases",
    "days_since_purchase",
    "mood",
    "mood_last",
    "negative_14d",
    "complaints_30d",
    "refunds",
    "cancellations",
    "unanswered",
    "channels",
    "views_14d",
)
TEXTS: Mapping[str, tuple[str, str]] = {
    "days_since_last": ("마지막 활동 이후 지난 날", "days since the last activity"),
    "own_7d": ("최근 7일 활동 수", "activities in the last 7 days"),
    "own_30d": ("최근 30일 활동 수", "activities in the last 30 days"),
    "tenure_days": ("알고 지낸 날", "days known to the company"),
    "purchases": ("구매 횟수", "purchases"),
    "days_since_purchase": ("마지막 구매 이후 지난 날", "days since the last purchase"),
    "mood": ("최근 감정의 평균", "mean mood of late"),
    "mood_last": ("마지막 감정", "latest mood"),
    "negative_14d": ("최근 14일 부정적인 말", "negative words in the last 14 days"),
    "complaints_30d": ("최근 30일 불만", "complaints in the last 30 days"),
    "refunds": ("환불 횟수", "refunds"),
    "cancellations": ("해지 횟수", "cancellations"),
    "unanswered": ("답을 받지 못한 문의", "a question nobody has answered"),
    "channels": ("이용한 채널 수", "channels used"),
    "views_14d": ("최근 14일 둘러본 횟수", "views in the last 14 days"),
}


class RiskKind(StrEnum):
    """What may happen."""

    CHURN = "churn"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """How much a feature moves a risk."""

    feature: str
    value: float
    weight: float  # log-odds against the average customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What is to be expected, and why."""

    kind: RiskKind
    score: float  # 0 to 1
    reasons: tuple[Reason, ...]  # of those that raise it, strongest first


def features(steps: Sequence[Step], now: dt.datetime) -> tuple[float, ...] | None:
    """Describe a timeline, by time, as of a moment; None for somebody who has done nothing themselves by then."""
    seen = [each for each in steps if each.time <= now]
    own = [each for each in seen if each.own]
    if not own:
        return None
    days = [(now - each.time).total_seconds() / _DAY for each in own]
    felt = [each.mood for each in own if each.mood is not None]
    bought = [age for each, age in zip(own, days, strict=True) if each.kind == "purchase"]
    late = felt[-3:]
    values: dict[str, float] = {
        "days_since_last": min(days[-1], _LONG),
        "own_7d": sum(age <= 7 for age in days),
        "own_30d": sum(age <= 30 for age in days),
        "tenure_days": min(days[0], 365.0),
        "purchases": len(bought),
        "days_since_purchase": min(bought[-1], _LONG) if bought else _LONG,
        "mood": sum(late) / len(late) if late else 0.0,
        "mood_last": felt[-1] if felt else 0.0,
        "negative_14d": sum(
            each.mood is not None and each.mood < NEGATIVE and age <= 14 for each, age in zip(own, days, strict=True)
        ),
        "complaints_30d": sum(each.kind == "complaint" and age <= 30 for each, age in zip(own, days, strict=True)),
        "refunds": sum(each.kind == "refund" for each in seen),
        "cancellations": sum(each.kind == "cancellation" for each in seen),
        "unanswered": float(_unanswered(seen)),
        "channels": len({each.channel for each in own}),
        "views_14d": sum(
            each.kind in ("view", "cart", "visit") and age <= 14 for each, age in zip(own, days, strict=True)
        ),
    }
    return tuple(float(values[name]) for name in FEATURES)


def _unanswered(steps: Sequence[Step]) -> bool:
    for each in reversed(steps):
        if not each.own and each.kind in _ANSWERS:
            return False
        if each.own and each.kind in _ASKS:
            return True
    return False


def churned(steps: Sequence[Step], now: dt.datetime) -> bool:
    """Say whether, as it turned out, the customer did nothing themselves within the horizon."""
    return not any(each.own and now < each.time <= now + CHURN_HORIZON for each in steps)


def complained(steps: Sequence[Step], now: dt.datetime) -> bool:
    """Say whether, as it turned out, the customer complained or wrote something negative within the horizon."""
    return any(
        each.own
        and now < each.time <= now + COMPLAINT_HORIZON
        and (each.kind == "complaint" or (each.mood is not None and each.mood < NEGATIVE))
        for each in steps
    )
