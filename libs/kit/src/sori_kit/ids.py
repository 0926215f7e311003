"""Ids that are the same wherever and whenever they are made from the same parts."""

import hashlib
import uuid

_NAMESPACE = uuid.UUID("5b1f7a52-6d0e-5c3a-9d58-6f1d5a7e3c10")  # Drawn once for Sori; changing it changes every id.
_NAMESPACE_BYTES = _NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # of RFC 9562
_SEPARATOR = "\x1f"  # ASCII unit separator: ("a", "b/c") and ("a/b", "c") stay apart.


def derive(*parts: str) -> uuid.UUID:
    """Make the UUIDv5 (RFC 9562) of `parts`."""
    return uuid.uuid5(_NAMESPACE, _SEPARATOR.join(parts))


def derived(*parts: str) -> str:
    """Spell what `derive` makes; several times as fast, for ids that are only passed on."""
    digest = hashlib.sha1(_NAMESPACE_BYTES + _SEPARATOR.join(parts).encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANT[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
