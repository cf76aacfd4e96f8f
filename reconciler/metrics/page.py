"""The dashboard as a page: the numbers of all regions side by side, then every panel, drawn.

The page stands alone, as all do (`reconciler.text.page`). A region that did not answer is named at
the top and has no section.
"""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.metrics.chart import chart
from reconciler.metrics.readings import PanelReadings, Window, combination
from reconciler.metrics.text import number, span
from reconciler.text.page import BASE, document, escaped

_STYLE = (
    BASE
    + """
h2 { display: block; margin: 26px 0 8px; font-size: 17px; } h3 { font-size: 13px; margin: 0 0 4px; }
.problems h2 { margin: 0; } .note { color: var(--quiet); margin: 4px 0; max-width: 110ch; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 14px; }
.panel { background: var(--panel); border-radius: 6px; padding: 10px 12px 8px; }
.chart { display: block; width: 100%; height: auto; }
.value { text-anchor: end; } .at { text-anchor: middle; }
.series { stroke: var(--own); stroke-width: 1.8; fill: none; stroke-linejoin: round; }
.dot, .bar { fill: var(--own); }
.hover { fill: transparent; } .hover:hover { fill: var(--quiet); fill-opacity: .15; }
.key { list-style: none; margin: 4px 0 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: 0 14px; font-size: 12px; color: var(--quiet); }
.key i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 5px;
  background: var(--own); } .key b { color: var(--ink); font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { width: auto; } th.number, td.number { text-align: right; padding: 2px 0 2px 28px; }
td.still { color: var(--quiet); } tbody th { color: var(--ink); padding-right: 28px; }
"""
)
_ALL = "all regions"
_NOTE = (
    "A count adds up over the window and over regions. Of what is open or parked, and of its age,"
    " the latest value stands; of measurements, that of the whole window. For all regions together"
    " the greatest of theirs stands there, because neither averages nor percentiles can be added."
)


def page(
    table: str,
    asked: Window,
    regions: Mapping[str, Sequence[PanelReadings]],
    problems: Mapping[str, str],
) -> str:
    """Return the page of a table; `problems` says of other regions why they have no numbers."""
    sections = (
        {_ALL: combination(regions.values()), **regions} if len(regions) > 1 else dict(regions)
    )
    first, *rest = [_section(name, panels, asked) for name, panels in sections.items()] or [""]
    parts = [
        f'<header><h1>{escaped(table)}</h1><ul class="chips"><li>{span(asked)}</li></ul></header>',
        _problems(problems),
        first,
        _numbers(sections),
        *rest,
    ]
    return document(f"Metrics of {table}", _STYLE, parts)


def _problems(problems: Mapping[str, str]) -> str:
    if not problems:
        return ""
    lines = "".join(f"<li><b>{escaped(r)}</b> {escaped(why)}</li>" for r, why in problems.items())
    return f'<section class="problems"><h2>No answer</h2><ul>{lines}</ul></section>'


def _numbers(sections: Mapping[str, Sequence[PanelReadings]]) -> str:
    if not sections:
        return ""
    head = "".join(f'<th class="number">{escaped(name)}</th>' for name in sections)
    rows = "".join(_rows(list(sections.values())))
    return (
        f'<section class="wide"><p class="note">{_NOTE}</p><table><thead><tr><th></th><th></th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _rows(sections: Sequence[Sequence[PanelReadings]]) -> Iterator[str]:
    for panels in zip(*sections, strict=True):
        panel = panels[0].panel
        for place, lines in enumerate(zip(*(each.lines for each in panels), strict=True)):
            cells = "".join(_cell(line.total, panel.unit) for line in lines)
            title = escaped(panel.title) if place == 0 else ""
            yield f"<tr><th>{title}</th><td>{escaped(lines[0].series.label)}</td>{cells}</tr>"


def _cell(value: float | None, unit: str) -> str:
    still = "" if value else " still"
    return f'<td class="number{still}">{escaped(number(value, unit))}</td>'


def _section(name: str, panels: Sequence[PanelReadings], asked: Window) -> str:
    drawn = "".join(_panel(each, asked) for each in panels)
    return f'<section><h2>{escaped(name)}</h2><div class="panels">{drawn}</div></section>'


def _panel(shown: PanelReadings, asked: Window) -> str:
    unit = shown.panel.unit
    keys = "".join(
        f'<li class="r{place}"><i></i>{escaped(line.series.label)}'
        f" <b>{escaped(number(line.total, unit))}</b></li>"
        for place, line in enumerate(shown.lines)
    )
    return (
        f'<div class="panel"><h3>{escaped(shown.panel.title)}</h3>{chart(shown, asked)}'
        f'<ul class="key">{keys}</ul></div>'
    )
