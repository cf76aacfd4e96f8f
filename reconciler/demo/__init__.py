"""The demo on a local cloud: one conflict told step by step, then a burst, counted."""
