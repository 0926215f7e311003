"""Figures over many customers, and what is to be expected of each."""
