"""What customers buy: visits, views, carts, orders, deliveries, refunds and the records about them."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_sample.company import DELIVERY_TEAM, HQ_CX, PRODUCTS, Product, Unit
from sori_sample.customers import ChannelValue, Customer
from sori_sample.decks import Deck, parts
from sori_sample.journal import Journal
from sori_sample.stories import Plan
from sori_sample.texts import Author, Sentiment
from sori_sample.window import SEOUL, at

SHOP_OPENS, SHOP_CLOSES = 8.0, 20.8  # hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A purchase."""

    id: str
    customer: Customer
    shop: Unit
    product: Product
    channel: ChannelValue
    time: dt.datetime
    received_time: dt.datetime  # when the customer had it in hand
    delayed: bool


def trade(customers: Sequence[Customer], plan: Plan, journal: Journal, rng: random.Random) -> list[Order]:
    """Let every customer buy at least once and some several times."""
    author = Author(rng)
    day_deck = Deck([day for day in plan.window.days for _ in range(3 if day.weekday() >= 5 else 2)], rng)
    repeats = Deck([1] * 15 + [2] * 2 + [3], rng)
    channels = Deck(parts(store=12, app=7, web=1), rng)
    orders: list[Order] = []
    for customer in customers:
        for _ in range(repeats.deal()):
            order = _order(len(orders) + 1, customer, channels.deal(), day_deck.deal(), plan, rng)
            orders.append(order)
            if order.channel == pb.CHANNEL_STORE:
                _buy_in_store(order, journal, rng)
            else:
                _buy_online(order, journal, rng)
                _deliver(order, journal, author, rng)
    _browse(customers, plan, journal, rng)
    _refund(orders, journal, rng)
    _keep_records(customers, plan, journal, author, rng)
    return sorted(orders, key=lambda order: order.received_time)


def _order(number: int, customer: Customer, way: str, day: dt.date, plan: Plan, rng: random.Random) -> Order:
    channel: ChannelValue = pb.CHANNEL_STORE
    if way != "store":
        channel = pb.CHANNEL_APP if way == "app" and customer.app_user_id else pb.CHANNEL_WEB
    online = channel != pb.CHANNEL_STORE
    time = at(day, rng.uniform(7.5, 23.5) if online else rng.uniform(SHOP_OPENS + 0.3, SHOP_CLOSES))
    delayed = online and plan.delays(day)
    days = rng.choice([3, 4]) if delayed else rng.choice([1, 1, 2])
    arrives = at(day + dt.timedelta(days=days), rng.uniform(9, 19)) if online else time + dt.timedelta(minutes=9)
    return Order(
        id=f"G{day:%y%m%d}-{number:04}",
        customer=customer,
        shop=customer.home,
        product=rng.choice(PRODUCTS),
        channel=channel,
        time=time,
        received_time=arrives,
        delayed=delayed,
    )


def _buy_in_store(order: Order, journal: Journal, rng: random.Random) -> None:
    identities = order.customer.known_at(order.channel, rng)
    if rng.random() < 0.4:
        journal.add(
            channel=order.channel,
            kind=pb.TOUCHPOINT_KIND_VISIT,
            time=order.time - dt.timedelta(minutes=rng.randrange(2, 15)),
            customer=order.customer,
            identities=identities,
            unit=order.shop.name,
        )
    _pay(order, journal)


def _buy_online(order: Order, journal: Journal, rng: random.Random) -> None:
    stranger = [order.customer.anonymous_id] if order.channel == pb.CHANNEL_WEB and rng.random() < 0.4 else None
    for _ in range(rng.choice([1, 1, 1, 2])):
        journal.add(
            channel=order.channel,
            kind=pb.TOUCHPOINT_KIND_VIEW,
            time=order.time - dt.timedelta(minutes=rng.randrange(5, 50)),
            customer=order.customer,
            identities=stranger,
            product=order.product.id,
        )
    journal.add(
        channel=order.channel,
        kind=pb.TOUCHPOINT_KIND_CART,
        time=order.time - dt.timedelta(minutes=rng.randrange(2, 5)),
        customer=order.customer,
        identities=stranger,
        product=order.product.id,
    )
    _pay(order, journal)


def _pay(order: Order, journal: Journal) -> None:
    journal.add(
        channel=order.channel,
        kind=pb.TOUCHPOINT_KIND_PURCHASE,
        time=order.time,
        customer=order.customer,
        unit=order.shop.name,
        product=order.product.id,
        order_id=order.id,
        attributes={"amount": str(order.product.price), "currency": "KRW"},
    )


