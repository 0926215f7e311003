"""Who a touchpoint belongs to, and which stage of the journey it speaks of."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class IdentifierType(StrEnum):
    """Kinds of identifier, strongest first."""

    MEMBER_ID = "member_id"
    APP_USER_ID = "app_user_id"
    EMAIL = "email"
    PHONE = "phone"
    KAKAO_ID = "kakao_id"
    LOYALTY_CARD = "loyalty_card"
    DEVICE_ID = "device_id"
    ANONYMOUS_ID = "anonymous_id"


_RANK = {kind: rank for rank, kind in enumerate(IdentifierType)}
_WEAK = frozenset({IdentifierType.DEVICE_ID, IdentifierType.ANONYMOUS_ID})
_BLOCKED = frozenset({"", "0", "0000", "null", "none", "undefined", "anonymous", "unknown", "n/a", "-"})


class Stage(StrEnum):
    """How far a customer has come."""

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    PURCHASE = "purchase"
    RETENTION = "retention"
    ADVOCACY = "advocacy"


_STAGES: Mapping[str, Stage] = {
    "mention": Stage.AWARENESS,
    "visit": Stage.AWARENESS,
    "view": Stage.CONSIDERATION,
    "cart": Stage.CONSIDERATION,
    "signup": Stage.CONSIDERATION,
    "purchase": Stage.PURCHASE,
    "delivery": Stage.PURCHASE,
    "inquiry": Stage.RETENTION,
    "complaint": Stage.RETENTION,
    "reply": Stage.RETENTION,
    "resolution": Stage.RETENTION,
    "refund": Stage.RETENTION,
    "cancellation": Stage.RETENTION,
    "survey_response": Stage.RETENTION,
    "praise": Stage.ADVOCACY,
    "review": Stage.ADVOCACY,
    "referral": Stage.ADVOCACY,
}


def stage_of(kind: str) -> Stage | None:
    """Say which stage a kind of touchpoint speaks of, or None when it speaks of none."""
    return _STAGES.get(kind)


@dataclass(frozen=True, slots=True)
class Identifier:
    """Something by which a customer can be recognised."""

    type: IdentifierType
    value: str
    temporary: bool = field(default=False, compare=False)

    @property
    def usable(self) -> bool:
        """Whether it tells one person from another at all."""
        return self.value.strip().lower() not in _BLOCKED

    @property
    def strong(self) -> bool:
        """Whether it alone may tie two profiles together."""
        return self.type not in _WEAK and not self.temporary


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A touchpoint as far as its place on a timeline depends on it."""

    touchpoint_id: uuid.UUID
    revision: int
    kind: str
    occurred_time: dt.datetime
    identifiers: tuple[Identifier, ...]
    entry: bytes  # The sections of the earlier stations, as they came.


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An observation and where it belongs."""

    observation: Observation
    customer_id: uuid.UUID | None  # None: it carried no usable identifier.
    stage: Stage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two customers that turned out to be one."""

    survivor_id: uuid.UUID
    merged_id: uuid.UUID
    touchpoint_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A component of the identity graph."""

    customer_id: uuid.UUID
    created_time: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of one customer."""

    customer_id: uuid.UUID
    identifiers: tuple[Identifier, ...]
    first_occurred_time: dt.datetime | None
    last_occurred_time: dt.datetime | None
    touchpoint_count: int
    stage: Stage | None


class Graph:
    """The part of the identity graph that a batch touches; collects what changes."""

    def __init__(self, owners: Mapping[Identifier, uuid.UUID], customers: Iterable[Customer]) -> None:
        self._owners = dict(owners)
        self._customers = {each.customer_id: each for each in customers}
        self._strong = {owner for identifier, owner in owners.items() if identifier.strong}
        self._into: dict[uuid.UUID, uuid.UUID] = {}
        self.merges: list[Merge] = []
        self.created: list[Customer] = []
        self.claimed: dict[Identifier, uuid.UUID] = {}

    def mark_strong(self, customer_ids: Iterable[uuid.UUID]) -> None:
        """Say which customers are known to own a strong identifier that the batch does not mention."""
        self._strong.update(customer_ids)

    def owner(self, identifier: Identifier) -> uuid.UUID | None:
        """Give the customer whose identifier this is."""
        owner = self._owners.get(identifier)
        return None if owner is None else self.survivor(owner)

    def survivor(self, customer_id: uuid.UUID) -> uuid.UUID:
        """Give the customer into which this one was merged, in the end."""
        while customer_id in self._into:
            customer_id = self._into[customer_id]
        return customer_id

    def attach(
        self, observation: Observation, new_customer_id: Callable[[Observation], uuid.UUID], *, now: dt.datetime
    ) -> uuid.UUID | None:
        """Find the customer of an observation, merging or creating (as `new_customer_id` says) where needed."""
        usable = [each for each in observation.identifiers if each.usable]
        if not usable:
            return None
        strong = [each for each in usable if each.strong]
        known = dict.fromkeys(owner for each in strong if (owner := self.owner(each)))
        if not known:
            known = dict.fromkeys(self._weak_owners(usable, has_strong=bool(strong)))
        found = self._merge(list(known), observation) if known else self._create(new_customer_id(observation), now)
        for each in usable:
            if self.owner(each) is None:
                self._owners[each] = self.claimed[each] = found
        if strong:
            self._strong.add(found)
        return found

    def _weak_owners(self, usable: Iterable[Identifier], *, has_strong: bool) -> list[uuid.UUID]:
        """Give at most one customer: weak identifiers never tie two profiles, nor a new one to a known person's."""
        for each in sorted(usable, key=lambda each: _RANK[each.type]):
            owner = self.owner(each)
            if owner and not (has_strong and owner in self._strong):
                return [owner]
        return []

    def _create(self, customer_id: uuid.UUID, now: dt.datetime) -> uuid.UUID:
        made = Customer(customer_id=customer_id, created_time=now)
        self._customers[customer_id] = made
        self.created.append(made)
        return customer_id

    def _merge(self, customer_ids: list[uuid.UUID], observation: Observation) -> uuid.UUID:
        """Make one of several: the oldest remains."""
        survivor, *others = sorted(customer_ids, key=lambda each: (self._customers[each].created_time, each))
        for other in others:
            self._into[other] = survivor
            self.merges.append(Merge(survivor_id=survivor, merged_id=other, touchpoint_id=observation.touchpoint_id))
        return survivor


def settle(placed: Iterable[Placed], graph: Graph) -> list[Placed]:
    """Name the customers that remain after all merges of the batch."""
    return [
        replace(each, customer_id=graph.survivor(each.customer_id)) if each.customer_id else each for each in placed
    ]


def place(
    observation: Observation, graph: Graph, *, new_customer_id: Callable[[Observation], uuid.UUID], now: dt.datetime
) -> Placed:
    """Decide whose touchpoint it is and which stage it speaks of."""
    customer_id = graph.attach(observation, new_customer_id, now=now)
    return Placed(observation=observation, customer_id=customer_id, stage=stage_of(observation.kind))


def mask(value: str) -> str:
    """Hide all but the last two characters of an identifier, or all of a short one."""
    return "*" * len(value) if len(value) <= 4 else "*" * (len(value) - 2) + value[-2:]
