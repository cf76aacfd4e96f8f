"""Which rows of the conflict feed a request asks for, and where a page goes on.

A cursor is the key of the last row that was seen, as the ledger's index has it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.api.answers import Refused
from reconciler.conflict.row import State
from reconciler.values.wire import Image, to_json

MOST_ROWS = 100
STATES = (State.OPEN, State.PARKED, State.RESOLVED, State.ACCEPTED)
_KINDS = {"item_key": "S", "conflict_id": "S", "state": "S", "lost_at_ms": "N"}
_LOST_AT = re.compile(r"[0-9.eE+-]{1,45}", re.ASCII)  # of a row that somebody broke, too
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_MOST_CURSOR = 6_000  # an item's key has up to 2 KB in the ledger


@dataclass(frozen=True)
class Listing:
    """A page of the losses in one state, the oldest first."""

    state: State
    limit: int
    after: Image | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Listing":
        """Read a query string; Refused names every mistake."""
        found: list[str] = []
        state, limit = query.get("state", "PARKED"), query.get("limit", "25")
        states = {each.value: each for each in STATES}
        if state not in states:
            found.append(f"state: it is one of {', '.join(states)}")
        if not _NUMBER.fullmatch(limit) or not 1 <= int(limit) <= MOST_ROWS:
            found.append(f"limit: it is a number from 1 to {MOST_ROWS}")
        after = _row_key(query["cursor"]) if query.get("cursor") else None
        if query.get("cursor") and (after is None or after["state"]["S"] != state):
            found.append("cursor: send the next of a page with the same state")
        found += [f"{name}: there is no such parameter" for name in _unknown(query)]
        if found:
            raise Refused("invalidRequest", "; ".join(found))
        return cls(states[state], int(limit), after)


def cursor_of(key: Image) -> str:
    """Return the cursor of the page after a row."""
    return base64.urlsafe_b64encode(to_json(key).encode()).decode().rstrip("=")


def _unknown(query: Mapping[str, str]) -> list[str]:
    return sorted(ascii(name)[1:-1] for name in query.keys() - {"state", "limit", "cursor"})


def _row_key(cursor: str) -> Image | None:
    try:
        padded = cursor[:_MOST_CURSOR] + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        kinds = {name: next(iter(wire)) for name, wire in key.items()}
        texts = [text for wire in key.values() for text in wire.values()]
    except (binascii.Error, ValueError, AttributeError, TypeError, StopIteration, RecursionError):
        return None
    is_row = kinds == _KINDS and len(texts) == len(_KINDS)
    if not is_row or not all(isinstance(each, str) and each.isprintable() for each in texts):
        return None
    return key if _LOST_AT.fullmatch(key["lost_at_ms"]["N"]) else None
