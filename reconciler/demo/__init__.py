"""The demo: one conflict told step by step, then a burst of edits, counted with and without us."""
