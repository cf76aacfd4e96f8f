"""Numbers with their units, times, and a series in one line of text.

Units are those of `panels`: "" counts things, "ms" and "bytes" measure.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from reconciler.metrics.readings import PanelReadings, Window

QUIET = "quiet"  # nothing was measured: not a zero, and not an error
_SCALES = {
    "": ((1, ""),),
    "ms": ((1, " ms"), (1_000, " s"), (60_000, " min"), (3_600_000, " h"), (86_400_000, " d")),
    "bytes": ((1, " B"), (1_000, " KB"), (1_000_000, " MB")),
}
_DAY = 86_400
_BARS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"


def scale(value: float, unit: str) -> tuple[int, str]:
    """Return the size and the name of the unit that a value, and an axis up to it, is shown in."""
    fitting = [each for each in _SCALES[unit] if each[0] <= abs(value)]
    return fitting[-1] if fitting else _SCALES[unit][0]


def number(value: float | None, unit: str) -> str:
    """Return a value as people write it: "1,204", "3.5", "250 ms", "1.2 s", "quiet"."""
    if value is None:
        return QUIET
    size, name = scale(value, unit)
    shown = value / size
    digits = 0 if shown == round(shown) or (abs(shown) >= 100 and size == 1) else 1
    return f"{shown:,.{digits}f}{name}"


def clock(at_ms: int, step: int, length: int) -> str:
    """Return a UTC time, as short as it may be told among others, in seconds apart and in all."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    if step >= _DAY:
        return f"{at:%b %d}"
    date = "%b %d " if length > _DAY else ""
    return at.strftime(date + ("%H:%M:%S" if step % 60 else "%H:%M"))


def span(asked: Window) -> str:
    """Return the window in words."""
    start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (asked.start_ms, asked.end_ms))
    same_day = start.date() == end.date()
    until = f"{end:%H:%M:%S}" if same_day else f"{end:%Y-%m-%d %H:%M:%S}"
    step = number(asked.seconds * 1000, "ms")
    return f"{start:%Y-%m-%d %H:%M:%S} to {until} UTC, in steps of {step}"


def greatest(shown: PanelReadings) -> float:
    """Return the greatest value of all lines of a panel, 0 if it is quiet."""
    return max((value or 0 for line in shown.lines for value in line.values), default=0)


def sparkline(values: Sequence[float | None], most: float, width: int) -> str:
    """Return a series as at most `width` bars, each the greatest value of its part of the time.

    most: what a full bar is. A zero is the lowest bar, anything above it at least the second;
    where nothing was measured there is a dot.
    """
    count = min(len(values), width)
    ends = [len(values) * place // count for place in range(count + 1)]
    parts = (values[start:end] for start, end in pairwise(ends))
    return "".join(_bar([value for value in part if value is not None], most) for part in parts)


def _bar(part: Sequence[float], most: float) -> str:
    if not part:
        return _NOTHING
    top = max(part)
    return _BARS[min(math.ceil(top / most * 7), 7) if top > 0 and most > 0 else 0]
