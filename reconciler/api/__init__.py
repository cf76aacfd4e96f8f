"""The HTTP door to a table: requests read once, answers, errors, entity tags, health; no I/O."""
