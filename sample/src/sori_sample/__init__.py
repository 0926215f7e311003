"""A seeded, made-up month of a Korean coffee company, with stories hidden in it."""

from sori_sample.sample import DEFAULT_SEED, Sample, generate
from sori_sample.truth import Truth

__all__ = ["DEFAULT_SEED", "Sample", "Truth", "generate"]
