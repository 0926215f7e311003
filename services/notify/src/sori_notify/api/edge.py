"""What every part of the API works with."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp

from sori.notify.v1 import notify_service_pb2 as pb
from sori_kit import auth, parse
from sori_kit.clock import Clock
from sori_kit.database import Database
from sori_kit.errors import InvalidInput
from sori_notify import domain, store, wire
from sori_notify.usecases.alerting import Alerting


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Collaborators of the API."""

    db: Database
    clock: Clock
    policies: Callable[[], domain.Policies]  # those in force now
    stopping: asyncio.Event
    watch_seconds: float
    alerting: Alerting = field(default_factory=Alerting)


def wanted(
    request: pb.ListCasesRequest | pb.WatchCasesRequest, *, state: int = 0, clock_state: int = 0
) -> store.Wanted:
    """Read which cases a caller wants, of those that they may see."""
    narrowed = request.filter
    return store.Wanted(
        origins=domain.visible(auth.caller().roles),
        state=wire.case_state(state),
        clock_state=wire.clock_state(clock_state),
        org_unit=request.org_unit,
        channel=wire.channel(narrowed.channel, "filter.channel"),
        severity=wire.severity(narrowed.severity, "filter.severity"),
        team=narrowed.team,
        person=narrowed.person,
        tag=narrowed.tag,
        topic=narrowed.topic,
        customer_id=parse.uuid(narrowed.customer_id, "filter.customer_id") if narrowed.customer_id else None,
    )


def cursor(token: str) -> tuple[dt.datetime, uuid.UUID] | None:
    """Read a page token."""
    parts = parse.decode_token(token, str, str)
    if parts is None:
        return None
    try:
        return dt.datetime.fromisoformat(str(parts[0])), uuid.UUID(str(parts[1]))
    except ValueError:
        raise InvalidInput.of_field("page_token", "was not made by this service") from None


def resumed(token: str) -> tuple[int, uuid.UUID] | None:
    """Read a resume token."""
    parts = parse.decode_token(token, int, str, field="resume_token")
    return (int(parts[0]), parse.uuid(str(parts[1]), "resume_token")) if parts else None


def between(
    since: Timestamp, until: Timestamp, *, usual: dt.timedelta, now: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    """Read from when to when; an `until_time` before the `from_time` is refused."""
    last = parse.time(until, "until_time") if until.ByteSize() else now
    first = parse.time(since, "from_time") if since.ByteSize() else last - usual
    if last < first:
        raise InvalidInput.of_field("until_time", "is before from_time")
    return first, last
