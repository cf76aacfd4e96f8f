"""The executions of the approval workflow: which rows have one, its name, and what it is given.

A row's execution has the row's name, so starting it again starts nothing.
Source: Step Functions API Reference, StartExecution.
"""

import json
import re

from reconciler.conflict.row import Row, State
from reconciler.values.wire import digest

_NAME = re.compile(r"[0-9A-Za-z_-]{1,80}")


def execution_name(conflict_id: str) -> str:
    """Return the name of a loss's execution: its id, which is 22 characters of URL-safe base64 or
    `undecodable-` or `expired-` with a replica and a sequence number of at most 40 digits.

    What a malformed record made of its sequence number may not be a name: a digest stands for it.
    """
    return conflict_id if _NAME.fullmatch(conflict_id) else digest(conflict_id.encode(), 22)


def execution_input(row: Row) -> str:
    """Return what a row's execution starts with; the same text whenever the row is found."""
    named = {"conflict_id": row.conflict_id, "item_key": row.item_key}
    return json.dumps({**named, "round": 0, "problem": ""})


def waits(row: Row | None) -> bool:
    """Return whether a loss still waits for a decision; a row that has gone was closed long ago."""
    return row is not None and row.state in (State.OPEN, State.PARKED)
