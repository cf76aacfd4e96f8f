"""TM Forum's TMF632 (Party Management, v5): individuals, on a table of items."""
