"""Plain items: what an image without metadata shows, filed leaf by leaf. Pure.

Each value, and each member of a set, is one write, named by where it stands and by what it is: two
versions of one plain item, met by first library writes in two regions, share what they agree on. Of
registers the one seen later stands, of counters the greater amount.
HAZARD if they were named by the whole image: what one version has would be counted twice, or be
lost by the other's.
Limits: an image shows neither what it rests on nor who wrote it. Where a plain one takes the place
of a managed one, what the library wrote stands, unless the image shows that its writer saw that.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.causality.context import ADOPTED, FROM_PLAIN, Dot
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange, Spec, value_text
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.elements import ElementSet
from reconciler.crdt.map_or import MapOr
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.filing import Declared, changed_by, file, lineage_of
from reconciler.item.metadata import METADATA, hidden_in
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import SET_KINDS, Image, Path, Wire, Wires, canonical_image

_NO_TOKEN = ""
_ITEM = OutsideChange((), "item", None)  # that there was a plain one: every version shares it


def file_plain(
    image: Mapping[str, Any], key: Image, declared: Declared, seen: Hlc | None = None
) -> ReplicatedItem:
    """Return the item that a plain image shows, with types as `declared`; `seen` is when."""
    held = _attributes(image, key)
    return changed_by(
        ReplicatedItem(key), [_ITEM, *_all_leaves(held, declared)], _dot, seen, declared
    )


def _put_over(item: ReplicatedItem, image: Mapping[str, Any], seen: Hlc | None) -> ReplicatedItem:
    """Return a managed item once a plain version of it, made without its writes, is in it.

    What the version has in common with the plain item that the library wrote on first says nothing.
    An amount counts only if the image shows that its writer had not seen the library's.
    """
    held, shown = _attributes(image, item.key), item.shown()
    types = types_of(item)
    leaves = _all_leaves(held, types)
    counts = _is_older(item, held)
    news = [
        leaf
        for leaf in leaves
        if _dot(leaf).lineage not in item.context.heads
        and not _is_shown(leaf, shown)
        and (counts or not _is_amount(leaf))
    ]
    return changed_by(item, news, _dot, seen, types, also=[_ITEM, *leaves])


def types_of(item: ReplicatedItem) -> Declared:
    """Return the types that an item's attributes have."""

    def declared(name: str) -> Spec | None:
        state = item.attributes.get(name)
        return state.spec() if state is not None else None

    return declared


def beneath(managed: Wires, image: Wires, seen: Hlc | None = None) -> ReplicatedItem:
    """Return a managed image's item once a plain image, which took its place, is in it.

    One that is no version of it counts as written on top of it.
    """
    item = file(managed, seen)
    hidden = hidden_in({**image, METADATA: managed[METADATA]})
    image = {name: value for name, value in image.items() if name not in hidden}
    if is_version(image, item):
        return _put_over(item, image, seen)
    return file({**image, METADATA: managed[METADATA]}, seen)


def is_version(image: Wires, item: ReplicatedItem) -> bool:
    """Return whether a plain image is one of the item that the library began on, without its
    writes, as far as it can be told."""
    began = _dot(_ITEM).lineage in item.context.heads
    return began and not _has_seen(image, item)


def _has_seen(image: Mapping[str, Any], item: ReplicatedItem) -> bool:
    """Return whether a plain image shows something that the library wrote in the managed item."""
    held = _attributes(image, item.key)
    return any(
        name in held
        and state.visible() == held[name]
        and not _knows_all(item, (name,), held[name], state)
        for name, state in _library_states(item)
    )


def _is_older(item: ReplicatedItem, held: Image) -> bool:
    """Return whether something is as it was before the library wrote it."""
    return any(
        state.visible() != held.get(name)
        and (name not in held or _knows_all(item, (name,), held[name], state))
        for name, state in _library_states(item)
    )


def _library_states(item: ReplicatedItem) -> Iterator[tuple[str, Crdt]]:
    for name, state in item.attributes.items():
        if any(dot.lineage.replica != ADOPTED for dot in state.dots()):
            yield name, state


def _knows_all(item: ReplicatedItem, path: Path, value: Wire, state: Crdt) -> bool:
    leaves = _leaves(path, value, state.spec())
    return all(_dot(leaf).lineage in item.context.heads for leaf in leaves)


def _attributes(image: Mapping[str, Any], key: Image) -> Image:
    return canonical_image({name: image[name] for name in sorted(image) if name not in key})


def _dot(change: OutsideChange) -> Dot:
    return Dot(lineage_of(_NO_TOKEN, change), FROM_PLAIN)


def _all_leaves(held: Image, declared: Declared) -> Sequence[OutsideChange]:
    return [leaf for name in held for leaf in _fitting(name, held[name], declared(name))]


def _fitting(name: str, value: Wire, spec: Spec | None) -> Sequence[OutsideChange]:
    """Return the leaves of an attribute; one, if the types within cannot hold what is there."""
    leaves = _leaves((name,), value, spec)
    state = spec.type() if spec is not None else None
    try:
        for leaf in leaves:
            if state is not None and spec is not None and leaf.edit is not None:
                state = state.apply(leaf.edit, 1, LocalWrite(_dot(leaf), {}), spec)
    except (InvalidInput, TypeMismatch):
        return _leaves((name,), value, None)
    return leaves


def _leaves(path: Path, value: Wire, spec: Spec | None) -> Sequence[OutsideChange]:
    """Return the leaves of a value, as its type divides it; one, if the type cannot hold it."""
    if spec is not None and issubclass(spec.type, MapOr) and "M" in value:
        fields, held = spec.fields, value["M"]
        nested = [_leaves((*path, k), held[k], fields.get(k) or spec.values) for k in sorted(held)]
        return [leaf for leaves in nested for leaf in leaves]
    if spec is not None and issubclass(spec.type, ElementSet):
        kind = next((each for each in SET_KINDS if each in value), None)
        if kind is not None:
            return [_member(path, {kind: [element]}) for element in value[kind]]
    is_counted = spec is not None and issubclass(spec.type, CounterPn) and "N" in value
    edit = Edit(path, "increment" if is_counted else "assign", value)
    return [OutsideChange(path, f"={value_text(value)}", edit)]


def _member(path: Path, one: Wire) -> OutsideChange:
    return OutsideChange(path, f"+{value_text(one)}", Edit(path, "add", one))


def _is_amount(leaf: OutsideChange) -> bool:
    return leaf.edit is not None and leaf.edit.verb == "increment"


def _is_shown(leaf: OutsideChange, shown: Image) -> bool:
    value: Any = shown.get(leaf.path[0])
    for name in leaf.path[1:]:
        value = (value or {}).get("M", {}).get(name)
    if leaf.edit is None or leaf.edit.verb != "add":
        return leaf.edit is not None and value == leaf.edit.value
    ((kind, (element,)),) = (leaf.edit.value or {}).items()
    return element in (value or {}).get(kind, ())
