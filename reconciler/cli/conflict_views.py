"""How the conflict feed looks in a terminal or a pipe: a line a loss, a line a value.

Nothing is cut and no line is broken here: an id is whole on its line, and a value in its own,
however narrow the terminal is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.cli.terminal import console, say_line
from reconciler.feed.carrying_out import DecisionResult
from reconciler.feed.case import Case
from reconciler.feed.rows import SIDES, plain
from reconciler.text.counts import count_in_words
from reconciler.text.durations import duration_text
from reconciler.text.plain_text import shown

_DIFFERS = "bold yellow"
_WIDTHS = (22, 8, 5, 7)  # of conflict, state, age and role; what is wider moves the rest
_NOTHING = "-"


def print_rows(region: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one region's losses, each on one line that begins with its id."""
    told = console()
    say_line(told, f"{region}: {count_in_words(len(rows), 'loss')}", "bold")
    lines = [_row(each) for each in rows]
    heads = ("conflict", "state", "age", "role", "item", "reason / merge")
    for cells in [heads, *lines] if lines else []:
        told_of = [shown(each).ljust(width) for each, width in zip(cells, _WIDTHS, strict=False)]
        say_line(told, "  ".join([*told_of, *map(shown, cells[len(_WIDTHS) :])]).rstrip())


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    merged = ", ".join(f"{name} {word}" for name, word in row["merged"].items())
    why = "; ".join(filter(None, (row.get("reason"), merged)))
    age = duration_text(row["age_ms"])
    return row["conflict_id"], row["state"], age, row.get("role", "?"), _key(row), why


def print_case(case: Mapping[str, Any]) -> None:
    """Print the three-way view that `reconciler.feed.case.document` returns."""
    conflict, deleted, now = case["conflict"], case["deleted"], case["if_resolved_now"]
    told = console()
    age = duration_text(conflict["age_ms"])
    head = f"{conflict['conflict_id']}  {_key(conflict)}  {conflict['state']}, lost {age} ago"
    say_line(told, head, "bold")
    for name in ("reason", "decided_by", "decision", "why"):
        if conflict.get(name):
            say_line(told, f"{name.replace('_', ' ')}: {conflict[name]}")
    sides = {name: f"{name} {_standing(name, deleted[name])}".strip() for name in SIDES}
    sides["if_resolved_now"] = f"if resolved now {'(deleted)' if now['deleted'] else ''}".strip()
    for row in case["attributes"]:
        merge = conflict["merged"].get(row["attribute"], row["merge"])
        _print_attribute(
            row["attribute"], merge, {head: _shown(row, s) for s, head in sides.items()}
        )
    if now["problem"]:
        say_line(told, f"It cannot be merged now: {now['problem']}")
    elif not now["writes"]:
        say_line(told, "The item includes the loss: a merge would write nothing.")


def print_outcome(case: Case, result: DecisionResult) -> None:
    """Print what a decision makes of the item."""
    before = case.side(case.current)
    had = plain(before.values) if before is not None and not before.deleted else {}
    will = result.shown or {}
    told = console()
    if result.merge.problem:
        say_line(told, f"Not merged, only decided: {result.merge.problem}")
    for name in sorted((had.keys() | will.keys()) - case.event.key.keys()):
        values = {"now": had, "will be": will}
        _print_attribute(name, "", {head: _shown(side, name) for head, side in values.items()})
    if result.shown is None:
        say_line(told, "The item will be deleted." if had else "The item stays as it is: gone.")


def _print_attribute(name: str, merge: str, sides: Mapping[str, str]) -> None:
    """Print an attribute's value on each side, one beneath the other, or once if all are equal."""
    told, word = console(), f"  ({merge})" if merge else ""
    differs = len(set(sides.values())) > 1
    if not differs:
        say_line(told, f"  {name}: {next(iter(sides.values()))}{word}")
        return
    say_line(told, f"* {name}{word}", _DIFFERS)
    width = max(map(len, sides))
    for head, value in sides.items():
        say_line(told, f"    {head.ljust(width)}  {value}", _DIFFERS)


def _standing(name: str, deleted: bool | None) -> str:
    if deleted is None:
        return "(gone)" if name == "current" else "(none)"
    return "(deleted)" if deleted else ""


def _shown(row: Mapping[str, Any], name: str) -> str:
    return _python(row[name]) if name in row else _NOTHING


def _python(value: Any) -> str:
    """Return a plain value as Python shows it, its sets in order."""
    if isinstance(value, set):
        return f"{{{', '.join(map(repr, sorted(value)))}}}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name!r}: {_python(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    return repr(value)


def _key(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row["key"].items()) or "unknown"
