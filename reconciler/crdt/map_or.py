"""map_or: a map whose fields are replicated types of their own, maps included.

Edits of different fields merge; edits of one field merge by its type. Removing a key takes away
what its writer saw, so a field written concurrently comes back alone. Assigning a map writes only
the differences, and a map without keys is not visible.
Source: Riak DT map; Almeida et al., JPDC 2018.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.causality.context import CausalContext, Dot
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import (
    Crdt,
    Edit,
    LocalWrite,
    Sources,
    Spec,
    decode_tagged,
    encode_tagged,
    join_nested,
    register,
)
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.values.wire import Path, Wire, label

_LEAF = Spec(RegisterLww)


@register
@dataclass(frozen=True)
class MapOr(Crdt):
    """A map of replicated values; `fields`: key -> state, without states that hold nothing."""

    NAME, TAG = "map_or", "map"

    fields: Mapping[str, Crdt] = field(default_factory=dict)

    def join(self, other: "MapOr", mine: CausalContext, theirs: CausalContext) -> Crdt:
        return _map(
            {
                key: join_nested(self.fields.get(key), other.fields.get(key), mine, theirs, (key,))
                for key in sorted(self.fields.keys() | other.fields.keys())
            }
        )

    def apply(self, edit: Edit, depth: int, write: LocalWrite, spec: Spec) -> Crdt:
        if len(edit.path) == depth:
            return self._apply_whole(edit, depth, write, spec)
        key = edit.path[depth]
        if edit.verb == "remove" and len(edit.path) == depth + 1:
            known = self.fields.get(key)
            return self if known is None else _map({**self.fields, key: known.forget(write)})
        nested, state = child_of(self.fields.get(key), spec, key, edit.path[: depth + 1])
        if len(edit.path) > depth + 1 and nested.type is not MapOr:
            raise _leads_nowhere(edit.path, depth, spec, nested)
        return _map({**self.fields, key: state.apply(edit, depth + 1, write, nested)})

    def _apply_whole(self, edit: Edit, depth: int, write: LocalWrite, spec: Spec) -> Crdt:
        if edit.verb == "remove":
            return self.forget(write)
        where = edit.path[:depth]
        if edit.verb != "assign":
            raise self.refusal(edit, depth, "assign and remove")
        if edit.value is None or "M" not in edit.value:
            raise InvalidInput(f"{label(where)}: a map_or holds a dict")
        wanted = edit.value["M"]
        fields = {k: s if k in wanted else s.forget(write) for k, s in self.fields.items()}
        for key, value in wanted.items():
            nested, state = child_of(self.fields.get(key), spec, key, (*where, key))
            if state.visible() != value:
                one = Edit((*where, key), "assign", state.assignment(value))
                fields[key] = state.apply(one, depth + 1, write, nested)
        return _map(fields)

    def forget(self, write: LocalWrite) -> Crdt:
        return _map({key: state.forget(write) for key, state in self.fields.items()})

    def fold(self, replica: str, epoch: str) -> Crdt:
        return MapOr({key: each.fold(replica, epoch) for key, each in self.fields.items()})

    def complete(self, path: Path) -> Crdt:
        return MapOr({key: each.complete((*path, key)) for key, each in self.fields.items()})

    def is_empty(self) -> bool:
        # Not by its dots: a counter that is folded holds sums, which have none.
        return all(state.is_empty() for state in self.fields.values())

    def undecided(self) -> bool:
        return any(state.undecided() for state in self.fields.values())

    def spec(self) -> Spec:
        return Spec(MapOr, {key: state.spec() for key, state in self.fields.items()})

    def visible(self) -> Wire | None:
        shown = {key: self.fields[key].visible() for key in sorted(self.fields)}
        kept = {key: value for key, value in shown.items() if value is not None}
        return {"M": kept} if kept else None

    def dots(self) -> Iterator[Dot]:
        for state in self.fields.values():
            yield from state.dots()

    def ranks(self) -> Iterator[Hlc]:
        for state in self.fields.values():
            yield from state.ranks()

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        return {"M": {key: encode_tagged(self.fields[key], refs) for key in sorted(self.fields)}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> "MapOr":
        if visible is not None and "M" not in visible:
            sources.assigned(path, visible, visible)  # something else stands where the map was
        shown = (visible or {}).get("M", {})
        for key in sorted(shown.keys() - wire["M"].keys()):
            sources.assigned((*path, key), shown[key], shown[key])
        return cls(
            {
                key: decode_tagged(each, shown.get(key), sources, (*path, key))
                for key, each in sorted(wire["M"].items())
            }
        )


def child_of(state: Crdt | None, spec: Spec, key: str, path: Path) -> tuple[Spec, Crdt]:
    """Return the declared type of a map's key and its state, empty if it has none yet."""
    nested = spec.fields.get(key) or spec.values or _LEAF
    return nested, state_of_type(state, nested, path)


def _leads_nowhere(path: Path, depth: int, spec: Spec, nested: Spec) -> InvalidInput:
    """Return the error for a path through a field that is no map: what is declared, and is not."""
    where, key, here = label(path[:depth]), path[depth], label(path[: depth + 1])
    values = spec.values.type_name() if spec.values else "none"
    return InvalidInput(
        f"{label(path)}: {here} is a {nested.type_name()}, which has no fields; of {where} the"
        f" schema has fields: {', '.join(sorted(spec.fields)) or 'none'}; values: {values}. Declare"
        f' it there, "fields": {{"{key}": "map_or"}}, or "values": "map_or" for any name, or assign'
        f" {here} whole"
    )


def state_of_type(state: Crdt | None, spec: Spec, path: Path) -> Crdt:
    """Return `state`, or an empty one; TypeMismatch if the item holds another type there."""
    if state is None:
        return spec.type()
    if state.type_name() != spec.type_name():
        raise TypeMismatch(
            f"{label(path)} is stored as {state.type_name()}, the schema says {spec.type_name()};"
            " an attribute keeps its type: use a new attribute for a new type",
            path=path,
        )
    return state


def _map(fields: Mapping[str, Crdt]) -> MapOr:
    return MapOr({key: state for key, state in fields.items() if not state.is_empty()})
