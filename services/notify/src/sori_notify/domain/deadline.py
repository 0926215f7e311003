"""When somebody has to look at a case."""

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum


class DeadlineState(StrEnum):
    """Whether somebody still has to look."""

    ARMED = "armed"
    FIRED = "fired"
    CANCELLED = "cancelled"


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Deadline:
    """When the next warning or breach of a case comes, and when that is looked at."""

    case_id: uuid.UUID
    due_time: dt.datetime
    fire_time: dt.datetime  # The due time, or later where the thread is history that is still coming in.
    state: DeadlineState
    fired_time: dt.datetime | None = None  # The last time that anybody looked.
