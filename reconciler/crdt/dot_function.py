"""A value for each write that no other write has replaced yet: what the registers are made of.

Source: Almeida, Shoker, Baquero, "Delta State Replicated Data Types", JPDC 2018 (DotFun).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.causality.context import BY_A_PUT, FROM_PLAIN, CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, LocalWrite, Sources, Spec, surviving_dots, value_digest
from reconciler.values.wire import SHORT_DIGEST_WIDTH, Path, Wire, canonical_bytes

_SHOWN = "h"  # beside the references of values, which are numbers: the digest of what readers see


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
        changed = self.apply_whole(edit, depth, write)
        return self.beneath(changed) if write.dot.hlc in (FROM_PLAIN, BY_A_PUT) else changed

    def beneath(self, shown: Any) -> Crdt:
        """Return `shown` with all that stands here left in place, should the plain value go."""
        return type(self)({**self.entries, **shown.entries})

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:  # noqa: ARG002 (for subclasses)
        """Return the state after an assign or a remove."""
        return type(self)({write.dot: edit.value}) if edit.verb == "assign" else self.forget(write)

    def dots(self) -> Iterator[Dot]:
        return iter(self.entries)

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        shown = value_digest(self.visible())
        if len(self.entries) == 1:
            # The visible value is the entry's.
            return {"S": refs[next(iter(self.entries))] + shown}
        entries = {refs[dot]: self.entries[dot] for dot in sorted(self.entries)}
        return {"M": {**entries, _SHOWN: {"S": shown}}}

    @classmethod
    def decode(
        cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path
    ) -> "DotFunction":
        entries = dict(wire.get("M", {}))
        text = wire["S"] if "S" in wire else entries.pop(_SHOWN)["S"]
        is_ours = text[-SHORT_DIGEST_WIDTH:] == value_digest(visible)
        if "S" in wire:
            value = cls.entry_of(visible) if is_ours else None
            state = cls({sources.dots[int(text[:-SHORT_DIGEST_WIDTH])]: value})
        else:
            state = cls({sources.dots[int(ref)]: value for ref, value in entries.items()})
        if not is_ours:
            given = None if visible is None else state.assignment(visible)
            sources.assigned(path, visible, given)
        return state

    @classmethod
    def entry_of(cls, visible: Wire | None) -> Wire | None:
        """Return the value of the only entry from what readers see."""
        return visible
