"""Events as CloudEvents 1.0 in binary mode: protobuf data, `ce-` headers (NATS protocol binding)."""

import datetime as dt
import functools
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote

from google.protobuf.message import DecodeError, Message

from sori_kit.errors import InvalidInput

M = TypeVar("M", bound=Message)
M_co = TypeVar("M_co", bound=Message, covariant=True)
_WORD = re.compile(r"[A-Z][a-z0-9]*")
_PRINTABLE = "".join(map(chr, range(32, 127)))
_PLAIN = re.compile(r"[A-Za-z0-9._-]*").fullmatch  # Nothing to encode: ids, that is almost all.
_TYPES: dict[type[Message], str] = {}
_SEALED = re.compile(  # Headers as `seal` writes them, and what publisher and broker put behind.
    r"NATS/1\.0\r\nNats-Msg-Id: [^\r]*\r\nce-specversion: 1\.0\r\nce-id: ([^\r]*)\r\nce-type: ([^\r]*)\r\n"
    r"ce-source: [^\r]*\r\nce-subject: ([^\r]*)\r\nce-time: ([^\r]*)\r\nce-correlationid: ([^\r]*)\r\n"
    r"content-type: application/protobuf\r\n(?:ce-causationid: ([^\r]*)\r\n)?(?:traceparent: ([^\r]*)\r\n)?"
    r"(?:Nats-[^\r]*\r\n)*\r\n"
).fullmatch


def event_type(message: type[Message]) -> str:
    """Derive the type, which is also the subject: `sori.<service>.<entity>.<participle>.v1`."""
    known = _TYPES.get(message)
    if known is None:
        *entity, participle = _WORD.findall(message.DESCRIPTOR.name)
        prefix, version = message.DESCRIPTOR.file.package.rsplit(".", 1)
        known = f"{prefix}.{'_'.join(entity).lower()}.{participle.lower()}.{version}"
        _TYPES[message] = known
    return known


def service_of(message: type[Message]) -> str:
    """Name the service, in snake case, that owns an event."""
    return message.DESCRIPTOR.file.package.split(".")[1]


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Event(Generic[M_co]):
    """A fact with everything a consumer needs to act; nobody changes it."""

    event_id: str  # Deterministic where a repeat must be recognised.
    message: M_co
    entity_id: str
    time: dt.datetime
    correlation_id: str  # The same for all that follows from one cause.
    causation_id: str = ""  # The event that led to this one.
    traceparent: str = ""  # W3C trace context.
    data: bytes = field(default=b"", compare=False, repr=False)  # The message as it came; empty of one made here.
    # Of one made here, the bytes of fields that go before those of `message`: what others said, passed on unread.
    # A protobuf message may be written in parts, one behind the other: https://protobuf.dev/programming-guides/encoding
    passed_on: bytes = field(default=b"", repr=False)

    @classmethod
    def new(
        cls,
        message: M,
        *,
        entity_id: str,
        time: dt.datetime,
        event_id: str = "",
        cause: "Event[Message] | None" = None,
        passed_on: bytes = b"",
    ) -> "Event[M]":
        """Make an event that follows from `cause`, or starts a new chain."""
        event_id = event_id or str(uuid.uuid4())
        return Event(
            event_id=event_id,
            message=message,
            entity_id=entity_id,
            time=time,
            correlation_id=cause.correlation_id if cause else event_id,
            causation_id=cause.event_id if cause else "",
            traceparent=cause.traceparent if cause else "",
            passed_on=passed_on,
        )


class Envelope(NamedTuple):
    """An event as it goes over the wire."""

    subject: str
    data: bytes
    lines: str  # Its headers, `name: value` and CRLF each: ASCII, no value breaks out of its line.

    @property
    def headers(self) -> dict[str, str]:
        """Read the headers."""
        return dict(line.split(": ", 1) for line in self.lines.split("\r\n") if line)

    @property
    def event_id(self) -> str:
        """Id of the event."""
        return self.headers["ce-id"]


