"""TM Forum's TMF632 (Party Management, v5): individuals and organizations, on a table of items."""
