"""The migration drill: a live table moves in, step by step, and a ledger beside it judges."""
