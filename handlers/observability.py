"""Logs and metrics of the functions, through Powertools.

Metrics leave as embedded metric format when an invocation ends, whatever its outcome. Logs hold ids
and counts: no key, no value and no text that may quote one, unless `log_items` says so.
Source: CloudWatch, "Embedded metric format specification"; Powertools for AWS Lambda (Python).
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import extract_tb
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from reconciler.causality.region_time import RegionTime
from reconciler.deployment import telemetry
from reconciler.deployment.wiring import METRICS_NAMESPACE
from reconciler.errors import ReconcilerError

# The fields of a note that are logged always. All others may hold what is in an item, or quote it.
_IDS_AND_COUNTS = frozenset(
    {"conflict_id", "conflict_ids", "identifiers", "role", "queue", "about"}
    | {"message_id", "receives", "outcome", "job"}
)


class InvocationFailed(Exception):
    """What Lambda logs in place of an error that is not of our tree, and may quote an item."""


class Observability:
    """A `Telemetry` with few dimensions (table, region, kind), for each combination is billed.

    `outcomes` are the words last noted about each loss in this invocation, by conflict_id.
    """

    def __init__(self, function: str, table: str, region: str, *, log_items: bool = False) -> None:
        self._logger = Logger()
        self._log_items = log_items
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

    def measure_clock(self, region_time: RegionTime) -> None:
        """Measure how far this machine's clock is off, if an answer has told the region's time."""
        if region_time.is_heard():
            self.measure(telemetry.CLOCK_OFF_MS, abs(region_time.off_ms()))

    def note(self, message: str, **fields: Any) -> None:
        """Log one structured line, with those of its fields that may be logged."""
        if "conflict_id" in fields:
            self.outcomes[fields["conflict_id"]] = message
        error = fields.pop("error", None)
        told = {n: v for n, v in fields.items() if self._log_items or n in _IDS_AND_COUNTS}
        if error is not None:
            told |= self._error(error)
        self._logger.info(message, extra={**self._names, **told})

    def _error(self, error: Exception) -> dict[str, Any]:
        evidence = error.evidence if isinstance(error, ReconcilerError) else {}
        if self._log_items:
            return {"error": f"{type(error).__name__}: {error}", "evidence": evidence}
        named = (evidence.get(name) for name in ("call", "code"))
        return {"error": ": ".join([type(error).__name__, *filter(None, named)])}

    @contextmanager
    def invocation(self, context: Any) -> Iterator[None]:
        """Wrap one invocation: name it in the logs, and send its metrics when it ends.

        An error leaves with its class, as those who retry know it, but without its text, which
        Lambda would log: InvocationFailed if it is not of our tree.
        """
        self._logger.append_keys(request_id=getattr(context, "aws_request_id", None))
        self.outcomes.clear()
        try:
            yield
        except Exception as problem:
            if self._log_items:
                self._logger.exception("invocation failed", extra=self._names)
                raise
            told = self._error(problem)
            self._logger.error(
                "invocation failed", extra={**self._names, **told, "where": _where(problem)}
            )
            kept = type(problem) if isinstance(problem, ReconcilerError) else InvocationFailed
            raise kept(f"{told['error']}; RECONCILER_LOG_ITEMS=on logs its text") from None
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


def _where(problem: Exception) -> list[str]:
    """Return the places in the code that an error passed, without what was in their variables."""
    return [
        f"{each.filename}:{each.lineno} {each.name}" for each in extract_tb(problem.__traceback__)
    ]


def _unit(metric: str) -> MetricUnit:
    if metric.endswith("_ms"):
        return MetricUnit.Milliseconds
    return MetricUnit.Bytes if metric.endswith("_bytes") else MetricUnit.Count
