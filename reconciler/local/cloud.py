"""Several AWS regions on this machine, for the demo, the drills and tests.

Entering `LocalCloud` starts one server and, for a reconciled table, one worker per region, and
makes every resource; leaving it, by whatever way, ends the processes and removes their files.
Nothing listens beyond loopback and nothing is kept. A worker that dies is started again, three
times; the server holds everything, so a cloud whose server died is over.
"""

import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Self

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import (
    DETECT_HANDLER,
    HOME_SOURCE,
    RESOLVE_HANDLER,
    STREAM_SOURCE,
    WITNESS_SOURCE,
    QueueSource,
    StreamSource,
)
from reconciler.local.children import Child, stop
from reconciler.local.clients import Boto3Clients, check_regions
from reconciler.local.control_client import ControlCalls, ControlClient
from reconciler.local.errors import LocalCloudError, ServerSilent
from reconciler.local.port import listen_on_loopback
from reconciler.local.processes import Workers, start_server
from reconciler.local.provision import TableSpec, create_pipeline, create_table
from reconciler.local.status import unfinished_work
from reconciler.local.waiting import await_children, await_rest
from reconciler.local.worker.process import StreamFailures, WorkerSettings

DEFAULT_REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")

# What is deployed, in a hurry: the same limits, but nobody waits three minutes for a redelivery.
LOCAL_STREAM = replace(STREAM_SOURCE, batching_window_seconds=0.1)
LOCAL_HOME = replace(HOME_SOURCE, visibility_timeout_seconds=2)
LOCAL_WITNESS = replace(WITNESS_SOURCE, visibility_timeout_seconds=2, delay_seconds=2)


