"""Logs and metrics of the functions, through Powertools.

Behaviour: metrics leave as embedded metric format when an invocation ends, whatever its outcome: a
document with the dimensions table and region, and one more for each kind that was counted. What
measured nothing sends nothing.
Source: CloudWatch, "Embedded metric format specification"; Powertools for AWS Lambda (Python).
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from reconciler.deployment.wiring import METRICS_NAMESPACE


class Observability:
    """A `Telemetry`. Few dimensions (table, region, kind): each combination is billed.

    `outcomes` are the words last noted about each loss in this invocation, by conflict_id.
    """

    def __init__(self, function: str, table: str, region: str) -> None:
        self._logger = Logger()
        self._names = {"function": function, "table": table, "region": region}
        self._counts: Counter[tuple[str, str]] = Counter()  # of metric and kind; "" for all kinds
        self._documents: dict[str, EphemeralMetrics] = {}  # by kind
        self.outcomes: dict[str, str] = {}

    def count(self, metric: str, value: int = 1, kind: str = "") -> None:
        """Add to a metric and, if a kind is given, to that kind of it, too."""
        for each in {"", kind}:
            self._counts[metric, each] += value

    def measure(self, metric: str, value: float) -> None:
        """Take one measurement; Powertools sends a document at every 100 of a metric."""
        self._document("").add_metric(metric, _unit(metric), value)

    def note(self, message: str, **fields: Any) -> None:
        """Log one structured line."""
        if "conflict_id" in fields:
            self.outcomes[fields["conflict_id"]] = message
        self._logger.info(message, extra={**self._names, **fields})

    @contextmanager
    def invocation(self, context: Any) -> Iterator[None]:
        """Wrap one invocation: name it in the logs, and send its metrics when it ends."""
        self._logger.append_keys(request_id=getattr(context, "aws_request_id", None))
        self.outcomes.clear()
        try:
            yield
        except Exception:
            self._logger.exception("invocation failed", extra=self._names)
            raise
        finally:
            self._send()

    def _send(self) -> None:
        for (metric, kind), value in self._counts.items():
            self._document(kind).add_metric(metric, MetricUnit.Count, value)
        self._counts.clear()
        for document in self._documents.values():
            if document.metric_set:
                document.flush_metrics()

    def _document(self, kind: str) -> EphemeralMetrics:
        """Return the document of a kind. One for each: `Metrics` would share its state."""
        if kind not in self._documents:
            namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", METRICS_NAMESPACE)
            names = {"table": self._names["table"], "region": self._names["region"]}
            dimensions = {**names, "kind": kind} if kind else names
            self._documents[kind] = EphemeralMetrics(
                namespace=namespace,
                service="",  # or it were a dimension, too
                default_dimensions=dimensions,
            )
        return self._documents[kind]


def _unit(metric: str) -> MetricUnit:
    if metric.endswith("_ms"):
        return MetricUnit.Milliseconds
    return MetricUnit.Bytes if metric.endswith("_bytes") else MetricUnit.Count
