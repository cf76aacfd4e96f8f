"""Putting work back that failed: dead letters, batches set aside, parked changes, open rows."""
