"""The HTTP edge of console."""
