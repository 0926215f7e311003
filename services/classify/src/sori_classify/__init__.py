"""Reads mood and matter of every text."""
