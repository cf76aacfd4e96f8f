"""The HTTP door of a table in each region of a running cloud, on loopback.

Each is a process of its own, `gateway`, with the environment that the deployment gives the door's
function. It is open to this machine alone, and ends with the cloud.
"""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import API_HANDLER
from reconciler.item.schema import Schema
from reconciler.local.children import Child, stop
from reconciler.local.cloud import LocalCloud
from reconciler.local.errors import LocalCloudError
from reconciler.local.port import listen_on_loopback
from reconciler.local.processes import lambda_environment
from reconciler.local.waiting import await_children

_SILENT_SECONDS = 2  # a start that takes longer is asked for again


@dataclass(frozen=True)
class Doors:
    """The doors that are open: their addresses by region, and their processes in that order."""

    addresses: Mapping[str, str]
    children: Sequence[Child]

    def check(self) -> None:
        """Raise LocalCloudError, with the end of its log, for a door whose process is gone."""
        for child in self.children:
            child.check()


@contextmanager
def open_doors(cloud: LocalCloud, schema: Schema, *, port: int = 0) -> Iterator[Doors]:
    """Open the door of the schema's table in each region, until this context is left.

    port: that of the first region's; those of the others follow. 0 for any.
    Raises: LocalCloudError if a door does not open, with what its function says of that.
    """
    addresses: dict[str, str] = {}
    children: list[Child] = []
    try:
        for number, region in enumerate(cloud.regions):
            addresses[region], child = _open(cloud, schema, region, port and port + number)
            children.append(child)
        doors = Doors(addresses, children)
        await_children(lambda: _silent(doors))
        yield doors
    finally:
        stop(children)


def _open(cloud: LocalCloud, schema: Schema, region: str, port: int) -> tuple[str, Child]:
    [table] = [spec for spec in cloud.tables if spec.name == schema.table]
    names = Names(schema.table, region)
    with listen_on_loopback(port) as listening:
        at = listening.getsockname()[1]
        settings = {
            "region": region,
            "function": names.api_function,
            "handler": API_HANDLER,
            "port": at,
            "socket": listening.fileno(),
        }
        child = Child(
            "reconciler.local.gateway.process",
            settings,
            log=cloud.directory / f"door-{region}.log",
            environment={
                **lambda_environment(names, cloud.endpoint),
                **table.environment,
                "RECONCILER_SCHEMA": schema.model_dump_json(),
                "RECONCILER_KEY_TYPES": ",".join(table.kinds.get(name, "S") for name in table.keys),
                "RECONCILER_API_AUTHORIZER": "iam",
            },
            inherited=(listening.fileno(),),
        )
    return f"http://127.0.0.1:{at}", child


def _silent(doors: Doors) -> list[Child]:
    doors.check()
    pairs = zip(doors.children, doors.addresses.values(), strict=True)
    return [child for child, address in pairs if not _is_live(child, address)]


def _is_live(child: Child, address: str) -> bool:
    """Return whether a door answers; LocalCloudError if it refuses what it is told, for good."""
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=_SILENT_SECONDS)
    try:
        connection.request("GET", "/health/live")
        answer = connection.getresponse()
        told = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    if answer.status in (http.client.OK, http.client.SERVICE_UNAVAILABLE):
        return answer.status == http.client.OK
    raise LocalCloudError(f"{child.name} answers {answer.status}: {told}\n{child.last_lines()}")
