"""What is kept of a rejected line, beside the objects: where it was, why, and the line itself."""

import base64

from reconciler.ingest.jobs import LineError
from reconciler.ingest.lines import Line
from reconciler.text.plain_json import json_text


def rejected(error: LineError, line: Line) -> bytes:
    """Return the JSON line about a rejected one; one that is no text is in base64."""
    told: dict[str, object] = {"line": error.line, "at": error.at, "reason": error.reason}
    if line.text is not None:
        try:
            told["text"] = line.text.decode()
        except UnicodeError:
            told["base64"] = base64.b64encode(line.text).decode()
    return json_text(told).encode()
