"""The processes of a local cloud: one server, and a worker for each region that can be stopped.

Each is a child whose output is its log; a worker has the environment that Lambda would give its
functions.
"""

import socket
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from reconciler.local.children import Child, stop
from reconciler.local.clients import aws_environment
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import queue_url
from reconciler.local.worker.process import WorkerSettings


def start_server(
    settings: Mapping[str, Any], *, listening: socket.socket, directory: Path
) -> Child:
    """Start the server on a socket that already listens, so that its port is known and its own.

    LocalCloudError if the server's packages are not installed.
    """
    if find_spec("moto") is None:
        raise LocalCloudError(
            "no moto: a local cloud needs the extra `local`: pip install '.[local]'"
        )
    descriptor = listening.fileno()
    logs = {region: str(_worker_log(directory, region)) for region in settings["regions"]}
    return Child(
        "reconciler.local.server.process",
        {**settings, "socket": descriptor, "directory": str(directory), "logs": logs},
        log=directory / "server.log",
        environment={},
        inherited=(descriptor,),
    )


class Workers:
    """One worker for each region, running or stopped."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self._endpoint = endpoint
        self._directory = directory
        self._running: dict[str, Child] = {}

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes that should be running."""
        return tuple(self._running.values())

    def start(self, settings: WorkerSettings) -> None:
        """Start a region's worker, if it is not running; it waits to be told its stream."""
        region = settings.region
        if region in self._running:
            raise LocalCloudError(f"the worker of {region} is running: stop it first")
        names = Names(settings.table, region)
        parked = queue_url(self._endpoint, names.parked_queue)
        self._running[region] = Child(
            "reconciler.local.worker.process",
            asdict(settings),
            log=_worker_log(self._directory, region),
            environment={
                **aws_environment(region, self._endpoint),
                **function_environment(names, parked_queue_url=parked),
                "AWS_LAMBDA_FUNCTION_NAME": f"{settings.table}-reconciler",
            },
        )

    def stop(self, region: str) -> None:
        """End a region's worker and wait until it is gone."""
        if region not in self._running:
            raise LocalCloudError(f"{region} has no worker that is running")
        stop([self._running.pop(region)])

    def stop_all(self) -> None:
        """End every worker."""
        stop(self.children)

    def tell(self, region: str, stream_arn: str) -> None:
        """Tell a worker its stream; it reports that it is ready once it reads it."""
        self._running[region].tell(stream_arn)

    def are_ready(self, reported: Mapping[str, int]) -> bool:
        """Tell whether the processes that reported, by region, are those that are running."""
        return all(reported.get(region) == child.pid for region, child in self._running.items())


def _worker_log(directory: Path, region: str) -> Path:
    """Return the file that takes what a region's functions write."""
    return directory / f"worker-{region}.log"
