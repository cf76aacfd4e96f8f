"""GetMetricData over moto's metrics, as CloudWatch answers it.

Dimensions match exactly, in any order; periods begin at the start time; a period without data has
no value; percentiles are of the values themselves (nearest rank; CloudWatch approximates). moto
compares dimensions in order, knows no percentiles, and reads everything for each period.
Limits: queries with expressions are left to moto; data put as statistic sets is not seen.
Source: CloudWatch API reference, GetMetricData; user guide, "Statistics definitions".
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.models import CloudWatchBackend, MetricDatum

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": math.fsum,
    "Maximum": max,
    "Minimum": min,
    "Average": fmean,
    "SampleCount": len,
}
_motos_own = CloudWatchBackend.get_metric_data

# Namespace, name, dimensions: what makes a metric.
_Metric = tuple[str, str, frozenset[tuple[str | None, str | None]]]


def answer_metric_queries() -> None:
    """Let moto's CloudWatch in this process answer GetMetricData in our way."""
    CloudWatchBackend.get_metric_data = _get_metric_data  # type: ignore[method-assign]  # moto's


def statistic(name: str, values: Sequence[float]) -> float:
    """Return a statistic of at least one value, by CloudWatch's name of it."""
    if name in _STATISTICS:
        return float(_STATISTICS[name](values))
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is None:
        raise InvalidParameterValue(f"The value {name} for parameter Stat is not supported.")
    rank = math.ceil(len(values) * float(percentile[1]) / 100)
    return sorted(values)[max(rank, 1) - 1]


def _get_metric_data(
    self: CloudWatchBackend,
    queries: list[dict[str, Any]],
    start_time: datetime,
    end_time: datetime,
    scan_by: str = "TimestampDescending",
) -> list[dict[str, Any]]:
    if not all("MetricStat" in query for query in queries) or start_time >= end_time:
        return _motos_own(self, queries, start_time, end_time, scan_by)
    data = self.get_all_metrics()
    measured = _by_metric(d for d in data if start_time <= d.timestamp < end_time)
    return [
        _result(query, measured[_metric_of(query)], start_time, scan_by)
        for query in queries
        if query.get("ReturnData", True)
    ]


def _by_metric(data: Iterable[Any]) -> Mapping[_Metric, list[MetricDatum]]:
    found: defaultdict[_Metric, list[MetricDatum]] = defaultdict(list)
    for datum in data:
        if isinstance(datum, MetricDatum):
            dimensions = frozenset((each.name, each.value) for each in datum.dimensions)
            found[datum.namespace, datum.name, dimensions].append(datum)
    return found


def _metric_of(query: Mapping[str, Any]) -> _Metric:
    metric = query["MetricStat"]["Metric"]
    dimensions = frozenset((each["Name"], each["Value"]) for each in metric.get("Dimensions", ()))
    return metric["Namespace"], metric["MetricName"], dimensions


def _result(
    query: Mapping[str, Any], data: Iterable[MetricDatum], start: datetime, scan_by: str
) -> dict[str, Any]:
    asked = query["MetricStat"]
    period = timedelta(seconds=int(asked["Period"]))
    periods: defaultdict[datetime, list[float]] = defaultdict(list)
    for datum in data:
        if asked.get("Unit") in (None, datum.unit):
            periods[start + (datum.timestamp - start) // period * period].append(datum.value)
    times = sorted(periods, reverse=scan_by == "TimestampDescending")
    return {
        "id": query["Id"],
        "label": query.get("Label") or f"{asked['Metric']['MetricName']} {asked['Stat']}",
        "values": [statistic(asked["Stat"], periods[at]) for at in times],
        "timestamps": times,
        "status_code": "Complete",
    }
