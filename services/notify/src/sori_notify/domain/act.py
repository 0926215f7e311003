"""What people do to a case here, rather than where the thread is."""

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum

from sori_notify.domain.words import Severity


class ActKind(StrEnum):
    """What somebody did; of several at one moment the earlier in this list counts first."""

    ASSIGN = "assign"
    SET_SEVERITY = "set_severity"
    TAG = "tag"
    ACKNOWLEDGE = "acknowledge"
    REOPEN = "reopen"
    RESUME = "resume"
    SET_PENDING = "set_pending"
    SET_ON_HOLD = "set_on_hold"
    RESOLVE = "resolve"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act; facts are only ever added, so that a case can be told again from the start."""

    act_id: uuid.UUID
    case_id: uuid.UUID | None  # None: whichever case its thread is about at that time.
    kind: ActKind
    time: dt.datetime
    actor: str = ""  # token subject
    team: str = ""
    person: str = ""
    severity: Severity | None = None
    tags: tuple[str, ...] = ()
