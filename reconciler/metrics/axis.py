"""Where the axes of a chart have their marks: at round numbers, and at round times in UTC."""

import math
from collections.abc import Sequence

from reconciler.metrics.readings import Window
from reconciler.metrics.text import scale

_STEPS = (1, 2, 5, 10)
_VALUES, _TIMES = 4, 6  # marks on an axis, at most about
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_TIME_STEPS = (
    *(1, 5, 10, 15, 30),
    *(_MINUTE * each for each in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * each for each in (1, 3, 6, 12)),
    *(_DAY * each for each in (1, 5)),
)


def value_marks(most: float, unit: str) -> list[float]:
    """Return the marks of an axis from 0 to at least the greatest value."""
    size, _ = scale(most, unit)
    rough = max(most / size, 1) / _VALUES
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * 0.999)
    step = max(step, 1) if size == 1 else step  # the half of a thing, or of a byte, is none
    count = max(math.ceil(most / size / step - 1e-9), 1)
    return [step * size * place for place in range(count + 1)]


def time_marks(asked: Window) -> tuple[int, Sequence[int]]:
    """Return the seconds between the marks of a time axis, and the marks in milliseconds."""
    step = next((s for s in _TIME_STEPS if asked.length <= s * _TIMES), _TIME_STEPS[-1])
    first = math.ceil(asked.start_ms / 1000 / step) * step
    return step, range(first * 1000, asked.end_ms, step * 1000)
