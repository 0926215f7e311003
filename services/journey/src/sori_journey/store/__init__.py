"""Tables and queries of journey; rows never leave this package."""

from sori_journey.store.tables import METADATA
from sori_journey.store.timeline import Entry

__all__ = ["METADATA", "Entry"]
