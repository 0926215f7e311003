"""What customers tell others and surveys: reviews, public mentions, NPS, CSAT and CES."""

import datetime as dt
import random
from collections.abc import Sequence

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_sample.commerce import Order
from sori_sample.company import DELIVERY_TEAM, HQ_CX, SHOPS
from sori_sample.customers import Customer
from sori_sample.decks import Deck, parts
from sori_sample.journal import Journal
from sori_sample.stories import (
    CSAT_CARDS,
    FAILURE_MENTION_COUNTS,
    FALLING_SHOP,
    NPS_CARDS,
    REVIEW_CARDS,
    Mood,
    Plan,
)
from sori_sample.texts import Author, Sentiment
from sori_sample.window import SEOUL, at

USUAL_MENTION_COUNT = 84
FALLEN_MENTION_COUNT = 8
APP_REVIEW_COUNT = 16
STRANGER_SHARE = 0.3  # 0 to 1; people on SNS whom the company does not know
IN_SHOP_TOPICS = ("staff_attitude", "waiting", "shop", "product_quality", "price")
ONLINE_TOPICS = ("product_quality", "price", "delivery", "app_web")
FELT_IN_SHOP = ("staff_attitude", "waiting", "shop")


class Opinions:
    """Collects every opinion of the month."""

    def __init__(self, customers: Sequence[Customer], orders: Sequence[Order], plan: Plan, journal: Journal) -> None:
        self._customers = customers
        self._orders = orders
        self._plan = plan
        self._journal = journal
        self._rng = journal.rng
        self._author = Author(self._rng)
        self._decks: dict[tuple[str, str, Mood], Deck[int]] = {}
        self._review_moods = {mood: Deck(cards, self._rng) for mood, cards in REVIEW_CARDS.items()}

    def collect(self) -> None:
        """Collect them all."""
        asked = Deck(parts(csat=9, nps=8, review=5, ces=1, nothing=1), self._rng)
        for order in self._orders:
            self._answer(order, asked.deal())
            if self._rng.random() < 0.04 or (order.shop.name == FALLING_SHOP and self._rng.random() < 0.35):
                self._answer(order, asked.deal())
        for _ in range(APP_REVIEW_COUNT):
            self._review_app()
        self._mention()

    def _answer(self, order: Order, what: str) -> None:
        time = _awake(order.received_time + dt.timedelta(hours=self._rng.uniform(1, 26)), self._rng)
        mood = self._plan.customer_mood(order.shop.name, time.date())
        if order.delayed:
            mood = Mood.FALLEN
        if what == "nothing":
            return
        if what == "review":
            self._review(order, time, mood)
        elif what == "ces":
            score = self._rng.choice([3, 4, 5, 5, 6, 6, 7])
            self._survey(order, time, pb.SURVEY_TYPE_CES, score, None, mood)
        elif what == "csat":
            score = self._deal("csat", order.shop.name, mood)
            sentiment = _sentiment(score, negative_to=2, neutral_to=3)
            self._survey(order, time, pb.SURVEY_TYPE_CSAT, score, sentiment, mood)
        else:
            score = self._deal("nps", order.shop.name, mood)
            sentiment = _sentiment(score, negative_to=6, neutral_to=8)
            self._survey(order, time, pb.SURVEY_TYPE_NPS, score, sentiment, mood)

    def _deal(self, survey: str, unit: str, mood: Mood) -> int:
        key = (survey, unit, mood)
        if key not in self._decks:
            self._decks[key] = Deck((CSAT_CARDS if survey == "csat" else NPS_CARDS)[mood], self._rng)
        return self._decks[key].deal()

    def _topics(self, order: Order, mood: Mood) -> Sequence[str]:
        if order.delayed:
            return ("delivery",)
        if order.channel != pb.CHANNEL_STORE:
            return ONLINE_TOPICS
        return FELT_IN_SHOP if mood == Mood.FALLEN else IN_SHOP_TOPICS

    def _survey(
        self,
        order: Order,
        time: dt.datetime,
        survey: pb.SurveyType.ValueType,
        score: int,
        sentiment: Sentiment | None,
        mood: Mood,
    ) -> None:
        said = None
        if sentiment and self._rng.random() < 0.5:
            topics = self._topics(order, mood)
            said = self._author.write(
                "surveys", order.customer.language, sentiment, topics=topics, product=order.product, unit=order.shop
            )
        self._journal.add(
            channel=pb.CHANNEL_SURVEY,
            kind=pb.TOUCHPOINT_KIND_SURVEY_RESPONSE,
            time=time,
            customer=order.customer,
            said=said,
            unit=order.shop.name,
            product=order.product.id,
            order_id=order.id,
            survey=(survey, score),
            story=self._story(order, mood),
        )

    def _story(self, order: Order, mood: Mood) -> str:
        if order.delayed:
            return "delivery-failure"
        return "falling-shop" if mood == Mood.FALLEN else ""

    def _review(self, order: Order, time: dt.datetime, mood: Mood) -> None:
        rng = self._rng
        sentiment = Sentiment(self._review_moods[mood].deal())
        said = self._author.write(
            "reviews",
            order.customer.language,
            sentiment,
            topics=self._topics(order, mood),
            product=order.product,
            unit=order.shop,
        )
        stars = {Sentiment.NEGATIVE: [1, 1, 2], Sentiment.NEUTRAL: [3], Sentiment.POSITIVE: [4, 5, 5]}[sentiment]
        review = self._journal.add(
            channel=pb.CHANNEL_REVIEW,
            kind=pb.TOUCHPOINT_KIND_REVIEW,
            time=time,
            customer=order.customer,
            said=said,
            unit=order.shop.name,
            product=order.product.id,
            order_id=order.id,
            rating=rng.choice(stars),
            thread_id=f"review-{order.id}-{time:%d%H%M}",
            story=self._story(order, mood),
        )
        if review and rng.random() < 0.35:
            answered = at(time.date() + dt.timedelta(days=1), rng.uniform(10, 18))
            self._journal.add(
                channel=pb.CHANNEL_REVIEW,
                kind=pb.TOUCHPOINT_KIND_REPLY,
                time=answered,
                customer=order.customer,
                actor=pb.ACTOR_AGENT,
                identities=review.identities,
                said=self._author.write("answers", order.customer.language, sentiment, topics=("review",)),
                unit=order.shop.name,
                thread_id=review.touchpoint.thread_id,
            )

    def _review_app(self) -> None:
        """Rate the app in its store, where nobody is known."""
        sentiment = self._rng.choice([*Sentiment])
        language = "ko" if sentiment != Sentiment.NEGATIVE or self._rng.random() < 0.8 else "en"
        stars = {Sentiment.NEGATIVE: 1, Sentiment.NEUTRAL: 3, Sentiment.POSITIVE: 5}[sentiment]
        self._journal.add(
            channel=pb.CHANNEL_REVIEW,
            kind=pb.TOUCHPOINT_KIND_REVIEW,
            time=at(self._rng.choice(self._plan.window.days), self._rng.uniform(8, 23.5)),
            customer=None,
            said=self._author.write("reviews", language, sentiment, topics=("app_web",)),
            source="app-reviews",
            unit=HQ_CX.name,
            rating=stars,
        )

    def _mention(self) -> None:
        rng, window = self._rng, self._plan.window
        moods = Deck(parts(negative=3, neutral=4, positive=5), rng)
        days = Deck(window.days, rng)
        topics = ("product_quality", "shop", "staff_attitude", "waiting", "price", "event_benefit", "app_web")
        for _ in range(USUAL_MENTION_COUNT):
            sentiment = Sentiment(moods.deal())
            everyday = (*topics, "delivery") if sentiment != Sentiment.NEGATIVE else topics
            self._post(days.deal(), sentiment, everyday, "")
        for day, count in zip(self._plan.failure_days, FAILURE_MENTION_COUNTS, strict=True):
            for _ in range(count):
                self._post(day, Sentiment.NEGATIVE, ("delivery",), "delivery-failure")
        for day in (window.day(6), window.day(11), window.day(25)):
            self._post(day, Sentiment.NEGATIVE, ("delivery",), "")
        fallen_days = Deck([day for day in window.days if day >= self._plan.customer_fall], rng)
        for _ in range(FALLEN_MENTION_COUNT):
            self._post(fallen_days.deal(), Sentiment.NEGATIVE, ("staff_attitude", "waiting", "shop"), "falling-shop")

    def _post(self, day: dt.date, sentiment: Sentiment, topics: Sequence[str], story: str) -> None:
        rng = self._rng
        stranger = rng.random() < STRANGER_SHARE
        customer = rng.choice(self._customers)
        shop = customer.home
        if story == "falling-shop":
            shop = next(one for one in SHOPS if one.name == FALLING_SHOP)
        said = self._author.write("mentions", customer.language, sentiment, topics=topics, unit=shop)
        in_shop = said.topic in FELT_IN_SHOP
        time = at(day, rng.uniform(8, 23.8))
        self._journal.add(
            channel=pb.CHANNEL_SNS,
            kind=pb.TOUCHPOINT_KIND_MENTION,
            time=time,
            customer=None if stranger else customer,
            said=said,
            unit=shop.name if in_shop else DELIVERY_TEAM.name if said.topic == "delivery" else "",
            attributes={"reach": str(rng.randrange(20, 4_000))},
            story=story,
        )


def _sentiment(score: int, *, negative_to: int, neutral_to: int) -> Sentiment:
    if score <= negative_to:
        return Sentiment.NEGATIVE
    return Sentiment.NEUTRAL if score <= neutral_to else Sentiment.POSITIVE


def _awake(time: dt.datetime, rng: random.Random) -> dt.datetime:
    """Move a moment of the night to the same morning."""
    local = time.astimezone(SEOUL)
    return at(local.date(), rng.uniform(8, 10)) if local.hour < 8 else local
