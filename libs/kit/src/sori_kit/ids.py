"""Ids that are the same wherever and whenever they are made from the same parts."""

import hashlib
import uuid

_NAMESPACE = uuid.UUID("5b1f7a52-6d0e-5c3a-9d58-6f1d5a7e3c10")  # Drawn once for Sori; changing it changes every id.
_SEPARATOR = "\x1f"  # ASCII unit separator: ("a", "b/c") and ("a/b", "c") stay apart.


def derive(*parts: str) -> uuid.UUID:
    """Make the UUIDv5 (RFC 9562) of `parts`."""
    return uuid.uuid5(_NAMESPACE, _SEPARATOR.join(parts))


def derived(*parts: str) -> str:
    """Spell what `derive` makes; four times as fast, for ids that are only passed on."""
    digest = bytearray(hashlib.sha1(_NAMESPACE.bytes + _SEPARATOR.join(parts).encode(), usedforsecurity=False).digest())
    digest[6] = digest[6] & 0x0F | 0x50  # version 5
    digest[8] = digest[8] & 0x3F | 0x80  # variant of RFC 9562
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"
