"""Durations as people write them: 90s, 15m, 2h, 3d."""

import re

from reconciler.errors import InvalidInput

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


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
