"""How metrics look in a terminal: a line for each series, its number and its bars."""

from collections.abc import Collection, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciler.cli.terminal import bars, console, grid
from reconciler.metrics.readings import PanelReadings, Reading, Window
from reconciler.metrics.text import greatest, number, span, sparkline

_MOST_BARS = 60
_BARS_SIDE_BY_SIDE = 42
_COLUMNS_BESIDE = 54  # of the labels and numbers, and the gaps between


def print_region(region: str, panels: Sequence[PanelReadings], asked: Window) -> None:
    """Print one region's panels. The bars of a panel share one scale, whose top is named."""
    told = console()
    told.print(Text.assemble((region, "bold"), f"  {span(asked)}"), soft_wrap=True)
    lines = Table(box=None, padding=(0, 2, 0, 0))
    lines.add_column("", no_wrap=True)
    for name in ("value", "a full bar"):
        lines.add_column(name, justify="right", no_wrap=True)
    lines.add_column("", no_wrap=True)
    width = max(min(_MOST_BARS, told.width - _COLUMNS_BESIDE), 8)
    for shown in panels:
        _add(told, lines, shown, width)
    told.print(lines)
    told.print()


def side_by_side(
    told: Console, metrics: Collection[str], regions: Mapping[str, Sequence[PanelReadings]]
) -> Table:
    """Return a table of some metrics, a column for each region; what is quiet in all is left out.

    Over the numbers of a panel stand its greatest values, period by period.
    """
    beside = grid(told, "measured", *regions)
    for column in beside.columns[1:]:
        column.justify = "right"
    width = _BARS_SIDE_BY_SIDE // len(regions)
    for panels in zip(*regions.values(), strict=True):
        lines = [
            each
            for each in zip(*(shown.lines for shown in panels), strict=True)
            if each[0].series.metric in metrics and any(map(_has_news, each))
        ]
        if lines:
            drawn = (bars(told, _bars(shown, width)) for shown in panels)
            beside.add_row(Text(panels[0].panel.title, style="bold"), *drawn)
        for each in lines:
            values = (number(line.total, panels[0].panel.unit) for line in each)
            beside.add_row(f"  {each[0].series.label}", *values)
    return beside


def _bars(shown: PanelReadings, width: int) -> str:
    periods = zip(*(line.values for line in shown.lines), strict=True)
    tops = [max((v for v in each if v is not None), default=None) for each in periods]
    return sparkline(tops, greatest(shown), width)


def _add(told: Console, lines: Table, shown: PanelReadings, width: int) -> None:
    is_one = len(shown.lines) == 1
    most = number(greatest(shown), shown.panel.unit) if greatest(shown) else ""
    if not is_one:
        lines.add_row(Text(shown.panel.title, style="bold"), "", most)
    for line in shown.lines:
        label = Text(shown.panel.title, "bold") if is_one else Text(f"  {line.series.label}")
        value = number(line.total, shown.panel.unit)
        drawn = bars(told, sparkline(line.values, greatest(shown), width))
        style = None if _has_news(line) else "dim"
        lines.add_row(label, Text(value, style or ""), most if is_one else "", drawn, style=style)


def _has_news(line: Reading) -> bool:
    return any(line.values)
