"""Alembic's entry: the kit does the rest."""

from sori_insight.store import METADATA
from sori_kit.migrations import run_env

run_env(METADATA)
