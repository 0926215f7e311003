"""Offsets of IANA time zones."""

import datetime as dt
import functools
import zoneinfo

_LONGEST = 64


@functools.lru_cache(1_024)
def zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Give an IANA zone by its name, or None where there is none of that name."""
    try:
        return zoneinfo.ZoneInfo(name) if 0 < len(name) <= _LONGEST else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def offset_minutes(name: str, seconds: int) -> int:
    """Give a zone's offset from UTC at a time in seconds since 1970; 0 where there is no such zone or time."""
    found = zone(name)
    try:
        offset = dt.datetime.fromtimestamp(seconds, found).utcoffset() if found else None
    except (ValueError, OverflowError, OSError):
        return 0
    return round(offset.total_seconds() / 60) if offset else 0
