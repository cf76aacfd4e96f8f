"""How the two kinds of processes of the local cloud are started."""

import socket
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from reconciler.local.children import Child
from reconciler.local.clients import aws_environment
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import queue_url
from reconciler.local.worker.process import WorkerSettings


def worker_log(directory: Path, region: str) -> Path:
    """Return the file that takes what a region's functions write."""
    return directory / f"worker-{region}.log"


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
    logs = {region: str(worker_log(directory, region)) for region in settings["regions"]}
    return Child(
        "reconciler.local.server.process",
        {**settings, "socket": descriptor, "directory": str(directory), "logs": logs},
        log=directory / "server.log",
        environment={},
        inherited=(descriptor,),
    )


def start_worker(settings: WorkerSettings, *, endpoint: str, directory: Path) -> Child:
    """Start a region's worker with the environment that Lambda would give its functions."""
    names = Names(settings.table, settings.region)
    parked = queue_url(endpoint, names.parked_queue)
    return Child(
        "reconciler.local.worker.process",
        asdict(settings),
        log=worker_log(directory, settings.region),
        environment={
            **aws_environment(settings.region, endpoint),
            **function_environment(names, parked_queue_url=parked),
            "AWS_LAMBDA_FUNCTION_NAME": f"{settings.table}-reconciler",
        },
    )
