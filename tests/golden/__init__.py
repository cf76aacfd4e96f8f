"""Documents that are checked in and compared: the wire bytes of images, and who may do what.

`.venv/bin/python -m tests.golden` writes all of them anew; then read the difference. What fits on
a line stands on one line, in the order of the names, so that a difference shows what changed.
"""

import json
from difflib import unified_diff
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MEANT = "If this is meant: `.venv/bin/python -m tests.golden`, then read what `git diff` shows."
_WIDTH = 100


def path(name: str) -> Path:
    """Return where a document is checked in."""
    return FOLDER / f"{name}.json"


def checked_in(name: str) -> Any:
    """Return a document as it is checked in."""
    return json.loads(path(name).read_text())


def text(document: Any) -> str:
    """Return a document as its file holds it."""
    return _text(document, "") + "\n"


def difference(name: str, document: Any) -> str:
    """Return how a document differs from the one that is checked in, and what to do; "" if not."""
    ours, theirs = text(document).splitlines(), text(checked_in(name)).splitlines()
    lines = list(unified_diff(theirs, ours, "checked in", "made now", n=1, lineterm=""))
    return "\n".join([*lines, MEANT]) if lines else ""


def _text(value: Any, indent: str) -> str:
    short = json.dumps(value, sort_keys=True)
    if not value or not isinstance(value, dict | list) or len(indent + short) <= _WIDTH:
        return short
    deeper = indent + " "
    if isinstance(value, list):
        parts, (begin, end) = [_text(each, deeper) for each in value], "[]"
    else:
        named = sorted(value.items())
        parts = [f"{json.dumps(name)}: {_text(each, deeper)}" for name, each in named]
        begin, end = "{}"
    return "\n".join([begin, ",\n".join(deeper + part for part in parts), indent + end])
