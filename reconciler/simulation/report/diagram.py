"""The space-time diagram of one item as SVG: a line per region, time to the right, row after row.

It needs no script and no other file; what a mark means in full is its hover title. Colours are
classes that the page defines, so that they follow its light or dark scheme. The line of a region
has the colour of the region whose version it holds: a colour that ends in a cross was lost.
"""

from collections.abc import Iterator, Sequence

from reconciler.simulation.plan.plan import Fault
from reconciler.simulation.report.layout import LETTER, Band, Layout, Placed, lay_out
from reconciler.simulation.report.marks import ItemMarks, marks_of
from reconciler.simulation.report.words import clock, duration, fault_in_words
from reconciler.simulation.world.history import Run
from reconciler.text.page import escaped

_NAMES = 116  # width of the column with the regions' names
_ABOVE, _BELOW, _LEVEL = 56, 50, 13
_PITCH = _ABOVE + _BELOW
_BAR = 14  # height of a fault's bar
_AXIS = 26

SHAPES = {  # drawn around (0, 0)
    "write": '<circle r="5.5"/>',
    "raw": '<path d="M-5-5H5V5H-5Z"/>',
    "unknown": '<circle r="5" class="hollow"/>',
    "refused": '<circle r="4" class="hollow"/><path d="M-3 3L3-3"/>',
    "replicate": '<circle r="2.2"/>',
    "overwrite": '<path d="M-4-4L4 4M-4 4L4-4"/>',
    "loss": '<circle r="6" class="plate"/><circle r="2.5" class="pupil"/>',
    "witness": '<circle r="6" class="plate"/><circle r="2" class="pupil"/>',
    "event": '<path d="M-4.5-3H4.5V3H-4.5ZM-4.5-3L0 1L4.5-3"/>',
    "merge": '<path d="M0-7L7 0L0 7L-7 0Z"/>',
    "fold": '<path d="M-5-5H5V5H-5ZM-5 0H5" />',
    "park": '<path d="M0-6L6 5H-6Z"/>',
    "crash": '<path d="M2-9L-5 1H0L-2 9L5-1H0Z"/>',
    "redeliver": '<path d="M3-3A4.2 4.2 0 1 0 4 1M4-5V-2H1"/>',
    "fault": '<path d="M0 5L-4-3H4Z"/>',
    "expire": '<path d="M-4-5H4L-4 5H4Z"/>',
    "copy": '<path d="M-5-5H2V2H-5ZM-2-2H5V5H-2Z"/>',
}


def shape(kind: str) -> str:
    """Return the drawing of a kind of mark, around (0, 0)."""
    return SHAPES.get(kind, SHAPES["event"])


def diagram(run: Run, key: str) -> str:
    """Return the rows of one item's diagram, each an <svg>."""
    scene = marks_of(run, key)
    edges = [at_ms for fault in scene.faults for at_ms in (fault.at_ms, fault.until_ms)]
    layout = lay_out(scene.marks, [at_ms for at_ms in edges if 0 < at_ms < scene.end_ms])
    return "\n".join(_Drawing(scene, layout, row).svg() for row in layout.rows)


