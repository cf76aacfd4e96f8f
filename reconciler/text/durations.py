"""Durations in every form of this project: as people write them, and as they read them.

Whoever types one writes 90s, 15m, 2h or 3d, and ages are shown in that form, too.
"""

import re

from reconciler.errors import InvalidInput

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000  # in milliseconds
_UNITS = {"s": _SECOND, "m": _MINUTE, "h": _HOUR, "d": _DAY}
# The units in which what was measured is read, the least first: size, and name behind the number.
DURATION_SCALE = ((1, " ms"), (_SECOND, " s"), (_MINUTE, " min"), (_HOUR, " h"), (_DAY, " d"))


def duration_ms(text: str) -> int:
    """Return the milliseconds in a duration such as 90s, 15m, 2h or 3d."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if not found:
        raise InvalidInput(f"{text!r} is no duration: give a number and s, m, h or d, such as 2h")
    return int(found[1]) * _UNITS[found[2]]


def duration_text(milliseconds: int | None) -> str:
    """Return a duration in its largest whole unit, such as 2h; "?" for one that nobody knows."""
    if milliseconds is None:
        return "?"
    unit = max(
        (u for u, size in _UNITS.items() if size <= milliseconds),
        key=_UNITS.__getitem__,
        default="s",
    )
    return f"{milliseconds // _UNITS[unit]}{unit}"


def duration_in_words(milliseconds: int) -> str:
    """Return a duration in at most two units: "250 ms", "1.2 s", "3 min", "2 h 5 min"."""
    if milliseconds < _SECOND:
        return f"{milliseconds} ms"
    if milliseconds < _MINUTE:
        return f"{milliseconds / _SECOND:.1f} s"
    told: list[str] = []
    rest = milliseconds
    for size, unit in reversed(DURATION_SCALE[2:]):
        count, rest = divmod(rest, size)
        told += [f"{count}{unit}"] if count else []
    return " ".join(told[:2])
