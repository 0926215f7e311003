"""Hears employees without exposing them."""
