"""The processes of a local cloud: one server, and a worker for each region that can be stopped.

Each is a child whose output is its log, and which is given the token of the control surface; a
worker has the environment that Lambda would give its functions.
"""

import logging
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from threading import Event, RLock
from typing import Any

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from reconciler.local.children import Child, stop
from reconciler.local.clients import aws_environment
from reconciler.local.control_client import TOKEN_VARIABLE
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import queue_url
from reconciler.local.worker.process import WorkerSettings

logger = logging.getLogger(__name__)

_MOST_RESTARTS = 3
_LOOK_SECONDS = 0.2


def start_server(
    settings: Mapping[str, Any], *, listening: socket.socket, directory: Path, token: str
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
        environment={TOKEN_VARIABLE: token},
        inherited=(descriptor,),
    )


class Workers:
    """One worker for each region, running or stopped; one that dies is started again.

    That is done a few times after each start, and told. A worker that dies before it was ever ready
    is not: it would die again.
    """

    def __init__(self, endpoint: str, directory: Path, token: str) -> None:
        """`token` is the key to the server's control surface."""
        self._endpoint = endpoint
        self._directory = directory
        self._token = token
        self._turn = RLock()  # the caller's thread and the one that revives
        self._running: dict[str, Child] = {}
        self._settings: dict[str, WorkerSettings] = {}
        self._streams: dict[str, str] = {}
        self._restarts: dict[str, int] = {}  # of those that were ready
        self._over = Event()

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes that should be running."""
        with self._turn:
            return tuple(self._running.values())

    def start(self, settings: WorkerSettings) -> None:
        """Start a region's worker, if it is not running; it waits to be told its stream."""
        region = settings.region
        with self._turn:
            if region in self._running:
                raise LocalCloudError(f"the worker of {region} is running: stop it first")
            self._settings[region] = settings
            self._running[region] = self._child(settings)

    def _child(self, settings: WorkerSettings) -> Child:
        names = Names(settings.table, settings.region)
        return Child(
            "reconciler.local.worker.process",
            asdict(settings),
            log=_worker_log(self._directory, settings.region),
            environment={
                **lambda_environment(names, self._endpoint),
                **settings.environment,
                TOKEN_VARIABLE: self._token,
            },
        )

    def stop(self, region: str) -> None:
        """End a region's worker and wait until it is gone."""
        with self._turn:
            if region not in self._running:
                raise LocalCloudError(f"{region} has no worker that is running")
            child = self._running.pop(region)
            self._restarts.pop(region, None)
        stop([child])

    def stop_all(self) -> None:
        """End every worker, and start none again."""
        self._over.set()
        with self._turn:
            stop(self.children)

    def tell(self, region: str, stream_arn: str) -> None:
        """Tell a worker its stream; it reports that it is ready once it reads it."""
        with self._turn:
            self._streams[region] = stream_arn
            self._running[region].tell(stream_arn)

    def unready(self, reported: Mapping[str, int]) -> list[Child]:
        """Return those that run and are not among the processes that reported, by region."""
        with self._turn:
            for region, child in self._running.items():
                if reported.get(region) == child.pid:
                    self._restarts.setdefault(region, 0)
            return [c for region, c in self._running.items() if reported.get(region) != c.pid]

    def check(self) -> None:
        """Raise LocalCloudError for a worker that died and is not started again."""
        with self._turn:
            for region, child in self._running.items():
                if not self._may_start_again(region, child):
                    child.check()

    def revive(self) -> None:
        """Start workers again as they die, until `stop_all`."""
        while not self._over.wait(_LOOK_SECONDS):
            with self._turn:
                for region, child in list(self._running.items()):
                    if child.status is not None and self._may_start_again(region, child):
                        self._start_again(region, child)

    def _may_start_again(self, region: str, child: Child) -> bool:
        # With status 0 it ended because it was told to.
        used_up = self._restarts.get(region, _MOST_RESTARTS) >= _MOST_RESTARTS
        return child.status != 0 and not used_up and not self._over.is_set()

    def _start_again(self, region: str, child: Child) -> None:
        self._restarts[region] += 1
        count = f"{self._restarts[region]} of {_MOST_RESTARTS}"
        logger.warning(
            "%s ended with status %s: started again, %s", child.name, child.status, count
        )
        again = self._running[region] = self._child(self._settings[region])
        with suppress(LocalCloudError):  # dead already: the next look sees it
            again.tell(self._streams[region])


def lambda_environment(names: Names, endpoint: str) -> dict[str, str]:
    """Return the environment that every function of a region has, pointed at this cloud."""
    parked = queue_url(endpoint, names.parked_queue)
    return {
        **aws_environment(names.region, endpoint),
        **function_environment(names, parked_queue_url=parked),
        "AWS_LAMBDA_FUNCTION_NAME": f"{names.table}-reconciler",
    }


def _worker_log(directory: Path, region: str) -> Path:
    """Return the file that takes what a region's functions write."""
    return directory / f"worker-{region}.log"
