"""custom: a function of yours says what readers see of concurrent values.

    @custom.function("brightest")
    def brightest(values: list[Any], about: Siblings) -> Any:
        return max(values)

Every concurrent value is kept until a later write replaces those that it saw, so joins are
commutative, associative and idempotent whatever the function does. It is asked only for what
readers see of several values, when a merge has brought them together. It must be pure: it is called
twice, with copies, and must give the same wire value.
Errors: MergeFunctionFailed, and nothing is guessed.
Source: Dynamo's application-assisted conflict resolution, SOSP 2007, section 4.4.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, LocalWrite, Sources, Spec, register
from reconciler.crdt.dot_function import DotFunction
from reconciler.errors import InvalidInput, MergeFunctionFailed
from reconciler.values.wire import Path, Wire, canonical, canonical_bytes, from_wire, label, to_wire

_FUNCTION, _ONLY = "f", "d"  # beside the references of values, which are numbers


@dataclass(frozen=True)
class Siblings:
    """What a merge function is told about its values, in their order.

    `path` leads to the attribute; `replicas` wrote the values ("~" is a writer around the library)
    and `wall_ms` are the milliseconds since 1970 of their stamps.
    """

    path: Path
    replicas: tuple[str, ...]
    wall_ms: tuple[int, ...]


MergeFunction = Callable[[list[Any], Siblings], Any]
_FUNCTIONS: dict[str, MergeFunction] = {}


def function(name: str) -> Callable[[MergeFunction], MergeFunction]:
    """Register a merge function under the name that schemas give; a decorator.

    The function takes the values, at least two, in the order of their dots, and what is known about
    them; it returns the value to show. InvalidInput if another function has the name.
    """

    def decorate(merging: MergeFunction) -> MergeFunction:
        if _FUNCTIONS.setdefault(name, merging) is not merging:
            raise InvalidInput(f"another merge function is registered as {name!r}; rename one")
        return merging

    return decorate


def load(modules: Sequence[str]) -> None:
    """Import the modules, which registers their merge functions; InvalidInput names a bad one."""
    for name in modules:
        try:
            import_module(name)
        except (Exception, SystemExit) as problem:  # a module may call sys.exit as it is imported
            raise InvalidInput(
                f"RECONCILER_CUSTOM_TYPES: {name!r} cannot be imported"
                f" ({type(problem).__name__}: {problem}); package it with the functions"
            ) from problem


@register
class Custom(DotFunction):
    """A register of which a function says what readers see, where concurrent values stand.

    `entries`: dot -> value. `function`: its name, "" only in a state without a write. `shown`: its
    answer for several values, None until it is asked.
    """

    NAME, TAG = "custom", "cus"

    def __init__(
        self,
        entries: Mapping[Dot, Wire | None] | None = None,
        function: str = "",
        shown: Wire | None = None,
    ) -> None:
        super().__init__(entries)
        self.function = function
        self.shown = shown

    def join(self, other: Any, mine: CausalContext, theirs: CausalContext) -> "Custom":
        entries = super().join(other, mine, theirs).entries
        answers = [side.shown for side in (self, other) if side.entries == entries]
        # Two releases of one function may have given two answers: then it is asked again.
        shown = answers[0] if answers and answers[0] == answers[-1] else None
        return Custom(entries, self.function or other.function, shown)

    def complete(self, path: Path) -> Crdt:
        if len(self.entries) < 2 or self.shown is not None:
            return self
        return Custom(self.entries, self.function, _answer(self.function, path, self.entries))

    def apply(self, edit: Edit, depth: int, write: LocalWrite, spec: Spec) -> Crdt:
        return DotFunction.apply(Custom(self.entries, spec.function), edit, depth, write, spec)

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:  # noqa: ARG002 (same signature)
        entries = {write.dot: edit.value} if edit.verb == "assign" else {}
        return Custom(entries, self.function)

    def beneath(self, shown: Any) -> Crdt:
        return Custom({**self.entries, **shown.entries}, shown.function)

    def visible(self) -> Wire | None:
        return next(iter(self.entries.values())) if len(self.entries) == 1 else self.shown

    def type_name(self) -> str:
        return self.spec().type_name()

    def spec(self) -> Spec:
        return Spec(Custom, function=self.function)

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        wire = super().encode(refs)
        return {"M": {_FUNCTION: {"S": self.function}, **wire.get("M", {_ONLY: wire})}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> "Custom":
        held = dict(wire["M"])
        name = held.pop(_FUNCTION)["S"]
        rest = held.get(_ONLY, {"M": held})
        entries = super().decode(rest, visible, sources, path).entries
        return cls(entries, name, visible if len(entries) > 1 else None)


def _answer(name: str, path: Path, entries: Mapping[Dot, Wire | None]) -> Wire:
    """Return what the function says readers see; entries are in dot order, as joins leave them."""
    about = Siblings(
        path,
        tuple(dot.lineage.replica for dot in entries),
        tuple(dot.hlc.wall_ms for dot in entries),
    )
    wires = [wire for wire in entries.values() if wire is not None]

    def values() -> list[Any]:
        return [from_wire(wire) for wire in wires]  # copies, for a function that changes them

    try:
        merging = _FUNCTIONS[name]
    except KeyError:
        raise _failure(name, path, values(), "is not registered in this process") from None
    try:
        answers = [canonical(to_wire(merging(values(), about), path)) for _ in range(2)]
    except Exception as problem:
        cause = f"failed: {type(problem).__name__}: {problem}"
        raise _failure(name, path, values(), cause) from problem
    if canonical_bytes(answers[0]) != canonical_bytes(answers[1]):
        raise _failure(name, path, values(), "gave two answers to the same values")
    return answers[0]


def _failure(name: str, path: Path, values: list[Any], cause: str) -> MergeFunctionFailed:
    return MergeFunctionFailed(
        f"{label(path)}: the merge function {name!r} {cause}",
        function=name,
        attribute=label(path),
        values=values,
        cause=cause,
    )
