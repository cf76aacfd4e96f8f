"""A value for each write that no other write has replaced yet: what the registers are made of.

Source: Almeida, Shoker, Baquero, "Delta State Replicated Data Types", JPDC 2018 (DotFun).
"""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, LocalWrite, Spec, surviving_dots
from reconciler.values.wire import Wire, canonical_bytes


class DotFunction(Crdt):
    """A value for each write that no other write has replaced yet; the base of the registers."""

    def __init__(self, entries: Mapping[Dot, Wire | None] | None = None) -> None:
        self.entries: Mapping[Dot, Wire | None] = entries or {}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # states are compared, never kept in sets

    def join(
        self, other: "DotFunction", mine: CausalContext, theirs: CausalContext
    ) -> "DotFunction":
        kept = surviving_dots(self.entries, other.entries, mine, theirs)
        held = [(entries, dot) for dot in kept for entries in (self.entries, other.entries)]
        values: dict[Dot, Wire | None] = {}
        for entries, dot in held:
            if dot in entries and (
                dot not in values or canonical_bytes(entries[dot]) > canonical_bytes(values[dot])
            ):
                values[dot] = entries[dot]
        return type(self)(values)

    def apply(self, edit: Edit, depth: int, write: LocalWrite, spec: Spec) -> Crdt:  # noqa: ARG002 (no fields)
        if (
            len(edit.path) > depth
            or edit.verb not in ("assign", "remove")
            or (edit.verb == "assign" and edit.value is None)
        ):
            raise self.refusal(edit, depth, "assign and remove")
        return self.apply_whole(edit, depth, write)

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:  # noqa: ARG002 (for subclasses)
        """Return the state after an assign or a remove."""
        return type(self)({write.dot: edit.value}) if edit.verb == "assign" else self.forget(write)

    def dots(self) -> Iterator[Dot]:
        return iter(self.entries)

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        if len(self.entries) == 1:
            return {"S": refs[next(iter(self.entries))]}  # the visible value is the entry's
        return {"M": {refs[dot]: self.entries[dot] for dot in sorted(self.entries)}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, dots: Sequence[Dot]) -> "DotFunction":
        if "S" in wire:
            return cls({dots[int(wire["S"])]: cls.entry_of(visible)})
        return cls({dots[int(ref)]: value for ref, value in wire["M"].items()})

    @classmethod
    def entry_of(cls, visible: Wire | None) -> Wire | None:
        """Return the value of the only entry from what readers see."""
        return visible
