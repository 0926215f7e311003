"""Ids that are the same wherever and whenever they are made from the same parts."""

import uuid

_NAMESPACE = uuid.UUID("5b1f7a52-6d0e-5c3a-9d58-6f1d5a7e3c10")  # Drawn once for Sori; changing it changes every id.
_SEPARATOR = "\x1f"  # ASCII unit separator: ("a", "b/c") and ("a/b", "c") stay apart.


def derive(*parts: str) -> uuid.UUID:
    """Make the UUIDv5 (RFC 9562) of `parts`."""
    return uuid.uuid5(_NAMESPACE, _SEPARATOR.join(parts))
