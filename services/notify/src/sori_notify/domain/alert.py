"""One message to the receiver of alerts."""

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum

FIRST_RESPONSE_BREACHED = "first_response.breached"

_LONGEST_RETRY = dt.timedelta(hours=1)


class AlertState(StrEnum):
    """How far an alert has come."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Alert:
    """One message to the receiver of alerts; the same bytes at each attempt."""

    alert_id: uuid.UUID  # Also the receiver's idempotency key.
    case_id: uuid.UUID
    reason: str
    org_unit: str
    body: str  # JSON
    attempts: int = 0


def retry_delay(attempts: int, *, first: dt.timedelta, draw: float) -> dt.timedelta:
    """Say how long to wait after that many failed attempts: doubling up to an hour, less up to a quarter by `draw`."""
    doubled: dt.timedelta = first * 2 ** (attempts - 1)
    return min(doubled, _LONGEST_RETRY) * (1 - draw / 4)
