"""Sori on one machine."""
