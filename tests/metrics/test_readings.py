"""From the answers of CloudWatch to what a panel shows."""

from typing import Any

import pytest

from reconciler.deployment import telemetry as t
from reconciler.deployment.panels import PANELS
from reconciler.metrics.readings import (
    Answers,
    PanelReadings,
    Window,
    combination,
    line_of,
    panel_readings,
    queries,
    window,
)

HOUR = Window(start_ms=3_600_000, seconds=60, periods=60)
SHORT = Window(start_ms=60_000, seconds=60, periods=3)


def named(metric: str, statistic: str, kind: str = "") -> str:
    """Return the id of the query for a series."""
    [name] = [
        query["Id"]
        for query in queries("parties", "us-east-1", HOUR)
        if query["MetricStat"]["Metric"]["MetricName"] == metric
        and query["MetricStat"]["Stat"] == statistic
        and query["MetricStat"]["Period"] == HOUR.seconds
        and len(query["MetricStat"]["Metric"]["Dimensions"]) == (3 if kind else 2)
        and (not kind or {"Name": "kind", "Value": kind} in dimensions(query))
    ]
    return str(name)


def dimensions(query: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = query["MetricStat"]["Metric"]["Dimensions"]
    return found


def region(answers: Answers) -> list[PanelReadings]:
    return panel_readings(answers, SHORT)


@pytest.mark.parametrize(
    ("minutes", "least", "seconds"),
    [(1, 60, 60), (60, 60, 60), (61, 60, 300), (1440, 60, 3600), (1, 1, 1), (5, 1, 5), (60, 1, 60)],
)
def test_a_window_holds_both_its_times_in_about_sixty_whole_periods(
    minutes: int, least: int, seconds: int
) -> None:
    now = 1_795_696_668_511
    found = window(now - minutes * 60_000, now, least_seconds=least)

    assert found.seconds == seconds
    assert found.start_ms % (seconds * 1000) == 0
    assert found.start_ms <= now - minutes * 60_000
    assert now < found.end_ms <= now + seconds * 1000
    assert found.periods <= 61


def test_a_value_of_the_windows_last_millisecond_is_within_it() -> None:
    assert window(0, 120_000).end_ms > 120_000


def test_every_series_is_asked_for_by_its_dimensions_and_its_statistic() -> None:
    asked = queries("parties", "us-east-1", HOUR)
    own = [query for query in asked if query["MetricStat"]["Period"] == 60]
    series = [each for panel in PANELS for each in panel.series]

    assert len({query["Id"] for query in asked}) == len(asked)
    assert [
        (query["MetricStat"]["Metric"]["MetricName"], query["MetricStat"]["Stat"]) for query in own
    ] == [(each.metric, each.statistic) for each in series]
    table = {"Name": "table", "Value": "parties"}
    place = {"Name": "region", "Value": "us-east-1"}
    kinds = [[{"Name": "kind", "Value": each.kind}] if each.kind else [] for each in series]
    assert [dimensions(query) for query in own] == [[table, place, *kind] for kind in kinds]


def test_averages_and_percentiles_are_asked_for_the_whole_window_too() -> None:
    asked = queries("parties", "us-east-1", HOUR)
    whole = {query["MetricStat"]["Stat"] for query in asked if query["MetricStat"]["Period"] > 60}

    assert whole == {"Average", "p50", "p99"}
    assert {query["MetricStat"]["Period"] for query in asked} == {60, HOUR.length}


def test_a_count_adds_up_and_is_zero_where_nothing_was_counted() -> None:
    line = line_of(region({named(t.RECORDS, "Sum"): [(60_000, 2.0), (180_000, 3.0)]}), t.RECORDS)

    assert line.values == (2.0, 0.0, 3.0)
    assert line.total == 5.0


def test_a_kind_has_a_line_of_its_own() -> None:
    answers = {named(t.CONFLICTS, "Sum", "after-home"): [(60_000, 2.0)]}
    [conflicts] = [shown for shown in region(answers) if shown.panel.title == "Conflicts"]

    assert {line.series.kind: line.total for line in conflicts.lines} == {
        "concurrent-home": 0,
        "concurrent-witness": 0,
        "after-home": 2,
        "after-witness": 0,
    }


def test_of_a_level_the_latest_value_stands() -> None:
    name = named(t.OPEN_LOSSES, "Maximum")
    line = line_of(region({name: [(60_000, 7.0), (120_000, 2.0)]}), t.OPEN_LOSSES, "Maximum")

    assert line.values == (7.0, 2.0, None)
    assert line.total == 2.0


def test_of_a_measurement_the_greatest_stands() -> None:
    name = named(t.CLOCK_DRIFT_MS, "Maximum")
    line = line_of(region({name: [(60_000, 7.0), (120_000, 2.0)]}), t.CLOCK_DRIFT_MS, "Maximum")

    assert line.total == 7.0


def test_a_percentile_of_the_window_is_cloudwatchs_and_not_made_of_its_periods() -> None:
    name = named(t.LOSS_TO_REPAIR_MS, "p99")
    answers = {name: [(60_000, 10.0), (120_000, 90.0)], f"{name}whole": [(60_000, 50.0)]}
    line = line_of(region(answers), t.LOSS_TO_REPAIR_MS, "p99")

    assert line.values == (10.0, 90.0, None)
    assert line.total == 50.0


def test_what_is_quiet_is_there_with_nothing() -> None:
    found = region({})

    assert [shown.panel for shown in found] == list(PANELS)
    for line in (line for shown in found for line in shown.lines):
        assert line.total == (0 if line.series.statistic == "Sum" else None)
        assert len(line.values) == SHORT.periods


def test_regions_together_add_counts_and_keep_the_greatest_of_all_else() -> None:
    records, p99 = named(t.RECORDS, "Sum"), f"{named(t.LOSS_TO_REPAIR_MS, 'p99')}whole"
    one = region({records: [(60_000, 2.0)], p99: [(60_000, 50.0)]})
    other = region({records: [(60_000, 3.0), (120_000, 1.0)], p99: [(60_000, 40.0)]})

    both = combination([one, other])

    assert line_of(both, t.RECORDS).values == (5.0, 1.0, 0.0)
    assert line_of(both, t.RECORDS).total == 6.0
    assert line_of(both, t.LOSS_TO_REPAIR_MS, "p99").total == 50.0
    assert line_of(both, t.OPEN_LOSSES, "Maximum").total is None
