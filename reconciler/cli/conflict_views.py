"""How the conflict feed looks in a terminal: tables of rows, of three images, of an outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from reconciler.feed.carrying_out import DecisionResult
from reconciler.feed.case import Case
from reconciler.feed.rows import SIDES, plain
from reconciler.text.durations import duration_text

_DIFFERS = "bold yellow"


def print_rows(region: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one region's losses."""
    table = Table(title=f"{region}: {len(rows)} losses", title_justify="left")
    for name in ("conflict", "item", "state", "age", "role", "reason / merge"):
        table.add_column(name, overflow="fold")
    for row in rows:
        merged = ", ".join(f"{name} {word}" for name, word in row["merged"].items())
        told = "; ".join(filter(None, (row.get("reason"), merged)))
        key = _key(row)
        age = duration_text(row["age_ms"])
        cells = (row["conflict_id"], key, row["state"], age, row["role"], told)
        table.add_row(*map(escape, cells))
    _console().print(table)


def print_case(told: Mapping[str, Any]) -> None:
    """Print the three-way view that `reconciler.feed.case.document` returns."""
    conflict, deleted, now = told["conflict"], told["deleted"], told["if_resolved_now"]
    console = _console()
    age = duration_text(conflict["age_ms"])
    said = f"{conflict['conflict_id']}  {_key(conflict)}  {conflict['state']}, lost {age} ago"
    console.print(escape(said), style="bold")
    for name in ("reason", "decided_by", "decision", "why"):
        if conflict.get(name):
            console.print(escape(f"{name.replace('_', ' ')}: {conflict[name]}"))
    heads = {name: f"{name} {_standing(name, deleted[name])}".strip() for name in SIDES}
    after = f"if resolved now {'(deleted)' if now['deleted'] else ''}".strip()
    table = Table("", "attribute", *heads.values(), after, "merge")
    for row in told["attributes"]:
        cells = [_shown(row, name) for name in (*SIDES, "if_resolved_now")]
        merge = conflict["merged"].get(row["attribute"], row["merge"])
        mark = "*" if row["differs"] else ""
        style = _DIFFERS if row["differs"] else None
        table.add_row(mark, *map(escape, (row["attribute"], *cells, merge)), style=style)
    console.print(table)
    if now["problem"]:
        console.print(escape(f"It cannot be merged now: {now['problem']}"))
    elif not now["writes"]:
        console.print("The item includes the loss: a merge would write nothing.")


def print_outcome(case: Case, result: DecisionResult) -> None:
    """Print what a decision makes of the item."""
    before = case.side(case.current)
    had = plain(before.values) if before is not None and not before.deleted else {}
    shown = result.shown or {}
    console = _console()
    if result.merge.problem:
        console.print(escape(f"Not merged, only decided: {result.merge.problem}"))
    table = Table("", "attribute", "now", "will be")
    for name in sorted((had.keys() | shown.keys()) - case.event.key.keys()):
        row = {side: values[name] for side, values in (("a", had), ("b", shown)) if name in values}
        cells = (_shown(row, "a"), _shown(row, "b"))
        mark = "*" if cells[0] != cells[1] else ""
        table.add_row(mark, *map(escape, (name, *cells)), style=_DIFFERS if mark else None)
    console.print(table)
    if result.shown is None:
        console.print("The item will be deleted." if had else "The item stays as it is: gone.")


def _standing(name: str, deleted: bool | None) -> str:
    if deleted is None:
        return "(gone)" if name == "current" else "(none)"
    return "(deleted)" if deleted else ""


def _shown(row: Mapping[str, Any], name: str) -> str:
    return _python(row[name]) if name in row else ""


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


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)
