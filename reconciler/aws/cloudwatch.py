"""The metrics of a table in the CloudWatch of each of its regions.

It only reads, however many queries there are and however many pages the answer has. A region that
refuses or does not answer is told, and the others are read all the same.
Source: CloudWatch API reference, GetMetricData (500 queries a call).
"""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from reconciler.aws.clients import ClientOf, idempotent
from reconciler.errors import ReconcilerError
from reconciler.metrics.readings import Answers, PanelReadings, Window, panel_readings, queries

_QUERIES_A_CALL = 500


def read_metrics(
    table: str, regions: Sequence[str], client_of: ClientOf, asked: Window
) -> tuple[dict[str, list[PanelReadings]], dict[str, str]]:
    """Return the panels of each region that answered, and why each other one did not."""

    def read(region: str) -> list[PanelReadings] | str:
        try:
            answers = metric_data(client_of, region, queries(table, region, asked), asked)
        except ReconcilerError as problem:
            return str(problem)
        return panel_readings(answers, asked)

    with ThreadPoolExecutor(len(regions)) as pool:
        found = dict(zip(regions, pool.map(read, regions), strict=True))
    return (
        {region: each for region, each in found.items() if not isinstance(each, str)},
        {region: each for region, each in found.items() if isinstance(each, str)},
    )


def metric_data(
    client_of: ClientOf, region: str, asked_for: Sequence[dict[str, Any]], asked: Window
) -> Answers:
    """Return the answers of a region's CloudWatch to queries, the oldest values first.

    Raises: Unavailable if it refuses or does not answer.
    """
    found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    with idempotent("GetMetricData"):
        pages_of = client_of("cloudwatch", region).get_paginator("get_metric_data").paginate
        for first in range(0, len(asked_for), _QUERIES_A_CALL):
            pages = pages_of(
                MetricDataQueries=asked_for[first : first + _QUERIES_A_CALL],
                StartTime=datetime.fromtimestamp(asked.start_ms / 1000, UTC),
                EndTime=datetime.fromtimestamp(asked.end_ms / 1000, UTC),
                ScanBy="TimestampAscending",
            )
            for result in (each for page in pages for each in page["MetricDataResults"]):
                times = (round(at.timestamp() * 1000) for at in result["Timestamps"])
                found[result["Id"]] += zip(times, result["Values"], strict=True)
    return found
