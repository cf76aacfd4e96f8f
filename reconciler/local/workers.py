"""The workers of a local cloud's regions; each can be stopped and started again."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.local.children import Child, stop
from reconciler.local.errors import LocalCloudError
from reconciler.local.launch import start_worker
from reconciler.local.worker.process import WorkerSettings


class Workers:
    """One worker for each region, running or stopped."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self._endpoint = endpoint
        self._directory = directory
        self._running: dict[str, Child] = {}
        self._stopped: dict[str, Child] = {}

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes that should be running."""
        return tuple(self._running.values())

    def start(self, settings: WorkerSettings) -> None:
        """Start a region's worker, if it is not running; it waits to be told its stream."""
        region = settings.region
        if region in self._running:
            raise LocalCloudError(f"the worker of {region} is running: stop it first")
        self._stopped.pop(region, None)
        self._running[region] = start_worker(
            settings, endpoint=self._endpoint, directory=self._directory
        )

    def stop(self, region: str) -> None:
        """End a region's worker and wait until it is gone."""
        if region not in self._running:
            raise LocalCloudError(f"{region} has no worker that is running")
        self._stopped[region] = self._running.pop(region)
        stop([self._stopped[region]])

    def stop_all(self) -> None:
        """End every worker."""
        stop(self.children)

    def tell(self, region: str, stream_arn: str) -> None:
        """Tell a worker its stream; it reports that it is ready once it reads it."""
        self._running[region].tell(stream_arn)

    def are_ready(self, reported: Mapping[str, int]) -> bool:
        """Tell whether the processes that reported, by region, are those that are running."""
        return all(reported.get(region) == child.pid for region, child in self._running.items())

    def log_lines(self, region: str) -> Iterator[str]:
        """Yield what a region's worker has written so far, before it was stopped, too."""
        return (self._running | self._stopped)[region].log_lines()
