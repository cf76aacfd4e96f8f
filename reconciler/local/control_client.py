"""How the cloud's own processes ask the server's control surface."""

import http.client
import json
from typing import Any

from reconciler.local.errors import LocalCloudError

_TIMEOUT_SECONDS = 10


def ask(port: int, command: str, **arguments: Any) -> dict[str, Any]:
    """Carry out a command of `control` on the server at `port` and return its answer.

    Raises: LocalCloudError if it is refused, OSError or HTTPException if nobody answers.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", f"/_reconciler/{command}", json.dumps(arguments))
        response = connection.getresponse()
        document: dict[str, Any] = json.loads(response.read())
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise LocalCloudError(document["error"])
    return document
