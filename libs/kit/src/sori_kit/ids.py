"""Ids that are the same wherever and whenever they are made from the same parts."""

import hashlib
import uuid

from asyncpg.pgproto.pgproto import UUID  # The driver's: a uuid.UUID, spelt and hashed in a tenth of the time.

_NAMESPACE = uuid.UUID("5b1f7a52-6d0e-5c3a-9d58-6f1d5a7e3c10")  # Drawn once for Sori; changing it changes every id.
_BEGUN = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)  # Going on from a copy takes a third of beginning anew.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # of RFC 9562
_SEPARATOR = "\x1f"  # ASCII unit separator: ("a", "b/c") and ("a/b", "c") stay apart.


def _digest(parts: tuple[str, ...]) -> "hashlib._Hash":
    digest = _BEGUN.copy()
    digest.update(_SEPARATOR.join(parts).encode())
    return digest


def derive(*parts: str) -> uuid.UUID:
    """Make the UUIDv5 (RFC 9562) of `parts`."""
    digest = bytearray(_digest(parts).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # version
    digest[8] = digest[8] & 0x3F | 0x80  # variant
    made: uuid.UUID = UUID(bytes(digest))
    return made


def derived(*parts: str) -> str:
    """Spell what `derive` makes; several times as fast, for ids that are only passed on."""
    digest = _digest(parts).hexdigest()
    variant = _VARIANT[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