def _deliver(order: Order, journal: Journal, author: Author, rng: random.Random) -> None:
    if rng.random() < 0.25:
        journal.add(
            channel=pb.CHANNEL_DELIVERY,
            kind=pb.TOUCHPOINT_KIND_DELIVERY,
            time=order.time + dt.timedelta(hours=rng.uniform(1, 9)),
            customer=order.customer,
            actor=pb.ACTOR_SYSTEM,
            unit=DELIVERY_TEAM.name,
            product=order.product.id,
            order_id=order.id,
            attributes={"step": "stuck" if order.delayed else "shipped"},
        )
    if order.delayed or rng.random() < 0.25:
        moods = [Sentiment.NEGATIVE] if order.delayed else [Sentiment.NEUTRAL, Sentiment.NEUTRAL, *Sentiment]
        day = order.time.astimezone(SEOUL).date() + dt.timedelta(days=1)
        note_time = at(day, rng.uniform(9, 19)) if order.delayed else order.received_time
        language = "en" if rng.random() < 0.06 else "ko"
        said = author.write(
            "riders",
            language,
            rng.choice(moods),
            topics=["collapse" if order.delayed else "delivery"],
            order_id=order.id,
        )
        journal.add(
            channel=pb.CHANNEL_DELIVERY,
            kind=pb.TOUCHPOINT_KIND_DELIVERY,
            time=note_time,
            customer=order.customer,
            actor=pb.ACTOR_AGENT,
            said=said,
            unit=DELIVERY_TEAM.name,
            product=order.product.id,
            order_id=order.id,
            attributes={"step": "rider-note"},
            story="delivery-failure" if order.delayed else "",
        )
    if rng.random() < 0.6:
        journal.add(
            channel=pb.CHANNEL_DELIVERY,
            kind=pb.TOUCHPOINT_KIND_DELIVERY,
            time=order.received_time + dt.timedelta(minutes=1),
            customer=order.customer,
            actor=pb.ACTOR_SYSTEM,
            unit=DELIVERY_TEAM.name,
            product=order.product.id,
            order_id=order.id,
            attributes={"step": "delivered"},
        )


def _browse(customers: Sequence[Customer], plan: Plan, journal: Journal, rng: random.Random) -> None:
    """Look around without buying: where the journey drops off."""
    for _ in range(120):
        customer = rng.choice(customers)
        channel: ChannelValue = pb.CHANNEL_APP if customer.app_user_id and rng.random() < 0.6 else pb.CHANNEL_WEB
        time = at(rng.choice(plan.window.days), rng.uniform(7, 23.4))
        product = rng.choice(PRODUCTS)
        stranger = [customer.anonymous_id] if channel == pb.CHANNEL_WEB and rng.random() < 0.5 else None
        steps = [pb.TOUCHPOINT_KIND_VIEW, pb.TOUCHPOINT_KIND_VIEW, pb.TOUCHPOINT_KIND_CART]
        if channel == pb.CHANNEL_WEB and rng.random() < 0.5:
            steps[0] = pb.TOUCHPOINT_KIND_VISIT
        for number, kind in enumerate(steps[: rng.choice([1, 2, 2, 3])]):
            journal.add(
                channel=channel,
                kind=kind,
                time=time + dt.timedelta(minutes=3 * number),
                customer=customer,
                identities=stranger,
                product="" if kind == pb.TOUCHPOINT_KIND_VISIT else product.id,
            )


def _refund(orders: Sequence[Order], journal: Journal, rng: random.Random) -> None:
    for order in rng.sample(orders, 40):
        day = order.received_time.astimezone(SEOUL).date() + dt.timedelta(days=rng.randrange(1, 4))
        journal.add(
            channel=order.channel,
            kind=pb.TOUCHPOINT_KIND_REFUND,
            time=at(day, rng.uniform(10, 18)),
            customer=order.customer,
            actor=pb.ACTOR_SYSTEM,
            unit=order.shop.name,
            product=order.product.id,
            order_id=order.id,
            attributes={"amount": str(order.product.price), "currency": "KRW"},
        )


def _keep_records(
    customers: Sequence[Customer], plan: Plan, journal: Journal, author: Author, rng: random.Random
) -> None:
    """Sign up, refer, cancel, and write notes about customers."""
    members = [customer for customer in customers if customer.member_id]
    for customer in rng.sample(members, 65):
        channel: ChannelValue = rng.choice([pb.CHANNEL_APP, pb.CHANNEL_WEB, pb.CHANNEL_STORE])
        if not customer.reachable(channel):
            channel = pb.CHANNEL_WEB
        journal.add(
            channel=channel,
            kind=pb.TOUCHPOINT_KIND_SIGNUP,
            time=at(rng.choice(plan.window.days), rng.uniform(9, 20)),
            customer=customer,
            identities=customer.all_known(),
            unit=customer.home.name if channel == pb.CHANNEL_STORE else "",
        )
    records = [
        (pb.TOUCHPOINT_KIND_OTHER, "note", 85, pb.ACTOR_SYSTEM),
        (pb.TOUCHPOINT_KIND_CANCELLATION, "cancellation", 18, pb.ACTOR_CUSTOMER),
        (pb.TOUCHPOINT_KIND_REFERRAL, "referral", 26, pb.ACTOR_CUSTOMER),
    ]
    for kind, topic, count, actor in records:
        moods = {"note": [*Sentiment], "cancellation": [Sentiment.NEGATIVE, Sentiment.NEUTRAL]}
        for customer in rng.sample(members, count):
            mood = rng.choice(moods.get(topic, [Sentiment.POSITIVE]))
            said = author.write("records", customer.language, mood, place=topic)
            journal.add(
                channel=pb.CHANNEL_CRM,
                kind=kind,
                time=at(rng.choice(plan.window.days), rng.uniform(9, 18)),
                customer=customer,
                actor=actor,
                said=said,
                unit=HQ_CX.name,
                attributes={"record": topic},
            )
