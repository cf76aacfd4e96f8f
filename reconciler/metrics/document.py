"""The numbers of the panels as one JSON document."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.metrics.readings import PanelReadings, Reading, Window


def document(
    table: str,
    asked: Window,
    regions: Mapping[str, Sequence[PanelReadings]],
    problems: Mapping[str, str],
) -> dict[str, Any]:
    """Return all readings, and why other regions have none.

    Times are milliseconds since 1970. `value` is null, and a period has no point, where nothing
    was measured.
    """
    return {
        "table": table,
        "start_ms": asked.start_ms,
        "end_ms": asked.end_ms,
        "period_seconds": asked.seconds,
        "regions": {
            region: {shown.panel.title: _panel(shown, asked) for shown in panels}
            for region, panels in regions.items()
        },
        "problems": dict(problems),
    }


def _panel(shown: PanelReadings, asked: Window) -> dict[str, Any]:
    series = {line.series.label: _line(line, asked) for line in shown.lines}
    return {"unit": shown.panel.unit, "series": series}


def _line(line: Reading, asked: Window) -> dict[str, Any]:
    pairs = zip(asked.starts(), line.values, strict=True)
    return {
        "metric": line.series.metric,
        "kind": line.series.kind,
        "statistic": line.series.statistic,
        "value": line.total,
        "points": [[at_ms, value] for at_ms, value in pairs if value is not None],
    }