@dataclass
class LocalCloud(ControlClient):
    """Several regions of one local cloud, alive inside this context.

    tables: the global tables to make. reconciled: the one whose streams feed the pipeline, or
    None for no pipeline. regions: two to five. lag_ms: least and most replication lag.
    port: a port on loopback, 0 for any; if it is taken another is used, with a warning.
    stream, home, witness: the event sources. stream_failures: where batches go that the stream's
    gives up, "s3" (whole) or "sqs" (names of records). detect, resolve: "module:attribute".
    Raises: LocalCloudError if the settings are wrong or a process dies at start.
    """

    tables: Sequence[TableSpec]
    _: KW_ONLY
    reconciled: str | None = None
    regions: Sequence[str] = DEFAULT_REGIONS
    lag_ms: tuple[int, int] = (50, 150)
    port: int = 0
    seed: int = 0
    stream: StreamSource = LOCAL_STREAM
    home: QueueSource = LOCAL_HOME
    witness: QueueSource = LOCAL_WITNESS
    detect: str = DETECT_HANDLER
    resolve: str = RESOLVE_HANDLER
    stream_failures: StreamFailures = "s3"

    def __post_init__(self) -> None:
        if not 2 <= len(set(self.regions)) == len(self.regions) <= 5:
            raise LocalCloudError(f"two to five different regions are needed, not {self.regions}")
        check_regions(self.regions)
        names = [spec.name for spec in self.tables]
        if self.reconciled is not None and self.reconciled not in names:
            raise LocalCloudError(f"the reconciled table {self.reconciled!r} is not among {names}")
        if not 0 <= self.lag_ms[0] <= self.lag_ms[1]:
            raise LocalCloudError(f"a lag is (least, most) milliseconds, not {self.lag_ms}")

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self.directory = Path(tempfile.mkdtemp(prefix="reconciler-"))
            undo.callback(shutil.rmtree, self.directory, ignore_errors=True)
            self._start_server(undo)
            self._workers = Workers(self.endpoint, self.directory, self.control.token)
            undo.callback(self._workers.stop_all)
            Thread(target=self._workers.revive, daemon=True).start()
            for region in self.regions if self.reconciled else ():
                self._start_worker(region, detect=self.detect, resolve=self.resolve)
            await_children(self._silent_server)
            self._streams = self._provision()
            self._lead_to_streams(self.regions if self.reconciled else ())
            self._exit = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start_server(self, undo: ExitStack) -> None:
        with listen_on_loopback(self.port) as listening:
            self.port = listening.getsockname()[1]
            self.endpoint = f"http://127.0.0.1:{self.port}"
            self.control = ControlCalls(self.port, secrets.token_urlsafe())
            self._clients = Boto3Clients(self.endpoint)
            settings = {
                "port": self.port,
                "regions": self.regions,
                "lag_ms": self.lag_ms,
                "seed": self.seed,
            }
            self._server = start_server(
                settings,
                listening=listening,
                directory=self.directory,
                token=self.control.token,
            )
        undo.callback(stop, [self._server])

    def _start_worker(self, region: str, *, detect: str, resolve: str) -> None:
        names = self._names(region)
        [table] = [spec for spec in self.tables if spec.name == names.table]
        settings = WorkerSettings(
            region=region,
            port=self.port,
            table=table.name,
            partition_key=table.partition_key,
            environment=table.environment,
            detect=detect,
            resolve=resolve,
            stream=self.stream,
            home=self.home,
            witness=self.witness,
            stream_failures=self.stream_failures,
        )
        self._workers.start(settings)

    def _lead_to_streams(self, regions: Sequence[str]) -> None:
        """Tell workers their streams and wait until they read them."""
        for region in regions:
            self._workers.tell(region, self._streams[region])
        await_children(self._unready_workers)

    def _provision(self) -> Mapping[str, str]:
        """Make every resource; return the ARN of the reconciled table's stream by region."""
        with ThreadPoolExecutor(len(self.regions)) as regions:
            arns = regions.map(self._provision_region, self.regions)
            streams = dict(zip(self.regions, arns, strict=True))
        for spec in self.tables:
            self.control.ask("register", table=spec.name, consumed=spec.name == self.reconciled)
        return streams

    def _provision_region(self, region: str) -> str:
        client = partial(self._clients.get, region=region)
        streams = {spec.name: create_table(client, spec) for spec in self.tables}
        if self.reconciled is None:
            return ""
        names = Names(self.reconciled, region)
        create_pipeline(client, names, home=self.home, witness=self.witness)
        return streams[self.reconciled]

    def _silent_server(self) -> tuple[Child, ...]:
        self.check()
        try:
            self.status()
        except ServerSilent:
            return (self._server,)
        return ()

    def _unready_workers(self) -> Sequence[Child]:
        self.check()
        try:
            return self._workers.unready(self.status()["workers"])
        except ServerSilent:
            return (self._server,)

    def check(self) -> None:
        """Raise LocalCloudError, with the end of its log, for a process that is gone for good."""
        self._server.check()
        self._workers.check()

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes of this cloud: the server first, then the workers."""
        return (self._server, *self._workers.children)

    def client(self, service: str, region: str) -> Any:
        """Return a boto3 client of this cloud; clients are shared and safe between threads."""
        return self._clients.get(service, region=region)

    def stop_worker(self, region: str) -> None:
        """End a region's functions; its stream and its queues wait, as in an outage."""
        self._workers.stop(region)

    def start_worker(
        self, region: str, *, detect: str | None = None, resolve: str | None = None
    ) -> None:
        """Run a stopped region's functions again; the stream goes on behind what was handled.

        detect, resolve: handlers to run this time instead of the cloud's.
        """
        self._start_worker(region, detect=detect or self.detect, resolve=resolve or self.resolve)
        self._lead_to_streams([region])

    def trim(self, region: str) -> None:
        """Let a region's stream forget the records handled so far, as AWS does after 24 hours."""
        self.control.ask("trim", region=region, table=self._names(region).table)

    def status(self) -> dict[str, Any]:
        """Return one instant's counts; `workers` are the processes that run and read a stream."""
        status = super().status()
        running = {child.pid for child in self._workers.children if child.status is None}
        ready = {region: pid for region, pid in status["workers"].items() if pid in running}
        return {**status, "workers": ready}

    def settle(self, patience_seconds: float = 30) -> None:
        """Wait until nothing is under way: replication, streams, queues and their consumers.

        It waits as long as anything moves. Raises: LocalCloudError naming what is still busy once
        nothing has for `patience_seconds`, or the process that died and is not started again.
        """

        def look() -> tuple[dict[str, Any], list[str]]:
            status = self.status()
            return status, unfinished_work(status, self._worked_queues())

        await_rest(look, self.check, patience_seconds)

    def _worked_queues(self) -> list[tuple[str, str]]:
        if self.reconciled is None:
            return []
        names = [Names(self.reconciled, region) for region in self.regions]
        return [(n.region, queue) for n in names for queue in (n.home_queue, n.witness_queue)]

    def scan(self, table: str, region: str) -> list[dict[str, Any]]:
        """Return every item of a replica, in wire format."""
        pages = self.client("dynamodb", region).get_paginator("scan")
        return [item for page in pages.paginate(TableName=table) for item in page["Items"]]

    def _names(self, region: str) -> Names:
        if self.reconciled is None:
            raise LocalCloudError("this cloud has no reconciled table")
        if region not in self.regions:
            raise LocalCloudError(f"there is no region {region!r}")
        return Names(self.reconciled, region)
