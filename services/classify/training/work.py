"""Results of long steps, kept in a folder so that a later run need not make them again."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np


def fingerprint(parts: Iterable[object]) -> str:
    """Name what a step depends on, so that a result of other texts or settings is never taken up."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]


def kept(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Read the arrays that an earlier run has kept, or make and keep them."""
    if path.exists():
        with np.load(path) as stored:
            return dict(stored)
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, **made)
    part.rename(path)
    return made
