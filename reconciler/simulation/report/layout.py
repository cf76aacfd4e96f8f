"""Where the marks of a space-time diagram stand: time to the right, compressed, without collisions.

Order is exact, distance is not. A mark moves to the right until it and its label are free of those
before it on its lane. What is wider than a row continues in the next one, as in a score.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log10

ROW = 1120.0  # the widest row, in pixels
LEVELS = 3  # heights at which labels may stand above, or below, a lane
MARGIN = 16.0
LETTER = 6.5  # width of a letter of a label
_GAP_MS, _GAP = 20_000, 66.0  # a wait this long is drawn as a gap with its length written in it


@dataclass(frozen=True)
class ArrowStart:
    """Where an arrow to a mark begins."""

    lane: int
    at_ms: int
    token: str


@dataclass(frozen=True)
class Mark:
    """Something on a lane; `label` stands above the lane, or below, and `room` is kept to its left.

    `title` says everything in words. `holds` is the colour of the version that the lane holds from
    here on, "" if that does not change, and `token` names that version. `operation` is the number
    of a client's write.
    """

    kind: str
    lane: int
    at_ms: int
    title: str
    label: str = ""
    above: bool = True
    room: float = 7.0
    colour: str = ""
    holds: str = ""
    token: str = ""
    operation: int | None = None
    source: ArrowStart | None = None


@dataclass(frozen=True)
class Placed:
    """A mark with its place; `level` counts away from the lane."""

    mark: Mark
    x: float
    level: int

    @property
    def end(self) -> float:
        return self.x + max(10.0, len(self.mark.label) * LETTER)


@dataclass(frozen=True)
class Band:
    """A part of the drawing, from `start` to `end`, and the marks that belong to it alone."""

    start: float
    end: float
    marks: tuple[Placed, ...]


@dataclass(frozen=True)
class Layout:
    """The whole drawing: its marks, and where each time stands.

    `stops` are (time, x) pairs in order; `gaps` are (x, x, length) of waits that are drawn much
    shorter than they were.
    """

    placed: tuple[Placed, ...]
    stops: tuple[tuple[int, float], ...]
    gaps: tuple[tuple[float, float, int], ...]
    rows: tuple[Band, ...]

    def x(self, at_ms: int) -> float:
        """Return where a time is; within a step it is proportional."""
        after = bisect_right(self.stops, at_ms, key=lambda stop: stop[0])
        if after == 0:
            return self.stops[0][1] if self.stops else 0.0
        if after == len(self.stops):
            return self.stops[-1][1]
        (t0, x0), (t1, x1) = self.stops[after - 1], self.stops[after]
        return x0 + (x1 - x0) * (at_ms - t0) / (t1 - t0)

    def place_of(self, source: ArrowStart) -> float:
        """Return where an arrow begins: at the mark that made the version, if it is drawn."""
        made = self._made_at.get((source.lane, source.token))
        return self.x(source.at_ms) if made is None else made

    @cached_property
    def _made_at(self) -> dict[tuple[int, str], float]:
        made = [each for each in self.placed if each.mark.token and each.mark.source is None]
        return {(each.mark.lane, each.mark.token): each.x for each in made}


def lay_out(marks: Sequence[Mark], edges: Sequence[int]) -> Layout:
    """Place the marks, given in order of time; `edges` are other times that need a place."""
    close = _layout(marks, edges, 1.0)
    width = close.placed[-1].end if close.placed else ROW
    # A schedule of a few steps has room to be drawn wider.
    return close if width > ROW / 2 else _layout(marks, edges, min(3.0, 0.8 * ROW / width))


def _layout(marks: Sequence[Mark], edges: Sequence[int], scale: float) -> Layout:
    steps: list[tuple[int, Mark | None]] = [(mark.at_ms, mark) for mark in marks]
    steps = sorted([*steps, *((at_ms, None) for at_ms in edges)], key=lambda step: step[0])
    lanes = _Lanes(scale)
    placed: list[Placed] = []
    stops: list[tuple[int, float]] = []
    for at_ms, mark in steps:
        last_ms, x = stops[-1] if stops else (at_ms, MARGIN)
        x += _stretch(at_ms - last_ms) * scale
        if mark is not None:
            placed.append(lanes.place(mark, x))
            x = placed[-1].x
        stops.append((at_ms, x))
    gaps = tuple((x0, x1, t1 - t0) for (t0, x0), (t1, x1) in pairwise(stops) if t1 - t0 >= _GAP_MS)
    return Layout(tuple(placed), tuple(stops), gaps, _rows(placed))


def _stretch(millis: int) -> float:
    if millis >= _GAP_MS:
        return _GAP
    return 3 + 7 * log10(1 + millis) if millis else 0.0


class _Lanes:
    """What is taken so far: per lane the last mark, per side and level the last label's end."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._last: dict[int, float] = {}
        self._ends: dict[tuple[int, bool], list[float]] = {}

    def place(self, mark: Mark, x: float) -> Placed:
        """Return the first free place at or after `x`."""
        x = max(x, self._last.get(mark.lane, -MARGIN) + mark.room * self._scale)
        level = 0
        if mark.label:
            ends = self._ends.setdefault((mark.lane, mark.above), [-MARGIN] * LEVELS)
            x = max(x, min(ends) + 6)
            level = next(level for level, end in enumerate(ends) if end + 6 <= x)
        found = Placed(mark, x, level)
        if mark.label:
            ends[level] = found.end
        self._last[mark.lane] = x
        return found


def _rows(placed: Sequence[Placed]) -> tuple[Band, ...]:
    groups: list[list[Placed]] = []
    for each in placed:
        used = each.end - groups[-1][0].x if groups else ROW
        waited = groups and each.x - groups[-1][-1].x >= _GAP
        # What happened at one time is best seen together, so a row rather ends with a wait.
        if used > ROW - 2 * MARGIN or (waited and used > 0.85 * ROW):
            groups.append([])
        groups[-1].append(each)
    starts = [group[0].x - MARGIN for group in groups]
    ends = [max(each.end for each in group) + MARGIN for group in groups]
    ends = [max(end, following) for end, following in zip(ends, [*starts[1:], 0.0], strict=True)]
    return tuple(
        Band(start, end, tuple(group))
        for start, end, group in zip(starts, ends, groups, strict=True)
    )
