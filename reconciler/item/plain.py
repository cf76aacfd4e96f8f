"""Plain items: what an image without metadata shows, filed leaf by leaf. Pure.

Each value, and each member of a set, is one write, named by where it stands and by what it is: two
versions of one plain item, met by first library writes in two regions, share what they agree on. Of
registers the one seen later stands, of counters the greater amount.
HAZARD if they were named by the whole image: what one version has would be counted twice, or be
lost by the other's.
Limits: an image shows neither what it rests on nor who wrote it. Where a plain one takes the place
of a managed one, what the library wrote stands, unless the image shows that its writer saw that.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

from reconciler.causality.context import ADOPTED, FROM_PLAIN, NAMED_BY_PRESENCE, Dot
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, OutsideChange, Spec
from reconciler.crdt.register_lww import RegisterLww
from reconciler.item.filing import (
    changed_by,
    shown_in,
    state_at,
    with_names,
)
from reconciler.item.foreign import is_whole
from reconciler.item.leaves import (
    Declared,
    is_amount,
    is_shown,
    leaves_at,
    leaves_of,
    lineage_for_good,
    lineage_in_plain,
    plain_dot,
    types_of,
)
from reconciler.item.metadata import ALONE, encode, is_named, token_of, with_token
from reconciler.item.names import (
    last_to_touch,
    names_in,
    taken,
    types_of_names,
)
from reconciler.item.replaying import replayed
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.undoing import undone
from reconciler.values.wire import Image, Path, Wire, Wires, digest, to_json

_NO_NAME = "no name"
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
    """Return the item that a plain image shows, with types as `declared`; `seen` is when.

    What named writes did is theirs: of what they took the place of, nothing is known.
    """
    item = plain_base(image, key, declared, seen)
    return named_over(item, image, seen, declared) if is_named(image) else item


def named_over(
    item: ReplicatedItem, image: Mapping[str, Any], seen: Hlc | None, declared: Declared
) -> ReplicatedItem:
    """Return the item that a plain image is without its named writes, once they are filed."""
    names = names_in(image)

    def dot_of(change: OutsideChange) -> Dot:
        made_on = last_to_touch(names, change.path)
        on = made_on.dot.lineage if made_on else _NO_NAME
        return Dot(lineage_for_good(on, change), NAMED_BY_PRESENCE)

    return with_names(item, names, image, lambda _: dot_of, seen, declared)


def plain_base(
    image: Mapping[str, Any], key: Image, declared: Declared, seen: Hlc | None = None
) -> ReplicatedItem:
    """Return the item that a plain image showed before its named writes, with types as theirs."""
    names = names_in(image)
    types = types_of_names(names)

    def type_of(name: str) -> Spec | None:
        return declared(name) or types.get(name)

    held = undone(shown_in(image, key), names)
    may_replace = any(is_whole(edit) for name in names for edit, _ in name.done)
    was_there = [PLAIN_ITEM] if held or not names or may_replace else []  # else the names made it
    leaves, also = [*was_there, *leaves_of(held, type_of)], list(taken(names))
    also += [put_of(held)] if was_there else []
    return changed_by(ReplicatedItem(key), leaves, plain_dot, seen, type_of, also)


def names_alone(image: Mapping[str, Any], key: Image) -> Image:
    """Return an image of nothing but the named writes on a plain one, to be merged into another.

    What they were made on is left out: each region has that, and writers that name nothing may have
    changed it.
    """
    names = names_in(image)
    item = changed_by(
        ReplicatedItem(key), [], plain_dot, None, lambda _: None, also=list(taken(names))
    )
    alone = encode(replayed(item, names, shown_in(image, key), ""))
    return with_token(alone, ALONE + token_of(alone))


def stands_alone(managed: Wires) -> bool:
    """Return whether an image is one of named writes alone."""
    return token_of(managed).startswith(ALONE)


def before_names(image: Wires, key: Image) -> Image:
    """Return a plain image as it was before named writes, as far as it tells."""
    return {**key, **undone(shown_in(image, key), names_in(image))}


def is_made_of_names(image: Wires, key: Image) -> bool:
    """Return whether a plain image holds nothing but what named writes did."""
    return is_named(image) and before_names(image, key) == key


def version_over(
    item: ReplicatedItem, image: Mapping[str, Any], seen: Hlc | None, token: str, *, is_direct: bool
) -> ReplicatedItem:
    """Return a managed item once a plain version of it, made without its writes, is in it.

    What the version has in common with the plain item that the library wrote on first says nothing.
    An amount counts only if the image shows that its writer had not seen the library's.
    """
    held, shown = shown_in(image, item.key), item.shown()
    types = types_of(item, held)
    leaves = leaves_of(held, types)
    counts, by_library = _is_older(item, held), dict(library_states(item))
    # Where only plain images are in an item, the greater amount stands, whatever that rests on.
    is_direct = is_direct or is_only_plain(item)
    news = [
        leaf
        for leaf in leaves
        if plain_dot(leaf).lineage not in item.context.heads
        and not is_shown(leaf, shown)
        and not _is_of_library(item, leaf.path)
        and (not is_amount(leaf) or (is_direct and (counts or leaf.path[0] not in by_library)))
    ]
    return changed_by(
        item,
        news,
        plain_dot,
        seen,
        types,
        also=[PLAIN_ITEM, put_of(held), put_over(held, token), *leaves],
    )


def _is_of_library(item: ReplicatedItem, path: Path) -> bool:
    """Return whether a register holds what the library wrote: a version made without that is no
    later value, whatever the library found there before."""
    state = state_at(item, path)
    return isinstance(state, RegisterLww) and any(
        d.lineage.replica != ADOPTED for d in state.dots()
    )


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
    is_since = ADOPTED in item.context.watermarks or any(hlc != FROM_PLAIN for hlc in around)
    return Began.ON_PLAIN_AND_SINCE if is_since else Began.ON_PLAIN


def _has_seen(image: Mapping[str, Any], item: ReplicatedItem) -> bool:
    """Return whether a plain image shows something that the library wrote in the managed item."""
    held = shown_in(image, item.key)
    return any(
        name in held
        and state.visible() == held[name]
        and not knows_all(item, (name,), held[name], state)
        for name, state in library_states(item)
    )


def _is_older(item: ReplicatedItem, held: Image) -> bool:
    """Return whether something is as it was before the library wrote it.

    HAZARD if what is missing were such: a put that removes an attribute would count all amounts
    that it holds beside those that the library added.
    """
    return any(
        name in held
        and state.visible() != held[name]
        and knows_all(item, (name,), held[name], state)
        for name, state in library_states(item)
    )


def library_states(item: ReplicatedItem) -> Iterator[tuple[str, Crdt]]:
    """Yield the attributes that hold a write of the library."""
    for name, state in item.attributes.items():
        if any(dot.lineage.replica != ADOPTED for dot in state.dots()):
            yield name, state


def knows_all(item: ReplicatedItem, path: Path, value: Wire, state: Crdt) -> bool:
    """Return whether plain images showed all of a value, as a state of its type divides it."""
    leaves = leaves_at(path, value, state.spec())
    return all(plain_dot(leaf).lineage in item.context.heads for leaf in leaves)


def put_of(held: Image) -> OutsideChange:
    """Return that this was put, whole: what it leaves out is taken away under this name."""
    return OutsideChange((), f"put {digest(to_json(held).encode(), _PUT_WIDTH)}", None)


def knows_put(item: ReplicatedItem, image: Mapping[str, Any]) -> bool:
    """Return whether a plain image is known to an item: it began on it, or has it filed."""
    return lineage_in_plain(put_of(shown_in(image, item.key))) in item.context.heads


def is_only_plain(item: ReplicatedItem) -> bool:
    """Return whether an item is what one plain image shows, and nothing else.

    HAZARD if an item of which all is folded were taken for one: its loss would not be merged.
    """
    known = item.context
    return not known.watermarks and all(hlc == FROM_PLAIN for hlc in known.heads.values())


def put_over(held: Image, base: str) -> OutsideChange:
    """Return that it was filed over that image: filings over others differ from this one."""
    return OutsideChange((), f"over {base} {put_of(held).name}", None)
