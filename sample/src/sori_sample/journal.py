"""The record of everything that happened in the made-up month."""

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_sample.customers import ChannelValue, Customer, Identity, loose_ends, written
from sori_sample.texts import Said, Sentiment
from sori_sample.window import Window

KindValue: TypeAlias = pb.TouchpointKind.ValueType
ActorValue: TypeAlias = pb.Actor.ValueType

SOURCES: Final[Mapping[ChannelValue, str]] = {
    pb.CHANNEL_APP: "app-tracking",
    pb.CHANNEL_WEB: "web-shop",
    pb.CHANNEL_STORE: "shop-pos",
    pb.CHANNEL_KAKAO: "kakao-main",
    pb.CHANNEL_CALL_CENTER: "call-main",
    pb.CHANNEL_SNS: "sns-watch",
    pb.CHANNEL_REVIEW: "review-watch",
    pb.CHANNEL_SURVEY: "survey-main",
    pb.CHANNEL_EMAIL: "zendesk-main",
    pb.CHANNEL_CHAT: "chat-main",
    pb.CHANNEL_DELIVERY: "courier-hub",
    pb.CHANNEL_CRM: "crm-main",
}
SYNTHETIC: Final = {"synthetic": "true"}
OFFSET_MINUTES: Final = 540  # +09:00


@dataclass(slots=True, kw_only=True)
class Entry:
    """A touchpoint and what only its maker knows."""

    touchpoint: pb.Touchpoint
    customer: Customer | None
    identities: list[Identity]
    said: Said | None
    story: str

    @property
    def reference(self) -> str:
        """Its name, `source/external_id`."""
        return reference(self.touchpoint)


@dataclass(slots=True)
class Journal:
    """Takes what happens, inside the window only, and gives out ids."""

    window: Window
    rng: random.Random
    entries: list[Entry] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        *,
        channel: ChannelValue,
        kind: KindValue,
        time: dt.datetime,
        customer: Customer | None,
        actor: ActorValue = pb.ACTOR_CUSTOMER,
        identities: Sequence[Identity] | None = None,
        said: Said | None = None,
        source: str = "",
        unit: str = "",
        product: str = "",
        order_id: str = "",
        thread_id: str = "",
        rating: float | None = None,
        survey: tuple[pb.SurveyType.ValueType, int] | None = None,
        attributes: Mapping[str, str] | None = None,
        story: str = "",
    ) -> Entry | None:
        """Record one touchpoint, or return None when it falls outside the window."""
        if not self.window.contains(time):
            return None
        if identities is None:
            identities = customer.known_at(channel, self.rng) if customer else []
        source = source or SOURCES[channel]
        self._counts[source] += 1
        touchpoint = pb.Touchpoint(
            source=source,
            external_id=f"{source.split('-')[0]}-{self._counts[source]:05}",
            channel=channel,
            kind=kind,
            actor=actor,
            occurred_offset_minutes=OFFSET_MINUTES,
            text=said.text if said else "",
            thread_id=thread_id,
            order_id=order_id,
            product=product or (said.product if said else ""),
            org_unit=unit,
            attributes={**SYNTHETIC, **(attributes or {})},
        )
        touchpoint.occurred_time.FromDatetime(time)
        if rating is not None:
            touchpoint.rating.CopyFrom(pb.Rating(value=rating, lowest=1, highest=5))
        if survey is not None:
            lowest, highest = {pb.SURVEY_TYPE_NPS: (0, 10), pb.SURVEY_TYPE_CSAT: (1, 5)}.get(survey[0], (1, 7))
            touchpoint.survey.CopyFrom(
                pb.Survey(type=survey[0], score=survey[1], lowest=lowest, highest=highest, survey_id="after-purchase")
            )
        entry = Entry(touchpoint=touchpoint, customer=customer, identities=list(identities), said=said, story=story)
        self.entries.append(entry)
        return entry

    def close(self) -> list[Entry]:
        """Tie each customer's contacts together, write the identifiers out, and return all in order of time."""
        contacts: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.customer:
                contacts[entry.customer.key].append(entry)
        for entries in contacts.values():
            customer = entries[0].customer
            if customer:
                for index in loose_ends([tuple(entry.identities) for entry in entries], customer.anchor):
                    entries[index].identities.append(customer.anchor)
        for entry in self.entries:
            for identity in entry.identities:
                value = written(identity, entry.touchpoint.source)
                entry.touchpoint.identifiers.add(type=identity.type, value=value)
        return sorted(self.entries, key=lambda entry: entry.touchpoint.occurred_time.ToNanoseconds())


def reference(touchpoint: pb.Touchpoint) -> str:
    """Name a touchpoint as `source/external_id`."""
    return f"{touchpoint.source}/{touchpoint.external_id}"


def kind_of(sentiment: Sentiment) -> KindValue:
    """Return what a customer's own words are filed as."""
    return {
        Sentiment.NEGATIVE: pb.TOUCHPOINT_KIND_COMPLAINT,
        Sentiment.NEUTRAL: pb.TOUCHPOINT_KIND_INQUIRY,
        Sentiment.POSITIVE: pb.TOUCHPOINT_KIND_PRAISE,
    }[sentiment]
