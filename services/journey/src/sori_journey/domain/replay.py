"""What a replay is asked, and what it answers."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sori_journey.domain.identifiers import Identifier
from sori_journey.domain.identity import Refusal
from sori_journey.domain.timeline import TouchpointReference

Reference = uuid.UUID | Identifier | TouchpointReference  # by what a customer is named


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeWanted:
    """Somebody said that customers are one."""

    line: int
    customers: tuple[Reference, ...]
    time: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitWanted:
    """Somebody said that a customer is two."""

    line: int
    customer: Reference | None  # None: whoever has the first of what is split off
    identifiers: tuple[Identifier, ...]
    touchpoint_ids: tuple[uuid.UUID, ...]
    merged_ids: tuple[uuid.UUID, ...]
    time: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One customer that was found."""

    customer_id: uuid.UUID | None  # None: nobody known
    identifiers: tuple[Identifier, ...]
    former: tuple[Identifier, ...]
    touchpoint_ids: tuple[uuid.UUID, ...]
    refusals: tuple[Refusal, ...]
