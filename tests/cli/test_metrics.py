"""The command: its numbers, its page, and regions that do not answer."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import EndpointConnectionError
from moto.cloudwatch.models import CloudWatchBackend
from typer.testing import CliRunner, Result

from reconciler.aws.clients import client
from reconciler.cli import metrics
from reconciler.deployment import telemetry as t
from reconciler.deployment.panels import PANELS
from reconciler.deployment.wiring import METRICS_NAMESPACE
from reconciler.local.server.metric_queries import answer_metric_queries
from tests.aws.conftest import aws, clients, credentials

__all__ = ["aws", "clients", "credentials"]

US, EU = "us-east-1", "eu-west-1"
TABLE = "parties"


def run(*options: str, regions: str = f"{US},{EU}") -> Result:
    app = typer.Typer()
    app.command()(metrics.command)
    given = ["--table", TABLE, "--regions", regions, *options]
    return CliRunner().invoke(app, given, env={"COLUMNS": "120"})


@pytest.fixture
def measured(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two regions have measured something, in a CloudWatch that knows percentiles."""
    monkeypatch.setattr(CloudWatchBackend, "get_metric_data", CloudWatchBackend.get_metric_data)
    answer_metric_queries()
    put(US, t.CONFLICTS, 2, minutes_ago=5, kind="concurrent-home")
    put(US, t.CONFLICTS, 1, kind="concurrent-home")
    put(US, t.OPEN_LOSSES, 3)
    put(US, t.LOSS_TO_REPAIR_MS, *range(10, 1010, 10))
    put(EU, t.CONFLICTS, 4, kind="concurrent-home")
    put(EU, t.CONFLICTS, 99, kind="concurrent-home", table="another")


def put(region: str, metric: str, *values: float, minutes_ago: int = 0, **others: str) -> None:
    dimensions = {"table": TABLE, "region": region, **others}
    datum = {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Timestamp": datetime.now(UTC) - timedelta(minutes=minutes_ago),
        "Values": list(values),
    }
    client("cloudwatch", region, attempts=2).put_metric_data(
        Namespace=METRICS_NAMESPACE, MetricData=[datum]
    )


def value(document: dict[str, Any], region: str, panel: str, series: str) -> Any:
    return document["regions"][region][panel]["series"][series]["value"]


def line(result: Result, region: str, label: str) -> list[str]:
    """Return the words of the first line with this label below a region's name."""
    lines = result.stdout.splitlines()
    start = next(place for place, text in enumerate(lines) if text.startswith(region))
    return next(text for text in lines[start:] if text.strip().startswith(label)).split()


@pytest.mark.usefixtures("measured")
def test_json_has_the_numbers_of_every_region() -> None:
    result = run("--json")

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["table"], document["period_seconds"]) == (TABLE, 60)
    assert list(document["regions"]) == [US, EU]
    assert document["problems"] == {}
    assert value(document, US, "Conflicts", "concurrent-home") == 3
    assert value(document, EU, "Conflicts", "concurrent-home") == 4
    assert value(document, US, "Losses that wait", "open") == 3
    assert value(document, US, "From loss to repair", "p50") == 500
    assert value(document, US, "From loss to repair", "p99") == 990
    points = document["regions"][US]["Conflicts"]["series"]["concurrent-home"]["points"]
    assert [counted for _, counted in points if counted] == [2, 1]


@pytest.mark.usefixtures("measured")
def test_what_is_quiet_is_there_and_is_not_an_error() -> None:
    result = run("--json")

    document = json.loads(result.stdout)
    assert value(document, EU, "From loss to repair", "p99") is None
    assert value(document, EU, "Records", "records") == 0
    assert result.exit_code == 0
    assert "quiet" in line(run(), EU, "Clock drift")


@pytest.mark.usefixtures("measured")
def test_a_region_where_nothing_measures_is_told() -> None:
    result = run()

    assert f"{EU}: nothing measures what waits there" in result.stderr
    assert US not in result.stderr


@pytest.mark.usefixtures("measured")
def test_the_terminal_shows_every_panel_of_each_region_with_its_number_and_its_bars() -> None:
    result = run()

    assert result.exit_code == 0, result.output
    for region in (US, EU):
        assert all(line(result, region, panel.title) for panel in PANELS)
    _, number, bars = line(result, US, "concurrent-home")
    assert number == "3"
    assert bars.replace("▁", "") == "█▅"
    assert line(result, EU, "p99")[1:] == ["quiet", "·" * len(bars)]
    assert "\x1b[" not in result.stdout


@pytest.mark.usefixtures("measured")
def test_the_page_shows_every_panel_of_each_region_and_of_all(tmp_path: Path) -> None:
    file = tmp_path / "metrics.html"

    result = run("--page", str(file))

    assert result.exit_code == 0, result.output
    assert str(file) in result.stdout.replace("\n", "")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    for panel in PANELS:
        assert text.count(f"<h3>{panel.title}</h3>") == 3


@pytest.mark.usefixtures("measured")
def test_a_region_that_does_not_answer_is_told_the_others_are_shown_and_it_exits_with_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def some(service: str, region: str, **_: object) -> Any:
        if region == US:
            raise EndpointConnectionError(endpoint_url="https://monitoring")
        return client(service, region)

    monkeypatch.setattr(metrics, "client", some)

    result = run("--json")

    assert result.exit_code == 1
    assert "reconciler: us-east-1: GetMetricData: Could not connect" in result.stderr
    document = json.loads(result.stdout)
    assert list(document["regions"]) == [EU]
    assert list(document["problems"]) == [US]
    assert value(document, EU, "Conflicts", "concurrent-home") == 4


@pytest.mark.parametrize(
    ("options", "regions", "complaint"),
    [
        ((), "US East,eu-west-1", "US East"),
        (("--minutes", "0"), US, "--minutes"),
        (("--page", "/absent/metrics.html"), US, "there is no folder"),
    ],
)
def test_nonsense_is_refused_before_anybody_is_asked(
    options: tuple[str, ...], regions: str, complaint: str
) -> None:
    result = run(*options, regions=regions)

    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
