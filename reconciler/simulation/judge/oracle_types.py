"""What each type must show, from the parts of the history that are about one attribute.

Each takes about ten lines, from the type's definition, and shares nothing with `reconciler.crdt`. A
part counts unless another part that has seen it took it away or took its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.causality.hlc import HLC_WIDTH
from reconciler.simulation.world.history import Done
from reconciler.values.wire import Wire, canonical_bytes, from_wire

GONE = object()  # no attribute, which is not the value None


@dataclass(frozen=True, eq=False)
class OneOf:
    """What must be seen where the history leaves a choice: one of `values`.

    Without values it is what a function of the user's answers, which is some value.
    """

    values: Sequence[Any] = ()

    def allows(self, shown: Any) -> bool:
        """Return whether readers may see this."""
        return shown in self.values if self.values else shown is not GONE

    def __repr__(self) -> str:
        named = ["nothing" if value is GONE else repr(value) for value in self.values]
        return f"one of {', '.join(named)}" if named else "what the function answers"


class Anything(OneOf):
    """What must be seen of an attribute on whose type its writers disagree: nobody can say."""

    def allows(self, shown: Any) -> bool:  # noqa: ARG002 (whatever it is)
        """Return True."""
        return True


@dataclass(slots=True, eq=False)
class Part:
    """What a write did to one leaf: its bit, the bits it saw, and its part of a sum or extreme."""

    done: Done
    bit: int
    seen: int
    verb: str
    wire: Wire | None
    worth: Any = None

    @property
    def value(self) -> Any:
        return GONE if self.wire is None else from_wire(self.wire)


Parts = Sequence[Part]


def live(parts: Parts, *verbs: str) -> list[Part]:
    """Return the parts with these verbs that no other part has seen."""
    replaced = _seen_by(parts)
    return [part for part in parts if part.verb in verbs and not part.bit & replaced]


def _seen_by(parts: Parts) -> int:
    seen = 0
    for part in parts:
        seen |= part.seen
    return seen


def _values(parts: Parts) -> Any:
    values = {canonical_bytes(part.wire): part.value for part in live(parts, "assign")}
    return [values[data] for data in sorted(values)] or GONE


def _manual(parts: Parts) -> Any:
    left = {canonical_bytes(part.wire): part.value for part in live(parts, "assign", "remove")}
    values = [left[data] for data in sorted(left)]
    return OneOf(values) if len(values) > 1 else (values or [GONE])[0]


def _custom(parts: Parts) -> Any:
    values = [part.value for part in live(parts, "assign")]
    return OneOf() if len(values) > 1 else (values or [GONE])[0]


def _version(parts: Parts) -> Any:
    numbers = [part.value for part in live(parts, "assign")]
    return max(numbers) + len(numbers) - 1 if numbers else GONE


def _flag(parts: Parts) -> Any:
    left = live(parts, "assign")
    return any(part.value for part in left) if left else GONE


def _extreme(best: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    # An assignment asserts the best of its value and what its writer saw.
    def shown(parts: Parts) -> Any:
        return best((part.worth for part in live(parts, "assign")), key=_order, default=GONE)

    def worth(before: Parts, _verb: str, wire: Wire | None) -> Any:
        held = [] if wire is None else [from_wire(wire)]
        held += [part.worth for part in live(before, "assign")]
        return best(held, key=_order, default=GONE)

    return shown, worth


def _order(value: Any) -> tuple[Any, ...]:
    return (0, value) if isinstance(value, int | Decimal) else (1, value)


def _total(parts: Parts) -> Any:
    removed = _seen_by([part for part in parts if part.verb == "remove"])
    kept = [part for part in parts if part.verb != "remove" and not part.bit & removed]
    if not any(part.done.operation.once for part in parts):
        return sum(part.worth for part in kept) if kept else GONE
    return sum(map(_once, _executions(parts).values())) if kept else GONE


def _executions(parts: Parts) -> dict[Any, list[tuple[str, Any, bool]]]:
    """Return what each write added in the end, and whether another one removed that, by its key:
    the later one first."""
    writes: dict[int, list[Part]] = {}
    for part in parts:
        writes.setdefault(part.done.operation.number, []).append(part)
    found: dict[Any, list[tuple[str, Any, bool]]] = {}
    for number, own in writes.items():
        gone = _seen_by([part for part in own if part.verb == "remove"])
        others = [p for p in parts if p.verb == "remove" and p.done.operation.number != number]
        left = [part for part in own if part.verb != "remove" and not part.bit & gone]
        if left:
            is_removed = bool(left[0].bit & _seen_by(others))
            done, added = own[0].done, sum(part.worth for part in left)
            key = done.operation.once or number
            found.setdefault(key, []).append((done.dot[-HLC_WIDTH:], added, is_removed))
    return {key: sorted(each, reverse=True) for key, each in found.items()}


def _once(executions: Sequence[tuple[str, Any, bool]]) -> Any:
    """Return what a key adds: what its latest execution did, less what a removal has seen."""
    seen = next((added for _, added, is_removed in executions if is_removed), 0)
    return executions[0][1] - seen


def _amount(before: Parts, verb: str, wire: Wire | None) -> Any:
    """Return what a write adds: an assignment the difference to what it saw, a removal nothing."""
    if verb == "remove" or wire is None:
        return 0
    seen = _total(before)
    return from_wire(wire) - (0 if verb == "increment" or seen is GONE else seen)


def _set_aw(parts: Parts) -> Any:
    removed = _seen_by([part for part in parts if part.verb == "remove"])
    discarded: dict[Any, int] = {}
    for part in parts:
        for element in part.value if part.verb == "discard" else ():
            discarded[element] = discarded.get(element, 0) | part.seen
    additions = [part for part in parts if part.verb == "add" and not part.bit & removed]
    held = ((part, element) for part in additions for element in part.value)
    return {element for part, element in held if not part.bit & discarded.get(element, 0)} or GONE


def _set_rw(parts: Parts) -> Any:
    votes = [part for part in parts if part.verb != "remove"]
    removed = _seen_by([part for part in parts if part.verb == "remove"])
    replaced: dict[Any, int] = {}
    for part in votes:
        for element in part.value:
            replaced[element] = replaced.get(element, removed) | part.seen
    left: dict[Any, set[str]] = {}
    for part in votes:
        for element in part.value:
            if not part.bit & replaced[element]:
                left.setdefault(element, set()).add(part.verb)
    return {element for element, verbs in left.items() if verbs == {"add"}} or GONE


_GREATEST, _LEAST = _extreme(max), _extreme(min)
SHOWN: dict[str, Callable[[Parts], Any]] = {
    "register_mv": _values,
    "manual": _manual,
    "custom": _custom,
    "flag_ew": _flag,
    "version": _version,
    "register_max": _GREATEST[0],
    "register_min": _LEAST[0],
    "counter_pn": _total,
    "set_aw": _set_aw,
    "set_rw": _set_rw,
    "clashing": lambda _: Anything(),
}
WORTHS: dict[str, Callable[..., Any]] = {
    "register_max": _GREATEST[1],
    "register_min": _LEAST[1],
    "counter_pn": _amount,
}
