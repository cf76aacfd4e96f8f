"""Embedded metric format: the metrics that CloudWatch Logs finds in one line of a log.

Each metric that a line names becomes one datum of PutMetricData in each of its sets of dimensions.
A line in any other form is only a log line; a metric or a set whose member is missing, or has a
wrong type, is left out, as there.
Source: CloudWatch, "Embedded metric format specification"; API reference, PutMetricData.
"""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

_MARK = '"_aws"'  # most lines are no metrics, and need not be parsed


def metric_data(line: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (namespace, MetricDatum) for each metric in a line; times are UTC, without a zone."""
    if _MARK not in line:
        return []
    try:
        return list(_data(json.loads(line)))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return []


def _data(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    about = document["_aws"]
    at = datetime.fromtimestamp(about["Timestamp"] / 1000, UTC).replace(tzinfo=None)
    for directive in about["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = [(name, document.get(name)) for name in names]
            if not all(isinstance(value, str) for _, value in dimensions):
                continue
            for metric in directive["Metrics"]:
                if values := _values(document.get(metric["Name"])):
                    yield (
                        directive["Namespace"],
                        {
                            "MetricName": metric["Name"],
                            "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions],
                            "Timestamp": at,
                            "Unit": metric.get("Unit", "None"),
                            "Values": values,
                        },
                    )


def _values(target: Any) -> list[float]:
    values = target if isinstance(target, list) else [target]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    finite = [float(number) for number in numbers if math.isfinite(number)]
    return finite if len(finite) == len(values) else []
