"""Messages, acts and promises for the tests of notify's rules; everything has a default."""

import datetime as dt
import itertools
import uuid

from sori_notify.domain import (
    ALWAYS,
    Act,
    ActKind,
    Actor,
    Calendar,
    Channel,
    Clock,
    Kind,
    Message,
    Metric,
    Promise,
    Target,
    tell,
)

NOON = dt.datetime(2026, 11, 2, 3, 0, tzinfo=dt.UTC)  # A Monday noon in Seoul.
THREAD = uuid.UUID(int=1)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
SETTLE = dt.timedelta(seconds=10)
_numbers = itertools.count(1000)
HOURS = ((9 * 3600, 12 * 3600), (13 * 3600, 18 * 3600))
OFFICE = Calendar(name="office", zone="Asia/Seoul", weekly=(HOURS,) * 5 + ((), ()))


def at(minute: float) -> dt.datetime:
    """A moment after noon."""
    return NOON + minute * MINUTE


def a_target(metric: Metric = Metric.FIRST_RESPONSE, minutes: float = 5, **fields: object) -> Target:
    """A target."""
    return Target(metric=metric, amount=minutes * MINUTE, **{"calendar": ALWAYS, **fields})  # type: ignore[arg-type]


def a_promise(*targets: Target, policy: str = "live", reopen_within: dt.timedelta = 60 * MINUTE) -> Promise:
    """A promise; a first response in five minutes unless targets are given."""
    return Promise(policy=policy, targets=targets or (a_target(),), reopen_within=reopen_within)


PROMISE = a_promise()


def a_message(
    minute: float = 0,
    actor: Actor = Actor.CUSTOMER,
    kind: Kind = Kind.INQUIRY,
    *,
    number: int = 0,
    promise: Promise | None = PROMISE,
    revision: int = 0,
    public: bool = True,
) -> Message:
    """A message of a thread."""
    opens = actor is Actor.CUSTOMER and kind in (Kind.INQUIRY, Kind.COMPLAINT)
    return Message(
        touchpoint_id=uuid.UUID(int=number or next(_numbers)),
        revision=revision,
        case_id=THREAD,
        source="kakao-main",
        thread_id="t-1",
        actor=actor,
        kind=kind,
        channel=Channel.KAKAO,
        org_unit="seoul-1",
        topics=("delivery",),
        customer_id=None,
        occurred_time=at(minute),
        opens=opens,
        promise=promise,
        public=public,
    )


def a_reply(minute: float, actor: Actor = Actor.AGENT, kind: Kind = Kind.REPLY, **fields: object) -> Message:
    """An answer."""
    return a_message(minute, actor, kind, **fields)  # type: ignore[arg-type]


def an_act(minute: float, kind: ActKind, *, number: int = 0, case_id: uuid.UUID | None = None, **fields: str) -> Act:
    """Something that somebody did."""
    act_id = uuid.UUID(int=(1 << 64) + (number or next(_numbers)))
    return Act(act_id=act_id, case_id=case_id, kind=kind, time=at(minute), actor="kim", **fields)  # type: ignore[arg-type]


def the_clock(
    *events: Message | Act, metric: Metric = Metric.FIRST_RESPONSE, instance: int = 1, now: dt.datetime | None = None
) -> Clock:
    """The clock of the only case that these events tell of."""
    (case,) = tell(
        [each for each in events if isinstance(each, Message)],
        [each for each in events if isinstance(each, Act)],
        now=now,
    )
    return next(each for each in case.clocks if (each.metric, each.instance) == (metric, instance))
