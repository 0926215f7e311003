"""Groups of customers by what their journeys say."""

import datetime as dt
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sori_journey.domain.paths import Summary
from sori_journey.domain.stages import Step

Bounds = Mapping[str, Sequence[float]]  # the four borders between fifths, by measure
_DAY = 86_400.0
_TREND = dt.timedelta(days=90)
_STEEP = 0.25  # change of mood between the two halves of what was said
NEVER = 100_000.0  # days since something that never was


@dataclass(frozen=True, slots=True, kw_only=True)
class Rfm:
    """Fifths of all who bought, 5 is best; 0 for who never did."""

    recency: int = 0
    frequency: int = 0
    monetary: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRule:
    """A segment and who is in it."""

    name: str
    title_ko: str
    title_en: str
    condition: str
    holds: Callable[[Mapping[str, object]], bool]


def measures(summary: Summary) -> dict[str, float] | None:
    """Give what fifths are made of; None for who never bought."""
    if summary.last_purchase_time is None:
        return None
    return {
        "recency": summary.last_purchase_time.timestamp(),
        "frequency": float(summary.purchase_count),
        "monetary": summary.spent,
    }


def rfm(summary: Summary, bounds: Bounds) -> Rfm:
    """Give a customer's fifths; the same figures give the same fifths."""
    values = measures(summary)
    if values is None:
        return Rfm()
    fifth = {name: 1 + bisect_left(bounds.get(name, ()), value) for name, value in values.items()}
    return Rfm(recency=fifth["recency"], frequency=fifth["frequency"], monetary=fifth["monetary"])


def trend(steps: Sequence[Step], now: dt.datetime) -> str:
    """Say how what a customer said in the last 90 days changed: rising, falling, steady, or unknown."""
    said = [each.mood for each in steps if each.mood is not None and now - _TREND <= each.time <= now]
    if len(said) < 2:
        return "unknown"
    half = len(said) // 2
    change = sum(said[-half:]) / half - sum(said[:half]) / half
    return "rising" if change >= _STEEP else "falling" if change <= -_STEEP else "steady"


def loyalty(nps: float | None) -> str:
    """Say what the latest answer to the NPS question makes of a customer."""
    if nps is None:
        return "unknown"
    return "promoter" if nps >= 9 else "detractor" if nps <= 6 else "passive"


def facts(
    summary: Summary,
    steps: Sequence[Step],
    bounds: Bounds,
    *,
    churn_risk: float | None,
    complaint_risk: float | None,
    now: dt.datetime,
) -> dict[str, object]:
    """Give what conditions may ask for under `customer`."""

    def ago(time: dt.datetime | None) -> float:
        return (now - time).total_seconds() / _DAY if time else NEVER

    own = [each for each in steps if each.own]
    late = [each for each in steps if now - _TREND <= each.time <= now]
    said = [each.mood for each in late if each.mood is not None]
    fifths = rfm(summary, bounds)
    return {
        "rfm": {"recency": fifths.recency, "frequency": fifths.frequency, "monetary": fifths.monetary},
        "purchase_count": summary.purchase_count,
        "spent": summary.spent,
        "days_since_purchase": ago(summary.last_purchase_time),
        "days_since_last": ago(own[-1].time if own else None),
        "tenure_days": ago(summary.first_time),
        "touchpoint_count": len(steps),
        "stage": summary.stage.value if summary.stage else "",
        "days_in_stage": ago(summary.stage_time),
        "mood": sum(said) / len(said) if said else 0.0,
        "mood_trend": trend(steps, now),
        "loyalty": loyalty(summary.nps),
        "nps": -1.0 if summary.nps is None else summary.nps,
        "kinds": dict(Counter(each.kind for each in own)),
        "kinds_90d": dict(Counter(each.kind for each in own if each.time >= now - _TREND)),
        "channels": sorted({each.channel for each in own}),
        "topics": sorted({topic for each in late for topic in each.topics}),
        "org_units": sorted({each.org_unit for each in steps} - {""}),
        "products": sorted({each.product for each in steps} - {""}),
        "churn_risk": churn_risk or 0.0,
        "complaint_risk": complaint_risk or 0.0,
    }
