"""Conversations: what customers ask, who answers how fast, and how it ends."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_sample.commerce import Order
from sori_sample.company import CALL_CENTER, DELIVERY_TEAM, HQ_CX, Unit
from sori_sample.customers import ChannelValue, Customer, Identity
from sori_sample.decks import Deck, parts
from sori_sample.journal import SOURCES, ActorValue, Entry, Journal, KindValue, kind_of
from sori_sample.stories import (
    CSAT_CARDS,
    FAILURE_FIRST_DAY,
    FALLING_SHOP,
    PROMISE_MINUTES,
    TEXT_CARDS,
    Mood,
    Plan,
)
from sori_sample.texts import Author, Said, Sentiment
from sori_sample.window import at

SHOP_TOPICS: Final = frozenset({"staff_attitude", "waiting", "shop", "product_quality", "safety"})
FELT_IN_SHOP: Final = ("staff_attitude", "waiting", "shop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """How one channel's conversations are run."""

    channel: ChannelValue
    count: int  # conversations in a usual month
    opens: float  # hour
    closes: float  # hour; late enough answers still fall before the people go home
    weekends: bool
    quick: bool  # promises a first answer in five minutes
    bot_share: float  # 0 to 1
    failure_count: int  # extra complaints while deliveries fail
    scene: str = "threads"
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation as it really went."""

    source: str
    thread_id: str
    channel: str
    org_unit: str
    opening: str  # reference of the first touchpoint
    kind: str
    opened_time: str  # ISO 8601 with +09:00
    in_hours: bool  # whether somebody was on duty when it began
    first_answer_minutes: float | None  # by a person, bots left out; None when there is none inside the window
    story: str


DESKS: Final = (
    Desk(
        channel=pb.CHANNEL_KAKAO, count=104, opens=9.1, closes=20.0, weekends=True, quick=True, bot_share=0.7,
        failure_count=24,
    ),
    Desk(
        channel=pb.CHANNEL_CALL_CENTER, count=112, opens=9.1, closes=16.9, weekends=False, quick=True, bot_share=0.1,
        failure_count=16,
    ),
    Desk(
        channel=pb.CHANNEL_CHAT, count=38, opens=9.1, closes=20.0, weekends=True, quick=True, bot_share=0.6,
        failure_count=10,
    ),
    Desk(
        channel=pb.CHANNEL_EMAIL, count=36, opens=7.0, closes=23.0, weekends=True, quick=False, bot_share=0.3,
        failure_count=8,
    ),
    Desk(
        channel=pb.CHANNEL_WEB, count=22, opens=8.0, closes=23.5, weekends=True, quick=False, bot_share=0.0,
        failure_count=0, source="web-board",
    ),
    Desk(
        channel=pb.CHANNEL_STORE, count=44, opens=9.0, closes=20.5, weekends=True, quick=False, bot_share=0.0,
        failure_count=0, scene="surveys", source="shop-voc",
    ),
    Desk(
        channel=pb.CHANNEL_DELIVERY, count=12, opens=9.0, closes=20.0, weekends=True, quick=False, bot_share=0.0,
        failure_count=10,
    ),
)  # fmt: skip
KEPT_CARDS: Final[Mapping[str, Sequence[str]]] = {
    "usual": parts(kept=23, late=2),
    "call": parts(kept=9, late=1),
    "broken": parts(kept=3, late=6, never=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    customer: Customer
    day: dt.date
    sentiment: Sentiment
    topics: Sequence[str]
    story: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """What all turns of one conversation share."""

    desk: Desk
    customer: Customer
    identities: Sequence[Identity]
    unit: Unit
    source: str
    thread_id: str
    topic: str
    sentiment: Sentiment
    order_id: str
    story: str


class Conversations:
    """Holds every conversation of the month."""

    def __init__(self, customers: Sequence[Customer], orders: Sequence[Order], plan: Plan, journal: Journal) -> None:
        self.threads: list[Thread] = []
        self._customers = customers
        self._plan = plan
        self._journal = journal
        self._rng = journal.rng
        self._author = Author(self._rng)
        self._order_ids: dict[str, list[tuple[dt.datetime, str]]] = defaultdict(list)
        for order in orders:
            self._order_ids[order.customer.key].append((order.time, order.id))
        self._kept = {name: Deck(cards, self._rng) for name, cards in KEPT_CARDS.items()}
        self._moods = {mood: Deck(cards, self._rng) for mood, cards in TEXT_CARDS.items()}
        self._csat = {mood: Deck(cards, self._rng) for mood, cards in CSAT_CARDS.items()}

    def hold(self) -> None:
        """Hold them all."""
        for desk in DESKS:
            for opening in self._openings(desk):
                self._converse(desk, opening)

    def _openings(self, desk: Desk) -> list[_Opening]:
        rng, plan = self._rng, self._plan
        everyone = [customer for customer in self._customers if customer.reachable(desk.channel)]
        days = Deck(plan.window.days if desk.weekends else plan.window.weekdays, rng)
        found = []
        for _ in range(desk.count):
            customer, day = rng.choice(everyone), days.deal()
            mood = plan.customer_mood(customer.home.name, day)
            if desk.channel == pb.CHANNEL_CALL_CENTER:
                mood = Mood.USUAL
            topics: tuple[str, ...] = FELT_IN_SHOP if mood == Mood.FALLEN else ()
            if desk.scene == "surveys":
                topics = (*FELT_IN_SHOP, "product_quality")
            elif desk.channel == pb.CHANNEL_DELIVERY:
                topics = ("delivery",)
            sentiment = Sentiment(self._moods[mood].deal())
            found.append(_Opening(customer=customer, day=day, sentiment=sentiment, topics=topics))
        failure = [plan.window.day(FAILURE_FIRST_DAY + number) for number in (0, 0, 0, 0, 0, 1, 1, 1, 2, 2)]
        if not desk.weekends:
            reachable = [plan.window.day(FAILURE_FIRST_DAY + number) for number in range(5)]
            failure = [day for day in reachable if day.weekday() < 5][:3]
        failure_days = Deck(failure, rng)
        for _ in range(desk.failure_count):
            found.append(
                _Opening(
                    customer=rng.choice(everyone),
                    day=failure_days.deal(),
                    sentiment=Sentiment.NEGATIVE,
                    topics=("delivery",),
                    story="delivery-failure",
                )
            )
        if desk.channel in (pb.CHANNEL_KAKAO, pb.CHANNEL_STORE):
            regulars = [customer for customer in everyone if customer.home.name == FALLING_SHOP]
            fallen_days = Deck([day for day in plan.window.days if day >= plan.customer_fall], rng)
            for _ in range(9):
                found.append(
                    _Opening(
                        customer=rng.choice(regulars),
                        day=fallen_days.deal(),
                        sentiment=Sentiment.NEGATIVE,
                        topics=FELT_IN_SHOP,
                        story="falling-shop",
                    )
                )
        return sorted(found, key=lambda opening: opening.day)

    def _converse(self, desk: Desk, opening: _Opening) -> None:
        rng, customer = self._rng, opening.customer
        in_hours = not desk.quick or not desk.weekends or rng.random() < 0.96
        opened = at(opening.day, rng.uniform(desk.opens, desk.closes) if in_hours else rng.uniform(21.5, 23.8))
        order_id = next((id_ for time, id_ in reversed(self._order_ids[customer.key]) if time < opened), "")
        said = self._author.write(
            desk.scene,
            customer.language,
            opening.sentiment,
            topics=opening.topics,
            unit=customer.home,
            order_id=order_id,
        )
        source = desk.source or SOURCES[desk.channel]
        story = opening.story
        if desk.channel == pb.CHANNEL_CALL_CENTER and self._plan.queue_breaks(opening.day):
            story = story or "call-queue"
        course = _Course(
            desk=desk,
            customer=customer,
            identities=customer.known_at(desk.channel, rng),
            unit=_concerned(desk.channel, said.topic, customer),
            source=source,
            thread_id=f"{source}-{len(self.threads) + 1:04}",
            topic=said.topic,
            sentiment=said.sentiment,
            order_id=order_id,
            story=story,
        )
        kind = kind_of(said.sentiment)
        if kind == pb.TOUCHPOINT_KIND_COMPLAINT and desk.quick and rng.random() < 0.25:
            kind = pb.TOUCHPOINT_KIND_INQUIRY  # The source cannot tell.
        first = self._turn(course, opened, said, kind, pb.ACTOR_CUSTOMER)
        if first is None:
            return
        if rng.random() < desk.bot_share:
            self._reply(course, opened + dt.timedelta(seconds=rng.randrange(2, 9)), "bot", Sentiment.NEUTRAL)
        answered = self._answer_time(desk, opened, in_hours)
        inside = answered is not None and self._reply(course, answered, "agent", said.sentiment) is not None
        minutes = (answered - opened).total_seconds() / 60 if answered and inside else None
        self.threads.append(
            Thread(
                source=source,
                thread_id=course.thread_id,
                channel=pb.Channel.Name(desk.channel),
                org_unit=course.unit.name,
                opening=first.reference,
                kind=pb.TouchpointKind.Name(kind),
                opened_time=opened.isoformat(),
                in_hours=in_hours,
                first_answer_minutes=None if minutes is None else round(minutes, 2),
                story=story,
            )
        )
        if answered and minutes is not None:
            kept = not desk.quick or not in_hours or minutes <= PROMISE_MINUTES
            self._end(course, answered, kept=kept)

    def _answer_time(self, desk: Desk, opened: dt.datetime, in_hours: bool) -> dt.datetime | None:
        """Say when a person first answers, if ever."""
        rng = self._rng
        if not in_hours:
            return at(opened.date() + dt.timedelta(days=1), 9 + rng.uniform(0.005, 0.06))
        if not desk.quick:
            return None if rng.random() < 0.06 else _on_duty(opened + dt.timedelta(minutes=rng.uniform(25, 420)), rng)
        deck = "usual"
        if desk.channel == pb.CHANNEL_CALL_CENTER:
            deck = "broken" if self._plan.queue_breaks(opened.date()) else "call"
        outcome = self._kept[deck].deal()
        if outcome == "never":
            return None
        seconds = rng.randrange(20, 285) if outcome == "kept" else rng.randrange(370, 2_700)
        return opened + dt.timedelta(seconds=seconds)

    def _end(self, course: _Course, answered: dt.datetime, *, kept: bool) -> None:
        """Let the customer answer back or not, close the conversation, and ask how it was."""
        rng, time = self._rng, answered
        slow = 1 if course.desk.quick else 20
        if course.desk.channel != pb.CHANNEL_STORE and rng.random() < 0.5:
            unhappy = not kept or (course.sentiment == Sentiment.NEGATIVE and rng.random() < 0.45)
            pleased = Sentiment.POSITIVE if rng.random() < 0.6 else Sentiment.NEUTRAL
            time += dt.timedelta(minutes=slow * rng.uniform(0.5, 6))
            self._reply(course, time, "customer", Sentiment.NEGATIVE if unhappy else pleased)
            if unhappy:
                time = _on_duty(time + dt.timedelta(minutes=slow * rng.uniform(1, 4)), rng)
                self._reply(course, time, "agent", Sentiment.NEGATIVE)
        if rng.random() < 0.8:
            time += dt.timedelta(minutes=slow * rng.uniform(1, 15))
            self._reply(course, time, "resolution", Sentiment.NEUTRAL)
        if course.desk.channel == pb.CHANNEL_CALL_CENTER and rng.random() < 0.5:
            self._journal.add(
                channel=pb.CHANNEL_SURVEY,
                kind=pb.TOUCHPOINT_KIND_SURVEY_RESPONSE,
                time=time + dt.timedelta(minutes=rng.randrange(3, 90)),
                customer=course.customer,
                unit=course.unit.name,
                survey=(pb.SURVEY_TYPE_CSAT, self._csat[Mood.USUAL if kept else Mood.FALLEN].deal()),
                attributes={"about": course.thread_id},
                story=course.story,
            )

    def _reply(self, course: _Course, time: dt.datetime, speaker: str, sentiment: Sentiment) -> Entry | None:
        """Let a bot, an agent or the customer say something, or let an agent declare the matter done."""
        said = self._author.write(
            "followups" if speaker == "customer" else "answers",
            course.customer.language,
            sentiment,
            topics=() if speaker == "customer" else (speaker,),
            unit=course.customer.home,
            order_id=course.order_id,
            place=course.topic,
        )
        actor = {"bot": pb.ACTOR_BOT, "customer": pb.ACTOR_CUSTOMER}.get(speaker, pb.ACTOR_AGENT)
        kind = pb.TOUCHPOINT_KIND_RESOLUTION if speaker == "resolution" else pb.TOUCHPOINT_KIND_REPLY
        return self._turn(course, time, said, kind, actor)

    def _turn(self, course: _Course, time: dt.datetime, said: Said, kind: KindValue, actor: ActorValue) -> Entry | None:
        opens = kind not in (pb.TOUCHPOINT_KIND_REPLY, pb.TOUCHPOINT_KIND_RESOLUTION)
        about_order = opens and said.topic in ("delivery", "refund_exchange", "payment")
        return self._journal.add(
            channel=course.desk.channel,
            kind=kind,
            time=time,
            customer=course.customer,
            actor=actor,
            identities=course.identities,
            said=said,
            source=course.source,
            unit=course.unit.name,
            order_id=course.order_id if about_order else "",
            thread_id=course.thread_id,
            story=course.story,
        )


def _concerned(channel: ChannelValue, topic: str, customer: Customer) -> Unit:
    """Say which shop or team a conversation concerns."""
    if channel == pb.CHANNEL_CALL_CENTER:
        return CALL_CENTER
    if channel == pb.CHANNEL_STORE or topic in SHOP_TOPICS:
        return customer.home
    return DELIVERY_TEAM if topic == "delivery" else HQ_CX


def _on_duty(time: dt.datetime, rng: random.Random) -> dt.datetime:
    """Move a moment outside 9 to 19 o'clock to the next morning."""
    if time.hour < 9:
        return at(time.date(), 9 + rng.uniform(0.1, 1.5))
    if time.hour >= 19:
        return at(time.date() + dt.timedelta(days=1), 9 + rng.uniform(0.1, 1.5))
    return time
