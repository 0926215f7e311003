"""What many journeys come to: where customers meet the company, how that feels, and where they leave."""

import datetime as dt
import math
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

# One touchpoint of a path, little-endian: microseconds since 1970; stage, channel and kind as the protocol numbers
# them; flags, mood in ten-thousandths, four topics, org unit and product as numbers of words; 0 stands for none.
STEP = struct.Struct("<qBBBBhHHHHHii")
STEP_FIELDS = (
    ("time", "<i8"), ("stage", "u1"), ("channel", "u1"), ("kind", "u1"), ("flags", "u1"), ("mood", "<i2"),
    ("topic0", "<u2"), ("topic1", "<u2"), ("topic2", "<u2"), ("topic3", "<u2"), ("spare", "<u2"), ("org_unit", "<i4"),
    ("product", "<i4"),
)  # fmt: skip
OWN, FELT, LEAVING = 1, 2, 4  # flags: the customer's doing; it has a mood; the stage rules call it dropping off
MOST_TOPICS = 4  # of one touchpoint
MOOD_SCALE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFilter:
    """Which touchpoints a map is made of."""

    from_time: dt.datetime | None = None
    until_time: dt.datetime | None = None  # not included
    segment: str = ""
    product: str = ""
    org_unit: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the 95% interval in which it lies; no interval where fewer than two customers stand behind it."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(slots=True, kw_only=True)
class Felt:
    """Sums about moods, by customer, so that customers may be added in any portions."""

    count: int = 0  # words
    total: float = 0.0
    customers: int = 0
    count_squares: float = 0.0  # over customers
    total_squares: float = 0.0
    products: float = 0.0

    def interval(self) -> Interval | None:
        """Give the mean of all words, and its interval; the words of one customer are not independent."""
        if not self.count:
            return None
        mean = self.total / self.count
        if self.customers < 2:
            return Interval(mean)
        squares = self.total_squares - 2 * mean * self.products + mean * mean * self.count_squares
        error = math.sqrt(max(squares, 0.0) * self.customers / (self.customers - 1)) / self.count
        reach = t_quantile(self.customers - 1) * error
        return Interval(mean, max(mean - reach, -1.0), min(mean + reach, 1.0))


@dataclass(slots=True, kw_only=True)
class Change:
    """Sums about how much the mood of customers changed, each by their own mean."""

    customers: int = 0
    total: float = 0.0
    squares: float = 0.0

    def interval(self) -> Interval | None:
        """Give the mean over customers and its interval."""
        if not self.customers:
            return None
        mean = self.total / self.customers
        if self.customers < 2:
            return Interval(mean)
        spread = max(self.squares - self.customers * mean * mean, 0.0) / (self.customers - 1)
        reach = t_quantile(self.customers - 1) * math.sqrt(spread / self.customers)
        return Interval(mean, mean - reach, mean + reach)


@dataclass(slots=True, kw_only=True)
class Cell:
    """What happened in one stage on one channel."""

    touchpoints: int = 0
    customers: int = 0
    felt: Felt = field(default_factory=Felt)
    decided: int = 0  # customers
    dropped: int = 0  # of those
    topics: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class JourneyMap:
    """A map; stages, channels, kinds and topics as they are numbered."""

    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)  # by stage and channel
    transitions: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)  # count, customers
    changes: dict[tuple[int, int, int], Change] = field(default_factory=dict)  # by stage, channel and kind
    change_topics: dict[tuple[int, int, int], dict[int, int]] = field(default_factory=dict)
    touchpoints: int = 0
    customers: int = 0

    def moments(self, *, fewest: int, most: int = 20) -> list[tuple[tuple[int, int, int], int, Interval]]:
        """Give the steps at which the mood surely falls, largest fall first."""
        found = [
            (place, change.customers, interval)
            for place, change in self.changes.items()
            if change.customers >= fewest
            and (interval := change.interval()) is not None
            and interval.high is not None
            and interval.high < 0
        ]
        return sorted(found, key=lambda each: (each[2].mean, each[0]))[:most]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropOff:
    """A touchpoint after which a customer went no further; numbered as in a map."""

    customer_id: uuid.UUID
    time: dt.datetime
    stage: int
    channel: int
    kind: int
    left: bool  # False: silent
    drop_off_time: dt.datetime
    touchpoint_id: uuid.UUID | None = None

    @property
    def order(self) -> tuple[dt.datetime, uuid.UUID]:
        """Give its place among others."""
        return self.time, self.customer_id


def top(counts: Mapping[int, int], most: int) -> list[tuple[int, int]]:
    """Give the most frequent, most frequent first."""
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:most]


_FEW = {1: 12.7062047, 2: 4.3026527, 3: 3.1824463, 4: 2.7764451}
_Z = NormalDist().inv_cdf(0.975)


def t_quantile(freedom: int) -> float:
    """Give the 97.5% quantile of Student's t; from five degrees of freedom by Cornish and Fisher, right to 0.001."""
    if freedom in _FEW:
        return _FEW[freedom]
    z, z2 = _Z, _Z * _Z
    return (
        z
        + z * (z2 + 1) / (4 * freedom)
        + z * ((5 * z2 + 16) * z2 + 3) / (96 * freedom**2)
        + z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * freedom**3)
        + z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / (92160 * freedom**4)
    )
