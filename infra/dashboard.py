"""Dashboards: one for each region, and one on which all regions stand side by side.

They show which alarms are on, the panels of `reconciler.deployment.panels`, and what AWS knows of
the functions, the queues and the replication. The one of all regions is made in the owner's stack;
dashboards belong to no region, and each chart asks its own for its metrics.
Source: CloudWatch guide, "Dashboard body structure and syntax".
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from aws_cdk.aws_cloudwatch import CfnDashboard
from constructs import Construct

from infra.alarms import alarms
from infra.arns import Arns
from infra.metrics import Metric, of_function, of_queue, ours, replication_latency
from infra.settings import Settings
from infra.watched import Watched, watched
from reconciler.deployment.names import Names
from reconciler.deployment.panels import PANELS, Panel

REGIONAL, OVERALL = "dashboard", "all-regions"
_GRID, _HEIGHT = 24, 6  # CloudWatch's grid has 24 columns
_COLUMNS, _MOST_COLUMNS = 3, 4
_PERIOD_SECONDS = 60
Widget = dict[str, Any]
Line = tuple[str, Metric]


def dashboards(scope: Construct, settings: Settings, seen: Watched) -> None:
    """Make the region's dashboard and, in the owner's region, the one of all regions."""
    names = seen.names
    _make(scope, REGIONAL, names, [_placed([_status(seen)], 1), _placed(_charts(seen), _COLUMNS)])
    if names.region == settings.owner:
        regions = [watched(settings, region) for region in settings.regions]
        rows = zip(*([_status(each), *_charts(each)] for each in regions), strict=True)
        columns = min(len(regions), _MOST_COLUMNS)
        _make(scope, OVERALL, names, [_placed(row, columns) for row in rows])


def _make(scope: Construct, part: str, names: Names, blocks: Sequence[list[Widget]]) -> None:
    """Make a dashboard of blocks of widgets, one below the other."""
    widgets: list[Widget] = []
    for block in blocks:
        top = max((each["y"] + each["height"] for each in widgets), default=0)
        widgets += [{**each, "y": each["y"] + top} for each in block]
    body = json.dumps({"widgets": widgets})
    CfnDashboard(scope, part, dashboard_name=names.of(part), dashboard_body=body)


def _placed(widgets: Sequence[Widget], columns: int) -> list[Widget]:
    """Place a block's widgets on the grid, row by row."""
    width = _GRID // columns
    return [
        {
            **widget,
            "x": place % columns * width,
            "y": place // columns * _HEIGHT,
            "width": width,
            "height": _HEIGHT,
        }
        for place, widget in enumerate(widgets)
    ]


def _status(seen: Watched) -> Widget:
    arns, names = Arns(seen.names), seen.names
    listed = [arns.of("cloudwatch", f"alarm:{names.of(each.resource)}") for each in alarms(seen)]
    properties = {
        "title": f"Alarms: {names.region}",
        "alarms": listed,
        "sortBy": "stateUpdatedTimestamp",  # those that are on come first
    }
    return {"type": "alarm", "properties": properties}


def _charts(seen: Watched) -> list[Widget]:
    names = seen.names
    panels = [_chart(names, panel.title, _lines(names, panel), panel.unit) for panel in PANELS]
    return panels + [_chart(names, *chart) for chart in _of_aws(seen)]


def _lines(names: Names, panel: Panel) -> list[Line]:
    return [(s.label, ours(names, s.metric, s.statistic, s.kind)) for s in panel.series]


def _of_aws(seen: Watched) -> Iterator[tuple[str, list[Line], str]]:
    """Yield the charts of what AWS measures: their titles, lines and units."""
    names = seen.names
    functions = {part: names.of(part) for part in seen.functions}
    queues = {part: names.of(part) for part in seen.queues}
    behind = of_function(names.detect_function, "IteratorAge", "Maximum")
    yield "Detector behind its stream", [("greatest", behind)], "ms"
    errors = [(part, of_function(name, "Errors")) for part, name in functions.items()]
    yield "Failed runs of functions", errors, ""
    durations = [(part, of_function(name, "Duration", "p99")) for part, name in functions.items()]
    yield "Duration of functions, p99", durations, "ms"
    for title, metric, unit in (
        ("Messages in queues", "ApproximateNumberOfMessagesVisible", ""),
        ("Age of the oldest message", "ApproximateAgeOfOldestMessage", "s"),
    ):
        yield title, [(part, of_queue(name, metric)) for part, name in queues.items()], unit
    latencies = [(f"to {other}", replication_latency(names, other)) for other in seen.others]
    yield "Replication latency", latencies, "ms"


def _chart(names: Names, title: str, lines: Sequence[Line], unit: str) -> Widget:
    properties = {
        "title": f"{title}: {names.region}",
        "region": names.region,
        "view": "timeSeries",
        "period": _PERIOD_SECONDS,
        "metrics": [_drawn(label, metric) for label, metric in lines],
        "yAxis": {"left": {"min": 0, "label": unit, "showUnits": not unit}},
    }
    return {"type": "metric", "properties": properties}


def _drawn(label: str, metric: Metric) -> list[Any]:
    dimensions = [part for pair in metric.dimensions.items() for part in pair]
    return [metric.namespace, metric.name, *dimensions, {"label": label, "stat": metric.statistic}]
