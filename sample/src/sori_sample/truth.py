"""What is really in the sample, for tests and demonstrations to compare with."""

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_sample.company import CALL_CENTER, DELIVERY_TEAM
from sori_sample.conversations import Thread
from sori_sample.journal import Entry
from sori_sample.staff import StaffMonth, StaffWeek
from sori_sample.stories import FALLING_SHOP, PROMISE_MINUTES, Plan
from sori_sample.texts import Sentiment
from sori_sample.window import DAY_COUNT, SEOUL, week_name

NOTICE: Final = "Made up by sori_sample. No customer, employee, order or word in it is real."


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a text is meant to say."""

    sentiment: str
    topic: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Something that happened on purpose."""

    name: str
    title: str
    org_units: Sequence[str]
    channels: Sequence[str]
    first_day: str  # ISO date, inclusive
    last_day: str  # ISO date, inclusive
    expectation: str
    figures: Mapping[str, float | int | None]
    touchpoints: Sequence[str]  # references of those made for it


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWeek:
    """What to expect of one shop or team in one ISO week; weeks at the ends of the window are cut."""

    org_unit: str
    week: str
    touchpoint_count: int
    negative_count: int
    neutral_count: int
    positive_count: int
    nps_count: int
    nps: float | None
    csat_count: int
    csat: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything that was put into the sample; touchpoints are named as `source/external_id`."""

    notice: str
    seed: int
    start: str  # ISO date, inclusive
    end: str  # ISO date, exclusive
    submitted: int
    valid_distinct: int
    duplicates: int
    invalid: int
    duplicate_references: Sequence[str]
    invalid_reasons: Mapping[str, str]
    customers: Mapping[str, Sequence[str]]
    unidentified: Sequence[str]
    labels: Mapping[str, Label]
    threads: Sequence[Thread]
    stories: Sequence[Story]
    unit_weeks: Sequence[UnitWeek]
    voices: int
    pulses: int
    responses: int
    staff_weeks: Sequence[StaffWeek]
    counts: Mapping[str, Mapping[str, int]]

    def to_json(self) -> str:
        """Return it as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def customers(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Return each customer's touchpoints."""
    found: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.customer:
            found[entry.customer.key].append(entry.reference)
    return dict(sorted(found.items()))


def labels(entries: Sequence[Entry]) -> dict[str, Label]:
    """Return what each text is meant to say."""
    return {
        entry.reference: Label(sentiment=entry.said.sentiment, topic=entry.said.topic, language=entry.said.language)
        for entry in entries
        if entry.said
    }


def unit_weeks(entries: Sequence[Entry]) -> list[UnitWeek]:
    """Return the customers' figures by shop or team and week, moods as intended."""
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.touchpoint.org_unit, week_name(_day(entry))].append(entry)
    found = []
    for (unit, week), members in sorted(groups.items()):
        moods = Counter(entry.said.sentiment for entry in members if entry.said and _by_customer(entry))
        nps, csat = _scores(members, pb.SURVEY_TYPE_NPS), _scores(members, pb.SURVEY_TYPE_CSAT)
        found.append(
            UnitWeek(
                org_unit=unit,
                week=week,
                touchpoint_count=len(members),
                negative_count=moods[Sentiment.NEGATIVE],
                neutral_count=moods[Sentiment.NEUTRAL],
                positive_count=moods[Sentiment.POSITIVE],
                nps_count=len(nps),
                nps=_nps(nps),
                csat_count=len(csat),
                csat=_csat(csat),
            )
        )
    return found


def stories(entries: Sequence[Entry], threads: Sequence[Thread], staff: StaffMonth, plan: Plan) -> list[Story]:
    """Describe the three stories, with figures counted in what was made."""
    return [_delivery_failure(entries, plan), _falling_shop(entries, staff, plan), _call_queue(entries, threads, plan)]


def counts(entries: Sequence[Entry]) -> dict[str, dict[str, int]]:
    """Count the valid, distinct touchpoints by what one may ask for."""
    by: dict[str, Callable[[Entry], str]] = {
        "channel": lambda entry: pb.Channel.Name(entry.touchpoint.channel),
        "kind": lambda entry: pb.TouchpointKind.Name(entry.touchpoint.kind),
        "actor": lambda entry: pb.Actor.Name(entry.touchpoint.actor),
        "org_unit": lambda entry: entry.touchpoint.org_unit,
        "source": lambda entry: entry.touchpoint.source,
        "language": lambda entry: entry.said.language if entry.said else "",
        "sentiment": lambda entry: entry.said.sentiment.value if entry.said else "",
    }
    return {name: dict(sorted(Counter(map(key, entries)).items())) for name, key in by.items()}


def _delivery_failure(entries: Sequence[Entry], plan: Plan) -> Story:
    first, last = plan.failure_days[0], plan.failure_days[-1]
    complaints = [
        entry
        for entry in entries
        if entry.said
        and _by_customer(entry)
        and (entry.said.topic, entry.said.sentiment) == ("delivery", Sentiment.NEGATIVE)
    ]
    mentions = [entry for entry in complaints if entry.touchpoint.kind == pb.TOUCHPOINT_KIND_MENTION]
    usual_days = DAY_COUNT - len(plan.failure_days)

    def during(found: Sequence[Entry]) -> int:
        return sum(first <= _day(entry) <= last for entry in found)

    return Story(
        name="delivery-failure",
        title="The sorting line stops; three days of lost parcels spread on SNS",
        org_units=[DELIVERY_TEAM.name],
        channels=["SNS", "KAKAO", "CALL_CENTER", "CHAT", "EMAIL", "DELIVERY"],
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        expectation="a spike of negative mentions and of complaints about delivery for three days, then calm",
        figures={
            "negative_delivery_mentions_in_failure": during(mentions),
            "negative_delivery_mentions_on_all_other_days": len(mentions) - during(mentions),
            "negative_delivery_texts_a_day_in_failure": round(during(complaints) / len(plan.failure_days), 1),
            "negative_delivery_texts_a_day_otherwise": round((len(complaints) - during(complaints)) / usual_days, 1),
        },
        touchpoints=_made_for("delivery-failure", entries),
    )


