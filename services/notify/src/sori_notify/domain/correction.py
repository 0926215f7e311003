"""What somebody says a touchpoint is about."""

import datetime as dt
import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The topics that a touchpoint should have been given, as far as cases depend on a classification."""

    correction_id: uuid.UUID
    touchpoint_id: uuid.UUID
    corrected_time: dt.datetime
    topics: tuple[str, ...]  # empty: none

    @property
    def place(self) -> tuple[dt.datetime, uuid.UUID]:
        """Give its place among the corrections of a touchpoint; the last one holds."""
        return self.corrected_time, self.correction_id
