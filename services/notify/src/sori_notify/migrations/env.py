"""Alembic's entry: the kit does the rest."""

from sori_kit.migrations import run_env
from sori_notify.store import METADATA

run_env(METADATA)
