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


class ControlClient:
    """What can be looked at in, and done to, the regions of the cloud at `port`."""

    port: int

    def status(self) -> dict[str, Any]:
        """Return one instant's counts: links, stream records not handled, queue depths, workers."""
        return ask(self.port, "status")

    def partition(self, one: str, other: str) -> None:
        """Stop replication between two regions; what they owe each other is kept."""
        ask(self.port, "partition", one=one, other=other)

    def isolate(self, region: str) -> None:
        """Stop replication to and from a region."""
        ask(self.port, "isolate", region=region)

    def heal(self) -> None:
        """Resume replication everywhere."""
        ask(self.port, "heal")

    def bodies(self, region: str, queue: str) -> list[str]:
        """Return the bodies in a queue, without receiving them."""
        bodies: list[str] = ask(self.port, "messages", region=region, queue=queue)["bodies"]
        return bodies
