"""One panel as an SVG chart: time to the right, values up, what a period holds as a hover title.

Kinds of one count are stacked bars, for together they are the count; all else is a line each,
interrupted where nothing was measured. Colours are classes that the page defines.
"""

from collections.abc import Iterator, Sequence

from reconciler.metrics.axis import time_marks, value_marks
from reconciler.metrics.readings import PanelReadings, Reading, Window
from reconciler.metrics.text import clock, greatest, number
from reconciler.text.page import escaped

_WIDTH, _HEIGHT = 420, 168
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 8, 10, 22
_HALF_A_LABEL = 22


def chart(shown: PanelReadings, asked: Window) -> str:
    """Return a panel's chart, an <svg>."""
    drawing = _Drawing(shown, asked)
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escaped(shown.panel.title)}">{"".join(drawing.parts())}</svg>'
    )


class _Drawing:
    """The parts of one chart, from the back to the front."""

    def __init__(self, shown: PanelReadings, asked: Window) -> None:
        self._shown = shown
        self._asked = asked
        self._is_stacked = len({line.series.metric for line in shown.lines}) == 1 and all(
            line.series.statistic == "Sum" for line in shown.lines
        )
        stacks = (sum(v or 0 for v in each) for each in zip(*self._values(), strict=True))
        most = max(stacks, default=0) if self._is_stacked else greatest(shown)
        self._marks = value_marks(most, shown.panel.unit)
        self._pitch = (_WIDTH - _LEFT - _RIGHT) / asked.periods

    def parts(self) -> Iterator[str]:
        yield from self._values_axis()
        yield from self._time_axis()
        if self._is_stacked:
            yield from self._bars()
        else:
            for place, line in enumerate(self._shown.lines):
                yield from self._line(place, line)
        yield from self._titles()

    def _values(self) -> list[tuple[float | None, ...]]:
        return [line.values for line in self._shown.lines]

    def _x(self, period: float) -> float:
        return _LEFT + self._pitch * period

    def _y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / self._marks[-1]

    def _values_axis(self) -> Iterator[str]:
        for value in self._marks:
            y = self._y(value)
            yield f'<path class="tick" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
            text = escaped(number(value, self._shown.panel.unit))
            yield f'<text class="time value" x="{_LEFT - 6}" y="{y + 3.5:.1f}">{text}</text>'

    def _time_axis(self) -> Iterator[str]:
        asked = self._asked
        step, marks = time_marks(asked)
        for at_ms in marks:
            x = self._x((at_ms - asked.start_ms) / asked.seconds / 1000)
            yield f'<path class="tick" d="M{x:.1f} {_HEIGHT - _BOTTOM}v4"/>'
            if x < _WIDTH - _HALF_A_LABEL:
                text = clock(at_ms, step, asked.length)
                yield f'<text class="time at" x="{x:.1f}" y="{_HEIGHT - 6}">{text}</text>'

    def _bars(self) -> Iterator[str]:
        for period, stack in enumerate(zip(*self._values(), strict=True)):
            below = 0.0
            for place, value in enumerate(stack):
                if value:
                    y, height = self._y(below + value), self._y(0) - self._y(value)
                    at = f'x="{self._x(period) + 0.5:.1f}" y="{y:.1f}"'
                    size = f'width="{max(self._pitch - 1, 1):.1f}" height="{height:.1f}"'
                    yield f'<rect class="bar r{place}" {at} {size}/>'
                    below += value

    def _line(self, place: int, line: Reading) -> Iterator[str]:
        for run in _runs(line.values):
            points = [(self._x(n + 0.5), self._y(line.values[n] or 0)) for n in run]
            if len(points) == 1:
                [(x, y)] = points
                yield f'<circle class="dot r{place}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
            else:
                path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
                yield f'<path class="series r{place}" d="M{path}"/>'

    def _titles(self) -> Iterator[str]:
        lines, unit = self._shown.lines, self._shown.panel.unit
        for period, at_ms in enumerate(self._asked.starts()):
            said = [f"{line.series.label} {number(line.values[period], unit)}" for line in lines]
            place = f'x="{self._x(period):.1f}" y="{_TOP}" width="{self._pitch:.1f}"'
            height = _HEIGHT - _TOP - _BOTTOM
            at = clock(at_ms, self._asked.seconds, self._asked.length)
            title = escaped("\n".join([at, *said]))
            yield f'<rect class="hover" {place} height="{height}"><title>{title}</title></rect>'


def _runs(values: Sequence[float | None]) -> Iterator[list[int]]:
    """Yield the places of values that stand together, without a gap."""
    run: list[int] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            run.append(place)
        elif run:
            yield run
            run = []
