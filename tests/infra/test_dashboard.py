"""The dashboards: each region's own, and the one of all regions in the owner's stack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.deployment.panels import PANELS
from reconciler.deployment.wiring import METRICS_NAMESPACE
from tests.infra.stacks import ACCOUNT, REGIONS, SCENES, Stacks, synthesised
from tests.infra.test_alarms import DIMENSIONS, OURS

OWNER, EU = REGIONS[:2]
DASHBOARD = "AWS::CloudWatch::Dashboard"
WIDTH = 24


def dashboards(stacks: Stacks, region: str) -> dict[str, list[dict[str, Any]]]:
    """Return the widgets of a stack's dashboards, by the dashboard's name."""
    made = stacks.all("reconciler", DASHBOARD, region).values()
    return {each["DashboardName"]: json.loads(each["DashboardBody"])["widgets"] for each in made}


def every_widget(stacks: Stacks) -> list[dict[str, Any]]:
    regions = stacks.settings.regions
    return [w for r in regions for board in dashboards(stacks, r).values() for w in board]


def regional(stacks: Stacks, region: str = EU) -> list[dict[str, Any]]:
    return dashboards(stacks, region)[stacks.settings.names(region).of("dashboard")]


def drawn(widget: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Yield the namespace, name, dimensions and drawing of each of a chart's metrics."""
    for namespace, name, *dimensions, drawing in widget["properties"].get("metrics", []):
        yield namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True)), drawing


def test_each_region_has_its_dashboard_and_the_owner_one_of_all() -> None:
    three = synthesised("three")
    names = {region: set(dashboards(three, region)) for region in REGIONS}

    overall = names[OWNER].difference({f"parties-dashboard-{OWNER}"})
    assert overall == {f"parties-all-regions-{OWNER}"}
    for region in REGIONS[1:]:
        assert names[region] == {f"parties-dashboard-{region}"}


@pytest.mark.parametrize("scene", SCENES)
def test_every_metric_is_one_that_is_sent_with_the_dimensions_it_is_sent_with(scene: str) -> None:
    stacks = synthesised(scene)
    ours = [{"table", "region"}, {"table", "region", "kind"}]
    for widget in every_widget(stacks):
        for namespace, name, dimensions, _ in drawn(widget):
            known = ours if namespace == METRICS_NAMESPACE else DIMENSIONS[namespace]
            assert set(dimensions) in known
            if namespace == METRICS_NAMESPACE:
                region = widget["properties"]["region"]
                assert name in OURS
                assert dimensions["region"] == region
                assert dimensions["table"] == stacks.settings.names(region).table


def test_a_region_s_dashboard_shows_every_series_of_every_panel() -> None:
    widgets = {w["properties"]["title"]: w for w in regional(synthesised("three"))}

    for panel in PANELS:
        shown = [
            (name, drawing["stat"], dimensions.get("kind", ""), drawing["label"])
            for _, name, dimensions, drawing in drawn(widgets[f"{panel.title}: {EU}"])
        ]
        assert shown == [(s.metric, s.statistic, s.kind, s.label) for s in panel.series]


def test_a_region_s_dashboard_shows_what_aws_measures() -> None:
    shown = {
        (name, tuple(dimensions.values()))
        for widget in regional(synthesised("options"))
        for namespace, name, dimensions, _ in drawn(widget)
        if namespace.startswith("AWS/")
    }

    functions = ("detect", "resolve", "gauge", "redrive", "approve", "ingest")
    queues = ("resolve", "witness", "stream-dlq", "rules-dlq", "resolve-dlq", "witness-dlq")
    assert shown == {
        ("IteratorAge", (f"parties-detect-{EU}",)),
        ("ReplicationLatency", ("parties", OWNER)),
        *(
            (name, (f"parties-{f}-{EU}",))
            for f in (*functions, "api", "appsync")
            for name in ("Errors", "Duration")
        ),
        *(
            (name, (f"parties-{queue}-{EU}",))
            for queue in (*queues, "parked", "ingest", "ingest-dlq")
            for name in ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
        ),
    }


@pytest.mark.parametrize("scene", SCENES)
def test_the_state_of_every_alarm_of_a_region_is_on_its_dashboard(scene: str) -> None:
    stacks = synthesised(scene)
    [status] = [w for w in regional(stacks) if w["type"] == "alarm"]

    alarms = stacks.all("reconciler", "AWS::CloudWatch::Alarm").values()
    arn = f"arn:aws:cloudwatch:{EU}:{ACCOUNT}:alarm:"
    assert sorted(status["properties"]["alarms"]) == sorted(arn + a["AlarmName"] for a in alarms)
    assert len(alarms) <= 100  # the most that such a widget takes


@pytest.mark.parametrize("scene", ["three", "options"])
def test_on_the_dashboard_of_all_regions_they_stand_side_by_side(scene: str) -> None:
    stacks = synthesised(scene)
    regions = list(stacks.settings.regions)
    widgets = dashboards(stacks, OWNER)[f"parties-all-regions-{OWNER}"]
    rows: dict[int, list[dict[str, Any]]] = {}
    for widget in widgets:
        rows.setdefault(widget["y"], []).append(widget)

    for row in rows.values():
        titles = [widget["properties"]["title"] for widget in sorted(row, key=lambda w: w["x"])]
        title = titles[0].removesuffix(f": {OWNER}")
        assert titles == [f"{title}: {region}" for region in regions]
        asked = [w["properties"]["region"] for w in row if w["type"] == "metric"]
        assert asked in (regions, [])
    assert len(rows) == len(regional(stacks, OWNER))


@pytest.mark.parametrize("scene", SCENES)
def test_widgets_stay_on_the_grid_and_cover_no_other(scene: str) -> None:
    stacks = synthesised(scene)
    for region in stacks.settings.regions:
        for widgets in dashboards(stacks, region).values():
            cells = [
                (x, y)
                for w in widgets
                for x in range(w["x"], w["x"] + w["width"])
                for y in range(w["y"], w["y"] + w["height"])
            ]
            assert len(cells) == len(set(cells))
            assert max(x for x, _ in cells) < WIDTH
            assert len(widgets) <= 500  # the most that a dashboard takes