def header_lines(headers: Mapping[str, str]) -> str:
    """Write headers as lines: of values the ends are stripped, and what is not printable ASCII is percent-encoded."""
    return "".join(f"{name}: {quote(value.strip(), safe=_PRINTABLE)}\r\n" for name, value in headers.items())


def seal(event: Event[Message], source: str) -> Envelope:
    """Turn an event into subject, data and headers; no header holds personal data."""
    return _seal(event, source, event.time.isoformat())


def seal_all(events: Iterable[Event[Message]], source: str) -> list[Envelope]:
    """Seal events, most of which have one time."""
    sealed: list[Envelope] = []
    time, written = None, ""
    for event in events:
        if event.time is not time:
            time = event.time
            written = time.isoformat()
        sealed.append(_seal(event, source, written))
    return sealed


def _seal(event: Event[Message], source: str, time: str) -> Envelope:
    subject = event_type(type(event.message))
    event_id, entity_id = event.event_id, event.entity_id
    lines = (
        f"Nats-Msg-Id: {event_id}\r\nce-specversion: 1.0\r\nce-id: {event_id}\r\nce-type: {subject}\r\n"
        f"ce-source: {source}\r\n"
        f"ce-subject: {entity_id if _PLAIN(entity_id) else quote(entity_id, safe='-_.')}\r\n"
        f"ce-time: {time}\r\nce-correlationid: {event.correlation_id}\r\n"
        "content-type: application/protobuf\r\n"
    )
    if event.causation_id:
        lines = f"{lines}ce-causationid: {event.causation_id}\r\n"
    if event.traceparent:
        lines = f"{lines}traceparent: {event.traceparent}\r\n"
    if not lines.isascii() or lines.count("\n") != 9 + bool(event.causation_id) + bool(event.traceparent):
        raise InvalidInput("the ids and the trace context of an event must be plain ASCII, on one line")
    return Envelope(subject, event.passed_on + event.message.SerializeToString(), lines)


_read_time = functools.lru_cache(maxsize=100)(dt.datetime.fromisoformat)  # A batch has one or a few.


def open_as(message: type[M], data: bytes, headers: Mapping[str, str] | None) -> Event[M]:
    """Read an event; what is no CloudEvent of that type is InvalidInput."""
    headers = headers or {}
    if headers.get("ce-type") != event_type(message):
        raise InvalidInput(f"event type {headers.get('ce-type')!r} is not {event_type(message)!r}")
    try:
        return Event(
            event_id=headers["ce-id"],
            message=message.FromString(data),
            entity_id=unquote(headers.get("ce-subject", "")),
            time=dt.datetime.fromisoformat(headers["ce-time"]),
            correlation_id=headers.get("ce-correlationid") or headers["ce-id"],
            causation_id=headers.get("ce-causationid", ""),
            traceparent=headers.get("traceparent", ""),
            data=data,
        )
    except KeyError as missing:
        raise InvalidInput(f"header {missing} is missing") from None
    except ValueError:
        raise InvalidInput("header ce-time is not an RFC 3339 time") from None
    except DecodeError:
        raise InvalidInput(f"data is not a {message.DESCRIPTOR.full_name}") from None


def open_sealed(message: type[M], data: bytes, raw: bytes) -> Event[M] | None:
    """Read an event whose headers are as `seal` wrote them, as `open_as` does in twice the time; None of any other."""
    try:
        found = _SEALED(raw.decode("ascii"))
        if found is None:
            return None
        event_id, type_, entity_id, time, correlation_id, causation_id, traceparent = found.groups("")
        if type_ != event_type(message):
            return None
        return Event(
            event_id=event_id,
            message=message.FromString(data),
            entity_id=unquote(entity_id) if "%" in entity_id else entity_id,
            time=_read_time(time),
            correlation_id=correlation_id or event_id,
            causation_id=causation_id,
            traceparent=traceparent,
            data=data,
        )
    except (ValueError, DecodeError):
        return None
