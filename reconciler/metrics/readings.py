"""What the panels of a region come to: the queries to ask, and the numbers in their answers.

A metric that nothing was put to is quiet: a count of it is 0, a measurement is None. A count adds
up over the window and over regions; of a level (`panels.GAUGES`) the latest value says how things
stand.
Limits: AWS keeps a minute's values apart for 15 days, and no shorter period for these metrics.
Source: CloudWatch API reference, GetMetricData.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.deployment.panels import GAUGES, PANELS, Panel, Series
from reconciler.deployment.wiring import METRICS_NAMESPACE

LEAST_SECONDS = 60
MOST_MINUTES = 15 * 24 * 60
_PERIODS = (1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
_MOST_PERIODS = 60

# By a query's id: (start of the period in milliseconds, value), in any order.
Answers = Mapping[str, Sequence[tuple[int, float]]]


@dataclass(frozen=True)
class Window:
    """The time that is looked at: whole periods, the last of which may not be over."""

    start_ms: int
    seconds: int  # of a period
    periods: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.length * 1000

    @property
    def length(self) -> int:
        """The seconds from its start to its end."""
        return self.seconds * self.periods

    def starts(self) -> Iterable[int]:
        """Return when each period begins."""
        return range(self.start_ms, self.end_ms, self.seconds * 1000)


@dataclass(frozen=True)
class Reading:
    """One series: its value in each period, None where there is none, and for the window."""

    series: Series
    values: tuple[float | None, ...]
    total: float | None


@dataclass(frozen=True)
class PanelReadings:
    """One panel with the reading of each of its series."""

    panel: Panel
    lines: tuple[Reading, ...]


def window(start_ms: int, end_ms: int, *, least_seconds: int = LEAST_SECONDS) -> Window:
    """Return the window that holds both times, in at most about 60 periods."""
    periods = [seconds for seconds in _PERIODS if seconds >= least_seconds]
    fitting = (s for s in periods if (end_ms - start_ms) <= s * 1000 * _MOST_PERIODS)
    seconds = next(fitting, periods[-1])
    first = start_ms // (seconds * 1000)
    return Window(first * seconds * 1000, seconds, end_ms // (seconds * 1000) - first + 1)


def queries(table: str, region: str, asked: Window) -> list[dict[str, Any]]:
    """Return the MetricDataQueries of all panels."""
    found = []
    for name, series in _series_by_id():
        found.append(_query(name, series, table, region, asked.seconds))
        if not _follows(series):
            found.append(_query(_id_of_whole(name), series, table, region, asked.length))
    return found


def panel_readings(answers: Answers, asked: Window) -> list[PanelReadings]:
    """Return what the panels of a region show."""
    lines = {name: _reading(name, series, answers, asked) for name, series in _series_by_id()}
    return [
        PanelReadings(panel, tuple(lines[_id_of(panel, series)] for series in panel.series))
        for panel in PANELS
    ]


def line_of(panels: Iterable[PanelReadings], metric: str, statistic: str = "Sum") -> Reading:
    """Return the first line of a metric with this statistic."""
    lines = (line for shown in panels for line in shown.lines)
    return next(x for x in lines if (x.series.metric, x.series.statistic) == (metric, statistic))


def combination(regions: Iterable[Sequence[PanelReadings]]) -> list[PanelReadings]:
    """Return the panels of several regions as one: counts added up, of all else the greatest."""
    return [
        PanelReadings(panels[0].panel, tuple(map(_line_of_all, *(each.lines for each in panels))))
        for panels in zip(*regions, strict=True)
    ]


def _series_by_id() -> Iterable[tuple[str, Series]]:
    return ((_id_of(panel, series), series) for panel in PANELS for series in panel.series)


def _id_of(panel: Panel, series: Series) -> str:
    return f"p{PANELS.index(panel)}s{panel.series.index(series)}"


def _id_of_whole(name: str) -> str:
    return f"{name}whole"


def _follows(series: Series) -> bool:
    """Tell whether the value of the window follows from those of its periods."""
    return series.statistic in {"Sum", "Maximum"}


def _query(name: str, series: Series, table: str, region: str, seconds: int) -> dict[str, Any]:
    values = {"table": table, "region": region} | ({"kind": series.kind} if series.kind else {})
    metric = {
        "Namespace": METRICS_NAMESPACE,
        "MetricName": series.metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in values.items()],
    }
    stat = {"Metric": metric, "Period": seconds, "Stat": series.statistic}
    return {"Id": name, "MetricStat": stat}


def _reading(name: str, series: Series, answers: Answers, asked: Window) -> Reading:
    quiet = 0.0 if series.statistic == "Sum" else None
    found = dict(answers.get(name, ()))
    values = tuple(found.get(at, quiet) for at in asked.starts())
    if not _follows(series):
        return Reading(series, values, _latest(v for _, v in answers.get(_id_of_whole(name), ())))
    if series.metric in GAUGES:
        return Reading(series, values, _latest(values))
    return Reading(series, values, _value_over(series, values))


def _line_of_all(*lines: Reading) -> Reading:
    series = lines[0].series
    by_period = zip(*(line.values for line in lines), strict=True)
    values = tuple(_value_over(series, each) for each in by_period)
    return Reading(series, values, _value_over(series, [line.total for line in lines]))


def _value_over(series: Series, values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    together: Callable[[list[float]], float] = sum if series.statistic == "Sum" else max
    return together(measured) if measured else None


def _latest(values: Iterable[float | None]) -> float | None:
    return next((value for value in reversed([*values]) if value is not None), None)
