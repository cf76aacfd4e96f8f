"""Plans in words: what an edit does, when something happens, how long it takes."""

from collections.abc import Iterable
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.simulation.plan.faults import FOR_EVER
from reconciler.simulation.plan.plan import DECIDE, Fault, Operation
from reconciler.simulation.plan.raw import DELETE_ITEM, OWN_TTL, PUT, REPLACE, SAVE, UPDATE
from reconciler.values.wire import Wire, from_wire, label

_LONGEST_VALUE = 24


_CALLS = {
    UPDATE: "raw update",
    PUT: "raw put",
    SAVE: "raw save",
    DELETE_ITEM: "raw delete",
    OWN_TTL: "own time-to-live",
    REPLACE: "raw delete and put",
}


def operation_in_words(operation: Operation) -> str:
    """Return what an operation does, and with which call if it does not use the library."""
    edits = edits_in_words(operation.edits)
    if not operation.raw:
        edits = f"{operation.once}: {edits}" if operation.once else edits
        return f"named update: {edits}" if operation.named else edits
    read = operation.read_at_ms
    copy = "" if read is None else f" of a copy of {clock(read)}"
    return f"{_CALLS[operation.raw]}{copy}" + (f": {edits}" if edits else "")


def edits_in_words(edits: Iterable[Edit]) -> str:
    """Return what a write does: "name = Ada, loyalty +25, tags +vip"."""
    return ", ".join(_edit(edit) for edit in edits)


def _edit(edit: Edit) -> str:
    where = label(edit.path)
    if edit.verb == "delete":
        return "delete"
    if edit.verb == DECIDE:
        return f"{where} decided: {_value(edit.value) or 'nothing'}"
    if edit.verb == "remove":
        return f"{where} removed"
    if edit.verb == "assign":
        return f"{where} = {_value(edit.value)}"
    if edit.verb == "increment":
        shown = _value(edit.value)
        return f"{where} {shown}" if shown.startswith("-") else f"{where} +{shown}"
    if edit.verb == "append":
        return f"{where} \u2026{_value(edit.value)}"
    sign = "+" if edit.verb == "add" else "\u2212"
    return f"{where} {sign}{_value(edit.value)}"


def _value(wire: Wire | None) -> str:
    text = plain_text(from_wire(wire)) if wire is not None else ""
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}\u2026"


def plain_text(value: Any) -> str:
    """Return a value as people write it; what has no order of its own is sorted."""
    if isinstance(value, set | frozenset):
        return ", ".join(sorted(map(plain_text, value)))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {plain_text(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(plain_text, value)) + "]"
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return str(value)


def clock(at_ms: int) -> str:
    """Return a time since the run began: "0:01.250", "2:03:04.000"."""
    if at_ms >= FOR_EVER // 2:
        return "the end"
    seconds, millis = divmod(at_ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    tail = f"{second:02d}.{millis:03d}"
    return f"{hour}:{minute:02d}:{tail}" if hour else f"{minute}:{tail}"


def duration(millis: int) -> str:
    """Return a length of time in at most two units: "250 ms", "1.2 s", "3 min", "2 h 5 min"."""
    if millis >= FOR_EVER // 2:
        return "for good"
    if millis < 1000:
        return f"{millis} ms"
    if millis < 60_000:
        return f"{millis / 1000:.1f} s"
    minutes, hours = millis // 60_000 % 60, millis // 3_600_000 % 24
    days = millis // 86_400_000
    units = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join([f"{count} {unit}" for count, unit in units if count][:2])


def fault_in_words(fault: Fault) -> str:
    """Return a fault as a legend shows it: "partition use1 - euw1", "throttle 20 %"."""
    where = " \u2013 ".join(region for region in (fault.region, fault.other) if region)
    rate = f"{fault.rate * 100:.0f} %" if fault.rate < 1 else ""
    return " ".join(part for part in (fault.kind.replace("_", " "), where, rate) if part)
