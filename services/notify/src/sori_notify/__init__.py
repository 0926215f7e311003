"""Promises, cases and alerts."""
