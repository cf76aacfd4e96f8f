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
from enum import IntEnum
from typing import Any

from reconciler.causality.context import ADOPTED, BY_A_PUT, FROM_PLAIN, Dot, Lineage
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange, Spec, value_text
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.elements import ElementSet
from reconciler.crdt.map_or import MapOr
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.filing import Declared, changed_by, lineage_of
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import (
    SET_KINDS,
    Image,
    Path,
    Wire,
    Wires,
    canonical_image,
    digest,
    to_json,
)

_NO_TOKEN = ""
ADDED_BY_PUT = "~"  # before the name of an amount: what a put added to it
_PUT_WIDTH = 22
PLAIN_ITEM = OutsideChange((), "item", None)  # that there was a plain one: every version shares it


class Began(IntEnum):
    """On what an item began, as far as it shows."""

    ON_PLAIN = 0  # the library's first write is on a plain image: what is beneath, nobody knows
    ON_PLAIN_AND_SINCE = 1  # so it is, and others than the library wrote on that
    MANAGED = 2  # by a write of the library

    def mark(self) -> OutsideChange:
        """Return what says so in an item that a plain image is in, too."""
        return OutsideChange((), f"began {self.value}", None)


def file_plain(
    image: Mapping[str, Any], key: Image, declared: Declared, seen: Hlc | None = None
) -> ReplicatedItem:
    """Return the item that a plain image shows, with types as `declared`; `seen` is when."""
    held = attributes_of(image, key)
    leaves, put = all_leaves(held, declared), put_of(held)
    return changed_by(
        ReplicatedItem(key), [PLAIN_ITEM, *leaves], dot_of, seen, declared, also=[put]
    )


def version_over(
    item: ReplicatedItem, image: Mapping[str, Any], seen: Hlc | None, token: str, *, is_direct: bool
) -> ReplicatedItem:
    """Return a managed item once a plain version of it, made without its writes, is in it.

    What the version has in common with the plain item that the library wrote on first says nothing.
    An amount counts only if the image shows that its writer had not seen the library's.
    """
    held, shown = attributes_of(image, item.key), item.shown()
    types = types_of(item)
    leaves = all_leaves(held, types)
    counts, by_library = _is_older(item, held), dict(library_states(item))
    news = [
        leaf
        for leaf in leaves
        if dot_of(leaf).lineage not in item.context.heads
        and not is_shown(leaf, shown)
        and (not is_amount(leaf) or (is_direct and (counts or leaf.path[0] not in by_library)))
    ]
    return changed_by(
        item,
        news,
        dot_of,
        seen,
        types,
        also=[PLAIN_ITEM, put_of(held), put_over(held, token), *leaves],
    )


def types_of(item: ReplicatedItem) -> Declared:
    """Return the types that an item's attributes have."""

    def declared(name: str) -> Spec | None:
        state = item.attributes.get(name)
        return state.spec() if state is not None else None

    return declared


def is_version(image: Wires, item: ReplicatedItem) -> bool:
    """Return whether a plain image is one of the item that the library began on, without its
    writes, as far as it can be told."""
    return began(item) is Began.ON_PLAIN and not _has_seen(image, item)


def began(item: ReplicatedItem) -> Began:
    """Return on what an item began, as far as it shows."""
    heads = item.context.heads
    if lineage_in_plain(PLAIN_ITEM) not in heads:
        return Began.MANAGED
    for each in (Began.MANAGED, Began.ON_PLAIN_AND_SINCE):
        if lineage_in_plain(each.mark()) in heads:
            return each
    around = (hlc for lineage, hlc in heads.items() if lineage.replica == ADOPTED)
    return Began.ON_PLAIN if all(hlc == FROM_PLAIN for hlc in around) else Began.ON_PLAIN_AND_SINCE


def _has_seen(image: Mapping[str, Any], item: ReplicatedItem) -> bool:
    """Return whether a plain image shows something that the library wrote in the managed item."""
    held = attributes_of(image, item.key)
    return any(
        name in held
        and state.visible() == held[name]
        and not _knows_all(item, (name,), held[name], state)
        for name, state in library_states(item)
    )


