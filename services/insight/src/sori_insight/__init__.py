"""The joint feed and its figures."""
