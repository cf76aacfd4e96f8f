"""How the cloud's own processes ask the server's control surface.

They hold a token, made at each start, that others on this machine and pages in its browsers do not.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.local.errors import LocalCloudError, ServerSilent

TOKEN_HEADER = "X-Local-Cloud-Token"  # noqa: S105 (the name of a header)
TOKEN_VARIABLE = "LOCAL_CLOUD_TOKEN"  # noqa: S105 (in the environment of the cloud's processes)
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class ControlCalls:
    """The way to the control surface of the server at a port, for who holds its token."""

    port: int
    token: str = field(repr=False)

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Carry out a command of `control` and return its answer.

        Raises: LocalCloudError if it is refused, ServerSilent if nobody answers in time.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(
                "POST",
                f"/_reconciler/{command}",
                json.dumps(arguments),
                {TOKEN_HEADER: self.token},
            )
            response = connection.getresponse()
            document: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            raise ServerSilent(f"the server did not answer `{command}`: {error!r}") from None
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise LocalCloudError(document["error"])
        return document


class ControlClient:
    """What can be looked at in, and done to, the regions of a running cloud."""

    control: ControlCalls

    def status(self) -> dict[str, Any]:
        """Return one instant's counts: links, stream records not handled, queue depths, workers."""
        return self.control.ask("status")

    def partition(self, one: str, other: str) -> None:
        """Stop replication between two regions; what they owe each other is kept."""
        self.control.ask("partition", one=one, other=other)

    def isolate(self, region: str) -> None:
        """Stop replication to and from a region."""
        self.control.ask("isolate", region=region)

    def heal(self) -> None:
        """Resume replication everywhere."""
        self.control.ask("heal")

    def darken(self, region: str) -> None:
        """Answer all of a region's requests to DynamoDB and its streams with errors of AWS's."""
        self.control.ask("darken", region=region)

    def lighten(self, region: str) -> None:
        """Answer a region's requests again."""
        self.control.ask("lighten", region=region)

    def expire(self, region: str, table: str, at_seconds: int) -> int:
        """Delete in a region what its TTL deletes by a time, in seconds since the epoch.

        Returns how many items. Replication carries the deletes to the other regions.
        """
        asked = {"region": region, "table": table, "at_seconds": at_seconds}
        deleted: int = self.control.ask("expire", **asked)["deleted"]
        return deleted

    def place(
        self, region: str, table: str, key: Mapping[str, Any], item: Mapping[str, Any] | None
    ) -> None:
        """Let one replica have an item, or none, behind replication's and its stream's back."""
        self.control.ask("place", region=region, table=table, key=key, item=item)

    def bodies(self, region: str, queue: str) -> list[str]:
        """Return the bodies in a queue, without receiving them."""
        bodies: list[str] = self.control.ask("messages", region=region, queue=queue)["bodies"]
        return bodies
