"""Alembic's entry: the kit does the rest."""

from sori_ee_feedback.store import METADATA
from sori_kit.migrations import run_env

run_env(METADATA)