class _Drawing:
    """One row of the diagram."""

    def __init__(self, scene: ItemMarks, layout: Layout, row: Band) -> None:
        self._scene = scene
        self._layout = layout
        self._row = row
        self._bars = _levels(
            [(*self._span(fault), fault_in_words(fault)) for fault in scene.faults], row
        )
        self._top = (max(self._bars.values(), default=-1) + 1) * _BAR + 16

    def svg(self) -> str:
        """Return the row; parts are drawn from the back to the front."""
        width, left = self._row.end - self._row.start, self._row.start
        height = self._top + _PITCH * len(self._scene.regions) + _AXIS
        parts = [*self._faults(), *self._ticks(), *self._lines(), *self._gaps(), *self._arrows()]
        parts += [self._mark(placed) for placed in self._row.marks]
        return (
            f'<svg class="row" width="{width + _NAMES:.0f}" height="{height:.0f}"'
            f' viewBox="0 0 {width + _NAMES:.0f} {height:.0f}" role="img">'
            f"{''.join(self._names())}"
            f'<svg x="{_NAMES}" width="{width:.1f}" height="{height:.0f}"'
            f' viewBox="{left:.1f} 0 {width:.1f} {height:.0f}">{"".join(parts)}</svg></svg>'
        )

    def _y(self, lane: int) -> float:
        return self._top + _ABOVE + _PITCH * lane

    def _names(self) -> Iterator[str]:
        for lane, region in enumerate(self._scene.regions):
            yield (
                f'<text class="name r{lane}" x="{_NAMES - 8}" y="{self._y(lane) + 4:.0f}">'
                f"{escaped(region)}</text>"
            )

    def _span(self, fault: Fault) -> tuple[float, float]:
        return self._layout.x(fault.at_ms), self._layout.x(fault.until_ms)

    def _faults(self) -> Iterator[str]:
        for index, level in self._bars.items():
            fault = self._scene.faults[index]
            start, end = self._span(fault)
            title = (
                f"{fault_in_words(fault)}, from {clock(fault.at_ms)} to {clock(fault.until_ms)}"
                f" ({duration(fault.until_ms - fault.at_ms)})"
            )
            inside = max(start, self._row.start) + 5
            y = level * _BAR + 2
            yield f'<g class="band"><title>{escaped(title)}</title>'
            yield f'<rect x="{start:.1f}" y="{y}" width="{end - start:.1f}" height="{_BAR - 2}"/>'
            for region in {fault.region, fault.other} & set(self._scene.regions):
                top = self._y(self._scene.regions.index(region)) - 14
                yield (
                    f'<rect class="shade" x="{start:.1f}" y="{top:.0f}"'
                    f' width="{end - start:.1f}" height="28"/>'
                )
            yield f'<text x="{inside:.1f}" y="{y + 9}">{escaped(fault_in_words(fault))}</text></g>'

    def _ticks(self) -> Iterator[str]:
        free, bottom = self._row.start, self._y(len(self._scene.regions) - 1) + 40
        for at_ms, x in self._layout.stops:
            if not free <= x <= self._row.end:
                continue
            width = len(clock(at_ms)) * LETTER
            if x + width <= self._row.end:
                free = x + width + 12
                place = f'x="{x - 3:.1f}" y="{bottom + 13:.0f}"'
                yield f'<path class="tick" d="M{x:.1f} {self._top}V{bottom:.0f}"/>'
                yield f'<text class="time" {place}>{clock(at_ms)}</text>'

    def _gaps(self) -> Iterator[str]:
        for start, end, length in self._layout.gaps:
            middle = (start + end) / 2
            if not self._row.start <= middle < self._row.end:
                continue
            place = f'x="{middle:.1f}" y="{self._top - 2}"'
            yield f'<text class="wait" {place}>{duration(length)}</text>'
            for lane in range(len(self._scene.regions)):
                place = f"translate({middle:.1f} {self._y(lane):.0f})"
                yield f'<path class="break" transform="{place}" d="M-6 6L-2-6M2 6L6-6"/>'

    def _lines(self) -> Iterator[str]:
        for lane in range(len(self._scene.regions)):
            changes = [each for each in self._layout.placed if each.mark.lane == lane]
            changes = [each for each in changes if each.mark.holds]
            starts = [0.0, *(each.x for each in changes)]
            ends = [*(each.x for each in changes), self._row.end]
            classes = ["nothing", *(each.mark.holds for each in changes)]
            for start, end, colour in zip(starts, ends, classes, strict=True):
                if end >= self._row.start and start <= self._row.end:
                    y = f"{self._y(lane):.0f}"
                    yield f'<path class="line {colour}" d="M{start:.1f} {y}H{end:.1f}"/>'

    def _arrows(self) -> Iterator[str]:
        for placed in self._layout.placed:
            source = placed.mark.source
            if source is None or placed.x < self._row.start:
                continue
            lane, x = source.lane, self._layout.place_of(source)
            if x > self._row.end:
                continue
            yield (
                f'<path class="arrow {placed.mark.colour}" d="M{x:.1f} {self._y(lane):.0f}'
                f'L{placed.x:.1f} {self._y(placed.mark.lane):.0f}">'
                f"<title>{escaped(placed.mark.title)}</title></path>"
            )

    def _mark(self, placed: Placed) -> str:
        mark, y = placed.mark, self._y(placed.mark.lane)
        identity = f' id="op{mark.operation}"' if mark.operation is not None else ""
        label = ""
        if mark.label:
            up = -(13 + _LEVEL * placed.level) if mark.above else 21 + _LEVEL * placed.level
            foot = -6 if mark.above else 6
            label = (
                f'<path class="leader" d="M0 {foot}V{up - 9 if not mark.above else up + 2}"/>'
                f'<text x="-3" y="{up}">{escaped(mark.label)}</text>'
            )
        return (
            f'<g class="mark {mark.kind} {mark.colour}"{identity}'
            f' transform="translate({placed.x:.1f} {y:.0f})">'
            f"<title>{escaped(mark.title)}</title>{label}{shape(mark.kind)}</g>"
        )


def _levels(bars: Sequence[tuple[float, float, str]], row: Band) -> dict[int, int]:
    """Return, of the faults seen in this row, the first level of bars that has room for each."""
    ends: list[float] = []
    found: dict[int, int] = {}
    for index, (start, end, words) in enumerate(bars):
        if start > row.end or end < row.start:
            continue
        level = next((level for level, taken in enumerate(ends) if taken <= start), len(ends))
        written = max(start, row.start) + len(words) * LETTER + 10
        ends[level : level + 1] = [max(end, written)]
        found[index] = level
    return found
