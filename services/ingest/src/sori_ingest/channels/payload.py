"""What a source hands in, and what an adapter makes of it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.settings.options import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source as configured, as far as an adapter reads it."""

    name: str  # becomes Touchpoint.source
    org_unit: str = ""
    options: Mapping[str, str] = field(default_factory=dict)  # the adapter's own knobs
    mapping: Mapping[str, str] = field(default_factory=dict)  # column or field -> touchpoint field


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Payload:
    """What a source handed in, as it came; nobody changes it."""

    body: bytes
    content_type: str = ""  # Empty: the adapter guesses from the bytes.
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    query: Mapping[str, str] = field(default_factory=dict)
    received_time: dt.datetime  # UTC; stands in where the source gives no time


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something that is not for us, and why: a snake_case constant; the detail is never personal."""

    reason: str
    detail: str = ""


class Unreadable(Exception):
    """A payload, or a part of one, that no touchpoint can be made of; it goes to quarantine.

    The reason is a snake_case constant (`not_json`, `not_utf8`, `field_missing`, `field_wrong`, …), the field a dotted
    path into the payload. The detail never repeats what the payload holds.
    """

    def __init__(self, reason: str, detail: str = "", field: str = "") -> None:
        super().__init__(reason, detail, field)
        self.reason = reason
        self.detail = detail
        self.field = field

    def __str__(self) -> str:
        """Say all of it on one line."""
        return ": ".join(part for part in (self.reason, self.field, self.detail) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an adapter made of a payload."""

    touchpoints: tuple[pb.Touchpoint, ...] = ()  # not yet in normal form; `source` and `org_unit` are filled
    ignored: tuple[Ignored, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()  # parts that could not be read; the rest goes on
    reply: bytes = b""  # what the HTTP edge answers at once, such as Slack's challenge; empty: the usual
    reply_content_type: str = ""


class Adapter(Protocol):
    """A module that reads the payloads of one kind of source. It never raises anything but Unreadable."""

    @property
    def NAME(self) -> str:
        """Name in sources.yaml."""
        ...

    @property
    def TITLE(self) -> str:
        """What the source is called."""
        ...

    @property
    def DOCUMENT(self) -> str:
        """Address of the vendor's documentation of the format."""
        ...

    @property
    def CHANNEL(self) -> str:
        """The channels that its touchpoints have."""
        ...

    @property
    def FIELDS(self) -> Mapping[str, str]:
        """Touchpoint field -> where it comes from."""
        ...

    @property
    def OPTIONS(self) -> Mapping[str, Option]:
        """Name of an option that its sources have, beside those of every source -> what it means."""
        ...

    def read(self, payload: Payload, source: Source) -> Reading:
        """Make touchpoints of a payload, or raise Unreadable."""
        ...
