"""Request fields that need more than protobuf's own check."""

import base64
import binascii
import datetime as dt
import json
import re
import uuid as uuids
from collections.abc import Sequence
from typing import Any

from asyncpg.pgproto.pgproto import UUID  # The driver's: a uuid.UUID, read and written in an eighth of the time.
from google.protobuf.timestamp_pb2 import Timestamp

from sori_kit.errors import InvalidInput

_EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")  # As protobuf reads it.


def uuid(value: str, field: str) -> uuids.UUID:
    """Read a UUID or say which field holds none."""
    try:
        read: uuids.UUID = UUID(value)
    except ValueError:
        raise InvalidInput.of_field(field, "is not a UUID") from None
    return read


def time(value: Timestamp, field: str) -> dt.datetime:
    """Read a time, or say which field holds none; those at the ends of the calendar leave no room to reckon with."""
    try:
        read = value.ToDatetime(dt.UTC)
    except (ValueError, OverflowError):
        read = None
    if read is None or not dt.MINYEAR + 1 < read.year < dt.MAXYEAR - 1:
        raise InvalidInput.of_field(field, "is not a time between the years 3 and 9997")
    return read


def moment(value: Timestamp) -> dt.datetime:
    """Read a time that another station has looked at; its own ToDatetime takes five times as long."""
    return _EPOCH + dt.timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)


def page_size(value: int, *, usual: int = 50, most: int = 500) -> int:
    """Read a page size (AIP-158): 0 means `usual`, more than `most` means `most`, negative is refused."""
    if value < 0:
        raise InvalidInput.of_field("page_size", "is negative")
    return min(value or usual, most)


def encode_token(*parts: str | int) -> str:
    """Make an opaque token from the parts of a cursor."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_token(value: str, *kinds: type, field: str = "page_token") -> list[str | int] | None:
    """Read the parts of a token made by `encode_token`, or None when it is empty; anything else is refused."""
    if not value:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (ValueError, binascii.Error):
        parts = None
    if not isinstance(parts, list) or not _are(parts, kinds):
        raise InvalidInput.of_field(field, "was not made by this service")
    return parts


def _are(parts: Sequence[object], kinds: Sequence[type]) -> bool:
    return len(parts) == len(kinds) and all(type(part) is kind for part, kind in zip(parts, kinds, strict=True))


def spell_time(value: Any) -> Any:
    """Spell a time as protobuf's JSON does; one without an offset is UTC, a number counts seconds since 1970.

    What is no time stays as it is.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return dt.datetime.fromtimestamp(value, dt.UTC).isoformat()
        if not isinstance(value, str) or _RFC_3339.fullmatch(value):
            return value
        found = dt.datetime.fromisoformat(value.strip().upper())
    except (ValueError, OverflowError, OSError):
        return value
    return found.isoformat() + ("" if found.tzinfo else "Z")
