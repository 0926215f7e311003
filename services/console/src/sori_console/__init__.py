"""The web pages that leaders open."""
