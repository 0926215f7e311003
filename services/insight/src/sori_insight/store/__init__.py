"""Tables and queries of insight; rows never leave this package."""

from sori_insight.store.tables import METADATA

__all__ = ["METADATA"]
