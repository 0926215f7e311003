"""Retention periods: how long the touchpoints of each channel are kept."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from sori_journey.domain import Channel
from sori_journey.settings.files import PolicyRefused, Strict, duration, read


def _duration(text: str) -> str:
    duration(text)
    return text


_Duration = Annotated[str, AfterValidator(_duration)]


class _File(Strict):
    channels: dict[Channel, _Duration] = {}
    others: _Duration | None = None  # None: kept


def load(path: Path | None) -> Mapping[str, dt.timedelta]:
    """Read how long each channel's touchpoints are kept; without a file all are kept for good."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"{path.name}: cannot be read: {type(error).__name__}") from None
    checked = read(path.name, text, _File)
    periods = {channel.value: duration(period) for channel, period in checked.channels.items()}
    if checked.others:
        periods = {channel.value: duration(checked.others) for channel in Channel} | periods
    return periods
