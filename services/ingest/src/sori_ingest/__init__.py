"""Takes every channel in."""
