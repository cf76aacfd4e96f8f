"""What CloudWatch Logs would find in a line of a function's log."""

import json
from datetime import datetime
from typing import Any

import pytest

from reconciler.local.server.embedded_metrics import metric_data

AT_MS = 1_795_696_668_511
AT = datetime(2026, 11, 26, 12, 37, 48, 511_000)
TABLE = {"Name": "table", "Value": "parties"}
REGION = {"Name": "region", "Value": "us-east-1"}
KIND = {"Name": "kind", "Value": "concurrent-home"}


def line(**changes: Any) -> str:
    """Return a line as Powertools prints it, with these members changed."""
    directive = {
        "Namespace": "DynamoDBReconciler",
        "Dimensions": [["table", "region"]],
        "Metrics": [
            {"Name": "WriteBacks", "Unit": "Count"},
            {"Name": "LossToRepair_ms", "Unit": "Milliseconds"},
        ],
    }
    document = {
        "_aws": {"Timestamp": AT_MS, "CloudWatchMetrics": [directive]},
        "table": "parties",
        "region": "us-east-1",
        "WriteBacks": [1.0],
        "LossToRepair_ms": [4220.0, 3220.0, 3220.0],
    }
    return json.dumps({**document, **changes})


def datum(name: str, unit: str, values: list[float]) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Dimensions": [TABLE, REGION],
        "Timestamp": AT,
        "Unit": unit,
        "Values": values,
    }


def test_each_metric_of_a_line_becomes_one_datum_with_all_its_values_and_the_lines_time() -> None:
    assert metric_data(line()) == [
        ("DynamoDBReconciler", datum("WriteBacks", "Count", [1.0])),
        ("DynamoDBReconciler", datum("LossToRepair_ms", "Milliseconds", [4220.0, 3220.0, 3220.0])),
    ]


def test_a_metric_counts_in_each_of_its_sets_of_dimensions() -> None:
    directive = {
        "Namespace": "N",
        "Dimensions": [["table", "region"], ["table", "region", "kind"]],
        "Metrics": [{"Name": "Conflicts"}],
    }
    about = {"Timestamp": AT_MS, "CloudWatchMetrics": [directive]}

    found = metric_data(line(_aws=about, kind="concurrent-home", Conflicts=2))

    assert [(each["Dimensions"], each["Values"], each["Unit"]) for _, each in found] == [
        ([TABLE, REGION], [2.0], "None"),
        ([TABLE, REGION, KIND], [2.0], "None"),
    ]


@pytest.mark.parametrize("target", [None, "7", True, [], [1, "2"], [1, None], float("nan")])
def test_a_metric_whose_target_is_no_number_is_left_out_and_its_neighbour_is_not(
    target: Any,
) -> None:
    found = metric_data(line(WriteBacks=target))

    assert [each["MetricName"] for _, each in found] == ["LossToRepair_ms"]


def test_a_set_of_dimensions_that_is_not_whole_has_no_metrics() -> None:
    assert metric_data(line(region=None)) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback (most recent call last):",
        '{"message": "no metrics"}',
        'a text about "_aws"',
        '["_aws"]',
        '{"_aws": 5}',
        '{"_aws": {"CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": "now", "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": 1e30, "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "N"}]}}',
        line()[:-1],
    ],
)
def test_any_other_line_is_only_a_log_line(text: str) -> None:
    assert metric_data(text) == []
