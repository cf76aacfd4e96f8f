"""Drills against a running system: what they share, and one package for each."""
