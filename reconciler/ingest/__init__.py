"""Bulk ingest: objects of lines as keyed writes, in ranges, each line once wherever it is met."""
