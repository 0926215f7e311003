"""Hours of the day as files spell them."""

import datetime as dt
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from sori_notify.domain.schedules import WEEK, Hours
from sori_notify.settings.places import Strict

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _time(text: str) -> str:
    try:
        read = dt.time.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a time of the day such as 09:00") from None
    if read.tzinfo is not None:
        raise ValueError("has an offset; the zone stands beside it")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone such as Asia/Seoul") from None
    return name


Time = Annotated[str, AfterValidator(_time)]
Zone = Annotated[str, AfterValidator(_zone)]


class HoursOf(Strict):
    """From `start` until `end` on the days on which it starts; over midnight where `end` is not later."""

    start: Time
    end: Time
    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)] | None = None
    zone: Zone = "Asia/Seoul"

    def read(self) -> Hours:
        """Give them as the domain has them."""
        return Hours(
            start=dt.time.fromisoformat(self.start),
            end=dt.time.fromisoformat(self.end),
            days=tuple(sorted(_DAYS.index(each) + 1 for each in self.days)) if self.days else WEEK,
            zone=self.zone,
        )