def _falling_shop(entries: Sequence[Entry], staff: StaffMonth, plan: Plan) -> Story:
    at_shop = [entry for entry in entries if entry.touchpoint.org_unit == FALLING_SHOP]
    before = [entry for entry in at_shop if _day(entry) < plan.customer_fall]
    after = [entry for entry in at_shop if _day(entry) >= plan.customer_fall]
    weeks = [week for week in staff.weeks if week.org_unit == FALLING_SHOP]
    return Story(
        name="falling-shop",
        title="Hongdae's staff lose heart; two weeks later its customers do",
        org_units=[FALLING_SHOP],
        channels=["SURVEY", "REVIEW", "STORE", "KAKAO", "SNS"],
        first_day=plan.staff_fall.isoformat(),
        last_day=(plan.window.end - dt.timedelta(days=1)).isoformat(),
        expectation=f"eNPS falls in {week_name(plan.staff_fall)}; CSAT, NPS and mood of customers fall in "
        f"{week_name(plan.customer_fall)}, two weeks later; the other shops stay as they are",
        figures={
            "lag_weeks": (plan.customer_fall - plan.staff_fall).days // 7,
            **{f"enps_{week.week}": week.enps for week in weeks},
            "csat_before": _csat(_scores(before, pb.SURVEY_TYPE_CSAT)),
            "csat_after": _csat(_scores(after, pb.SURVEY_TYPE_CSAT)),
            "nps_before": _nps(_scores(before, pb.SURVEY_TYPE_NPS)),
            "nps_after": _nps(_scores(after, pb.SURVEY_TYPE_NPS)),
            "negative_share_before": _negative_share(before),
            "negative_share_after": _negative_share(after),
        },
        touchpoints=_made_for("falling-shop", entries),
    )


def _call_queue(entries: Sequence[Entry], threads: Sequence[Thread], plan: Plan) -> Story:
    broken_days = [day for day in plan.window.days if plan.queue_breaks(day)]

    def opened(thread: Thread) -> dt.date:
        return dt.datetime.fromisoformat(thread.opened_time).date()

    calls = [thread for thread in threads if thread.channel == "CHANNEL_CALL_CENTER"]
    kakao = [thread for thread in threads if thread.channel == "CHANNEL_KAKAO" and thread.in_hours]
    return Story(
        name="call-queue",
        title="The call centre's queue outgrows its people",
        org_units=[CALL_CENTER.name],
        channels=["CALL_CENTER"],
        first_day=broken_days[0].isoformat(),
        last_day=broken_days[-1].isoformat(),
        expectation="most calls are first answered within five minutes before, most are not in the last ten days; "
        "KakaoTalk keeps its five minutes throughout",
        figures={
            "promise_minutes": PROMISE_MINUTES,
            "call_threads_before": sum(not plan.queue_breaks(opened(thread)) for thread in calls),
            "call_threads_in_last_ten_days": sum(plan.queue_breaks(opened(thread)) for thread in calls),
            "call_kept_share_before": _kept([one for one in calls if not plan.queue_breaks(opened(one))]),
            "call_kept_share_in_last_ten_days": _kept([one for one in calls if plan.queue_breaks(opened(one))]),
            "kakao_kept_share": _kept(kakao),
        },
        touchpoints=_made_for("call-queue", entries),
    )


def _made_for(story: str, entries: Iterable[Entry]) -> list[str]:
    return [entry.reference for entry in entries if entry.story == story]


def _by_customer(entry: Entry) -> bool:
    return entry.touchpoint.actor == pb.ACTOR_CUSTOMER


def _day(entry: Entry) -> dt.date:
    return entry.touchpoint.occurred_time.ToDatetime(dt.UTC).astimezone(SEOUL).date()


def _scores(entries: Iterable[Entry], survey: pb.SurveyType.ValueType) -> list[float]:
    return [
        entry.touchpoint.survey.score
        for entry in entries
        if entry.touchpoint.HasField("survey") and entry.touchpoint.survey.type == survey
    ]


def _nps(scores: Sequence[float]) -> float | None:
    if not scores:
        return None
    return round((sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)) / len(scores) * 100, 1)


def _csat(scores: Sequence[float]) -> float | None:
    return round(sum(score >= 4 for score in scores) / len(scores), 3) if scores else None


def _negative_share(entries: Iterable[Entry]) -> float | None:
    moods = [entry.said.sentiment for entry in entries if entry.said and _by_customer(entry)]
    return round(sum(mood == Sentiment.NEGATIVE for mood in moods) / len(moods), 3) if moods else None


def _kept(threads: Sequence[Thread]) -> float | None:
    answers = [thread.first_answer_minutes for thread in threads]
    kept = sum(minutes is not None and minutes <= PROMISE_MINUTES for minutes in answers)
    return round(kept / len(threads), 3) if threads else None
