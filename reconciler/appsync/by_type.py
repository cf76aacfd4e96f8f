"""What becomes of a conflict by the types of the schema, as far as it can be known.

A type decides where its answer does not depend on what the writers started from. Where it does,
nothing is guessed: the attribute is named with the reason, and the mutation is to be refused.
HAZARD if a counter were counted from two amounts: two clients that each add 5 to 0 both say 5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from reconciler.appsync.automerge import united
from reconciler.appsync.conflict import Conflict, is_same
from reconciler.item.schema import Schema
from reconciler.values.wire import Path

Reasons = dict[str, str]
_MAP, _DEFAULT = "map_or", "register_lww"
_NOT_DECIDED = {
    "counter_pn": "two amounts do not say what was added to which",
    "set_rw": "removing beats adding, and members do not say what was removed",
    "register_mv": "several values stand until somebody decides",
    "manual": "a person decides",
    "custom": "its function is told of writers and times, which are not known here",
}


def by_type(conflict: Conflict, schema: Schema) -> tuple[dict[str, Any], Reasons]:
    """Return the attributes of the merged item, and why some could not be merged, by path."""
    merge = _Merge(schema, {})
    return merge.fields(conflict.existing, conflict.new, conflict.said, ()), merge.reasons


@dataclass(frozen=True)
class _Merge:
    schema: Schema
    reasons: Reasons

    def fields(
        self,
        existing: Mapping[str, Any],
        new: Mapping[str, Any],
        said: Mapping[str, Any] | None,
        above: Path,
    ) -> dict[str, Any]:
        merged = {}
        for name in {**existing, **new}:
            path, is_said = (*above, name), said is None or name in said
            before, after = existing.get(name), new.get(name)
            if name not in new:
                # A put that leaves it out did not know it, and did not remove it.
                merged[name] = before
                if is_said:
                    self._refuse(path, "the mutation removes it, whatever stands there now")
            elif before is None or (not is_said and is_same(before, after)):
                merged[name] = after
            elif self.schema.type_at(path) == _MAP and _is_map(before) and _is_map(after):
                merged[name] = self.fields(before, after, _within(said, name), path)
            else:
                merged[name] = self._value(before, after, path)
        return merged

    def _value(self, before: Any, after: Any, path: Path) -> Any:
        kind = self.schema.type_at(path)
        if kind == _DEFAULT:
            return after  # the mutation comes now, and what is there came earlier
        if kind in _NOT_DECIDED:
            return self._refuse(path, _NOT_DECIDED[kind], before)
        try:
            return _JOINS[kind](before, after)
        except (KeyError, TypeError):  # a map_or is joined above, if both are maps
            return self._refuse(path, f"it does not hold what a {kind} does", before)
        except ValueError as problem:
            return self._refuse(path, str(problem), before)

    def _refuse(self, path: Path, reason: str, before: Any = None) -> Any:
        self.reasons[".".join(path)] = reason
        return before


def _is_map(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict)


def _within(said: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    """Return what is said of the fields of a map; None: nobody knows, such as of a JSON text."""
    told = said.get(name, {}) if said is not None else None
    return told if isinstance(told, Mapping) else None


def _greatest(before: Any, after: Any) -> Any:
    return max(before, after, key=_rank)


def _least(before: Any, after: Any) -> Any:
    return min(before, after, key=_rank)


def _rank(value: Any) -> tuple[bool, Any]:
    """Numbers come before all strings, which are compared by their UTF-8 bytes."""
    if isinstance(value, str):
        return True, value.encode()
    if _is_number(value):
        return False, value
    raise TypeError


def _beyond(before: Any, after: Any) -> int:
    if not (type(before) is int and type(after) is int):
        raise TypeError
    return max(before, after) + 1


def _enabled(before: Any, after: Any) -> bool:
    if not (isinstance(before, bool) and isinstance(after, bool)):
        raise TypeError
    if before and not after:
        raise ValueError("true beats false, unless whoever says false had seen it")
    return after


def _members(before: Any, after: Any) -> list[Any]:
    if not (isinstance(before, list) and isinstance(after, list)):
        raise TypeError
    return united(before, after)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "register_max": _greatest,
    "register_min": _least,
    "version": _beyond,
    "flag_ew": _enabled,
    "set_aw": _members,
}
