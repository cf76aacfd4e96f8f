"""What an editor hands out: dicts, sets and lists whose changes are edits of the item.

They read as the plain containers that they are. A change to one is recorded where it belongs: a
field of a map or an element of a set as just that, anything inside a register as a new value of the
whole register. So whatever spelling a dict's user knows, it is written.
HAZARD if a plain container were handed out: a change to it would end with the block, unwritten.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from reconciler.errors import InvalidInput
from reconciler.values.wire import Path, label


class Editor(Protocol):
    """What a container tells of a change; `client.editor.ItemEditor` is one."""

    def __setitem__(self, where: Path, value: Any) -> None: ...
    def __delitem__(self, where: Path) -> None: ...
    def add(self, where: Path, *elements: Any) -> None: ...
    def discard(self, where: Path, *elements: Any) -> None: ...
    def rewrite(self, path: Path, root: Any) -> None: ...


class TrackedMap(dict[str, Any]):
    """The value of a map_or: each change is one of a field; `show` changes what it reads as."""

    def __init__(self, editor: Editor, path: Path) -> None:
        super().__init__()
        self._editor, self._path = editor, path

    def show(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)

    def __setitem__(self, name: str, value: Any) -> None:
        self._editor[(*self._path, name)] = value

    def __delitem__(self, name: str) -> None:
        self[name]  # a KeyError, as of any dict
        del self._editor[(*self._path, name)]

    def update(self, *others: Any, **fields: Any) -> None:
        for name, value in dict(*others, **fields).items():
            self[name] = value

    def __ior__(self, other: Any) -> "TrackedMap":  # type: ignore[override, misc]  # in place
        self.update(other)
        return self

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self and default:
            return default[0]
        value = plain(self[name])
        del self[name]
        return value

    def popitem(self) -> tuple[str, Any]:
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        for name in list(self):
            del self[name]


class TrackedSet(set[Any]):
    """The value of a set type: each change is one of an element."""

    def __init__(self, editor: Editor, path: Path) -> None:
        super().__init__()
        self._editor, self._path = editor, path

    def show(self, elements: Iterable[Any]) -> None:
        super().clear()
        super().update(elements)

    def add(self, element: Any) -> None:
        self._editor.add(self._path, element)

    def discard(self, element: Any) -> None:
        self._editor.discard(self._path, element)

    def remove(self, element: Any) -> None:
        if element not in self:
            raise KeyError(element)
        self.discard(element)

    def pop(self) -> Any:
        element = min(self) if self else super().pop()
        self.discard(element)
        return element

    def clear(self) -> None:
        self._become(set())

    def update(self, *others: Iterable[Any]) -> None:
        self._become(self.union(*others))

    def difference_update(self, *others: Iterable[Any]) -> None:
        self._become(self.difference(*others))

    def intersection_update(self, *others: Iterable[Any]) -> None:
        self._become(self.intersection(*others))

    def symmetric_difference_update(self, other: Iterable[Any]) -> None:
        self._become(self.symmetric_difference(other))

    def __ior__(self, other: Any) -> "TrackedSet":  # type: ignore[misc]  # in place
        self._become(self | other)
        return self

    def __isub__(self, other: Any) -> "TrackedSet":  # type: ignore[misc]  # in place
        self._become(self - other)
        return self

    def __iand__(self, other: Any) -> "TrackedSet":  # type: ignore[misc]  # in place
        self._become(self & other)
        return self

    def __ixor__(self, other: Any) -> "TrackedSet":  # type: ignore[misc]  # in place
        self._become(self ^ other)
        return self

    def _become(self, wanted: Iterable[Any]) -> None:
        wanted = set(wanted)
        added, gone = wanted - self, self - wanted
        self._editor.add(self._path, *added)
        self._editor.discard(self._path, *gone)


class Held:
    """A container inside a register; `report` records that the whole register has a new value."""

    report: Callable[[], None]


def _reporting(kind: type, changing: str) -> type[Any]:
    """Return a kind of container whose changing methods report each change."""

    def reports(method: Callable[..., Any]) -> Callable[..., Any]:
        def changes(self: Any, *given: Any, **named: Any) -> Any:
            answer = method(self, *given, **named)
            self.report()
            return answer

        return changes

    methods = {name: reports(getattr(kind, name)) for name in changing.split()}
    return type(f"Held{kind.__name__.title()}", (Held, kind), methods)


_HELD: Mapping[type, type[Any]] = {
    dict: _reporting(dict, "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update"),
    list: _reporting(
        list,
        "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert pop remove reverse"
        " sort",
    ),
    set: _reporting(
        set,
        "__iand__ __ior__ __isub__ __ixor__ add clear difference_update discard"
        " intersection_update pop remove symmetric_difference_update update",
    ),
}


def held(value: Any, report: Callable[[], None]) -> Any:
    """Return a copy of a register's value whose containers, to any depth, report changes."""
    if isinstance(value, dict):
        made = _HELD[dict]((name, held(each, report)) for name, each in value.items())
    elif isinstance(value, list | tuple):
        made = _HELD[list](held(each, report) for each in value)
    elif isinstance(value, set | frozenset):
        made = _HELD[set](value)
    else:
        return value
    made.report = report
    return made


def hold_again(root: Any) -> None:
    """Let what was put into a register's container since report changes, too; in place."""
    report = root.report
    if isinstance(root, dict):
        for name, each in root.items():
            dict.__setitem__(root, name, _held_again(each, report))
    elif isinstance(root, list):
        for place, each in enumerate(root):
            list.__setitem__(root, place, _held_again(each, report))


def _held_again(value: Any, report: Callable[[], None]) -> Any:
    if not isinstance(value, Held) or value.report is not report:
        return held(value, report)
    hold_again(value)
    return value


def plain(value: Any) -> Any:
    """Return a copy of a value that is tied to no item."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return set(value) if isinstance(value, set | frozenset) else value


def detached(path: Path) -> InvalidInput:
    """Return the error for a change to a container that is no part of the item any more."""
    return InvalidInput(
        f"{label(path)}: this value was replaced in the item, so a change to it would be lost;"
        f" take it from the item again: item[{path[0]!r}]"
    )