def _is_older(item: ReplicatedItem, held: Image) -> bool:
    """Return whether something is as it was before the library wrote it."""
    return any(
        state.visible() != held.get(name)
        and (name not in held or _knows_all(item, (name,), held[name], state))
        for name, state in library_states(item)
    )


def library_states(item: ReplicatedItem) -> Iterator[tuple[str, Crdt]]:
    """Yield the attributes that hold a write of the library."""
    for name, state in item.attributes.items():
        if any(dot.lineage.replica != ADOPTED for dot in state.dots()):
            yield name, state


def _knows_all(item: ReplicatedItem, path: Path, value: Wire, state: Crdt) -> bool:
    leaves = _leaves(path, value, state.spec())
    return all(dot_of(leaf).lineage in item.context.heads for leaf in leaves)


def attributes_of(image: Mapping[str, Any], key: Image) -> Image:
    """Return what a plain image shows beside its key, in canonical form."""
    return canonical_image({name: image[name] for name in sorted(image) if name not in key})


def dot_of(change: OutsideChange) -> Dot:
    """Return the dot of what a plain image shows: named by where it is and what it is."""
    hlc = BY_A_PUT if change.name.startswith(ADDED_BY_PUT) else FROM_PLAIN
    return Dot(lineage_in_plain(change), hlc)


def lineage_in_plain(change: OutsideChange) -> Lineage:
    """Return the lineage of what a plain image shows."""
    return lineage_of(_NO_TOKEN, change)


def put_of(held: Image) -> OutsideChange:
    """Return that this was put, whole: what it leaves out is taken away under this name."""
    return OutsideChange((), f"put {digest(to_json(held).encode(), _PUT_WIDTH)}", None)


def knows_put(item: ReplicatedItem, image: Mapping[str, Any]) -> bool:
    """Return whether a plain image is known to an item: it began on it, or has it filed."""
    return lineage_in_plain(put_of(attributes_of(image, item.key))) in item.context.heads


def is_only_plain(item: ReplicatedItem) -> bool:
    """Return whether an item is what one plain image shows, and nothing else."""
    return all(hlc == FROM_PLAIN for hlc in item.context.heads.values())


def put_over(held: Image, base: str) -> OutsideChange:
    """Return that it was filed over that image: filings over others differ from this one."""
    return OutsideChange((), f"over {base} {put_of(held).name}", None)


def all_leaves(held: Image, declared: Declared) -> Sequence[OutsideChange]:
    """Return the leaves of all attributes, as their types divide them."""
    return [leaf for name in held for leaf in _fitting(name, held[name], declared(name))]


def _fitting(name: str, value: Wire, spec: Spec | None) -> Sequence[OutsideChange]:
    """Return the leaves of an attribute; one, if the types within cannot hold what is there."""
    leaves = _leaves((name,), value, spec)
    state = spec.type() if spec is not None else None
    try:
        for leaf in leaves:
            if state is not None and spec is not None and leaf.edit is not None:
                state = state.apply(leaf.edit, 1, LocalWrite(dot_of(leaf), {}), spec)
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


def is_amount(leaf: OutsideChange) -> bool:
    """Return whether a leaf is a counter's."""
    return leaf.edit is not None and leaf.edit.verb == "increment"


def is_shown(leaf: OutsideChange, shown: Image) -> bool:
    """Return whether readers of another image see the same at a leaf."""
    value = value_at(shown, leaf.path)
    if leaf.edit is None or leaf.edit.verb != "add":
        return leaf.edit is not None and value == leaf.edit.value
    ((kind, (element,)),) = (leaf.edit.value or {}).items()
    return element in (value or {}).get(kind, ())


def value_at(shown: Image, path: Path) -> Any:
    """Return what readers see at a path, None for nothing."""
    value: Any = shown.get(path[0])
    for name in path[1:]:
        value = (value or {}).get("M", {}).get(name)
    return value
