"""The way of the functions' metrics into CloudWatch: what CloudWatch Logs does with their logs.

Before a CloudWatch request is answered, every line that the workers have written since the last one
is looked at, and the metrics in it are put. So an answer holds all that was printed before the
question, each value once, and nothing runs while nobody asks. A line that is not yet whole waits
for its end.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from reconciler.local.provision import ACCOUNT
from reconciler.local.server.embedded_metrics import metric_data

_SERVICE = "/monitoring/"  # CloudWatch's name in the scope of a signature

# PEP 3333: an application takes the environment and start_response, and returns the body.
WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MetricDelivery:
    """A WSGI layer before moto; `logs` are the files that functions write to, by region."""

    def __init__(self, moto: WSGIApplication, logs: Mapping[str, Path]) -> None:
        self._moto = moto
        self._logs = logs
        self._read: dict[str, int] = dict.fromkeys(logs, 0)
        self._turn = Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one HTTP request."""
        if _SERVICE in environ.get("HTTP_AUTHORIZATION", ""):
            with self._turn:
                for region in self._logs:
                    self._deliver(region)
        return self._moto(environ, start_response)

    def _deliver(self, region: str) -> None:
        backend = cloudwatch_backends[ACCOUNT][region]
        for line in self._new_lines(region):
            for namespace, datum in metric_data(line):
                backend.put_metric_data(namespace, [datum])

    def _new_lines(self, region: str) -> list[str]:
        path = self._logs[region]
        if not path.exists():  # the region has no worker
            return []
        with path.open("rb") as log:
            log.seek(self._read[region])
            written = log.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._read[region] += len(whole)
        return whole.decode(errors="replace").split("\n")
