"""Logs, metrics and traces of the functions, through Powertools.

Behaviour: metrics leave as embedded metric format when an invocation ends, whatever its outcome.
Tracing is off unless RECONCILER_TRACING is "on"; off, its packages are not even imported.
Source: CloudWatch, "Embedded metric format specification"; Powertools for AWS Lambda (Python).
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from reconciler.deployment import METRICS_NAMESPACE

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Observability:
    """A `Telemetry`. Few dimensions (service, table, region): each combination is billed."""

    def __init__(self, function: str, table: str, region: str) -> None:
        self._logger = Logger()
        self._names = {"function": function, "table": table, "region": region}
        namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", METRICS_NAMESPACE)
        self._metrics = Metrics(namespace=namespace)
        self._metrics.set_default_dimensions(table=table, region=region)
        self._counts: Counter[str] = Counter()
        self._is_quiet = True  # nothing was measured: there is no line to send

    def count(self, metric: str, value: float = 1) -> None:
        """Add to a metric; names ending in `_ms` are single measurements."""
        self._is_quiet = False
        if metric.endswith("_ms"):
            self._metrics.add_metric(metric, MetricUnit.Milliseconds, value)
        else:
            self._counts[metric] += int(value)

    def note(self, message: str, **fields: Any) -> None:
        """Log one structured line."""
        self._logger.info(message, extra={**self._names, **fields})

    @contextmanager
    def invocation(self, context: Any) -> Iterator[None]:
        """Wrap one invocation: name it in the logs, and send its metrics when it ends."""
        self._logger.append_keys(request_id=getattr(context, "aws_request_id", None))
        try:
            yield
        except Exception:
            self._logger.exception("invocation failed", extra=self._names)
            raise
        finally:
            for metric, value in self._counts.items():
                self._metrics.add_metric(metric, MetricUnit.Count, value)
            self._counts.clear()
            if not self._is_quiet:
                self._metrics.flush_metrics()
            self._is_quiet = True


def traced(handler: Handler) -> Handler:
    """Return the handler, traced by X-Ray if the environment says so when it is first called."""

    @cache
    def wrapped() -> Handler:
        if os.environ.get("RECONCILER_TRACING") != "on":
            return handler
        from aws_lambda_powertools import Tracer  # noqa: PLC0415 (costs 0.4 s, so only when on)

        tracer = Tracer()
        traced_handler: Handler = tracer.capture_lambda_handler(handler)
        return traced_handler

    def entry(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return wrapped()(event, context)

    return entry
