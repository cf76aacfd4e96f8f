"""The rules about writers that name their updates, broken one at a time; see `sabotage`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from reconciler.causality.context import is_code_of_names
from reconciler.causality.hlc import Hlc
from reconciler.conflict import classification, folding
from reconciler.crdt import register_lww
from reconciler.crdt.base import LocalWrite
from reconciler.crdt.register_lww import RegisterLww
from reconciler.item import filing, plain, restating, sightings
from reconciler.item import image as images
from reconciler.item.metadata import NAMES, decode, is_managed, is_named, token_of
from reconciler.item.names import Name
from reconciler.item.replicated import ReplicatedItem
from reconciler.ports import Restatement
from reconciler.resolution import resolver
from reconciler.simulation.world import items
from reconciler.values.wire import Image, Wire, Wires
from tests.simulation.sabotage import replacing


def names_on_plain_items_are_not_seen() -> AbstractContextManager[Any]:
    """Let a record be clean whose images have no metadata, whatever names stand in them (N4)."""
    return replacing(
        classification, "is_named", lambda real: lambda image: real(image) and is_managed(image)
    )


def names_are_not_seen() -> AbstractContextManager[Any]:
    """Let a record mean what it would if no named write stood in it (N4)."""
    return replacing(classification, "is_named", lambda _: lambda _: False)


def a_tip_survives_the_names_on_top() -> AbstractContextManager[Any]:
    """Let a writer go on with the tip of an image that others named writes in (N2)."""

    def make(real: Any) -> Any:
        def current(image: Image | None, *given: Any) -> ReplicatedItem:
            item: ReplicatedItem = real(image, *given)
            if not is_managed(image) or not is_named(image):
                return item
            return replace(item, tip=decode(image or {})[0].tip)

        return current

    return replacing(images, "_current", make)


def names_in_the_order_of_their_stamps() -> AbstractContextManager[Any]:
    """Let names be replayed by when they were drawn, not as DynamoDB carried them out (N1)."""

    def make(real: Any) -> Any:
        def replayed(
            item: ReplicatedItem, names: Sequence[Name], shown: Wires, basis: str
        ) -> ReplicatedItem:
            in_time = sorted(names, key=lambda name: (name.dot.hlc, name.dot))
            after: ReplicatedItem = real(item, in_time, shown, basis)
            return after

        return replayed

    stack = ExitStack()
    for module in (filing, plain, restating):
        stack.enter_context(replacing(module, "replayed", make))
    return stack


def a_replacement_blind_to_names() -> AbstractContextManager[Any]:
    """Let a whole image take the place of one that more was named in since it was read (N3)."""
    return replacing(items, "_names", lambda _: lambda _: None)


def a_named_register_without_rank() -> AbstractContextManager[Any]:
    """Let a named assignment rank by its stamp, though it took the place of a later one (N1)."""

    def make(real: Any) -> Any:
        def replaced_by(self: RegisterLww, value: Wire | None, write: LocalWrite) -> RegisterLww:
            after: RegisterLww = real(self, value, write)
            if is_code_of_names(write.dot.lineage.replica):
                return type(after)(after.entries)
            return after

        return replaced_by

    return replacing(RegisterLww, "replaced_by", make)


def names_folded_before_the_last_one_landed() -> AbstractContextManager[Any]:
    """Let named writes be folded as soon as conditional ones, though they land later (margin)."""
    return patch.object(folding, "NAMED_MARGIN_MS", folding.CLOCK_SKEW_MARGIN_MS)


def a_restated_image_is_another_one() -> AbstractContextManager[Any]:
    """Let what is done around the library be named by metadata that was stated anew (N5)."""
    return replacing(filing, "basis_of", lambda _: token_of)


def names_are_filed_all_at_once() -> AbstractContextManager[Any]:
    """Let names become metadata only if no other was added since they were read (N5)."""

    def make(real: Any) -> Any:
        def restate(self: Any, write: Restatement) -> bool:
            replica = self._replica
            current = self.release.read_image(replica.items.get(replica.name_of(write.image)))
            is_as_read = (current or {}).get(NAMES) == write.replacing.get(NAMES)
            return bool(is_as_read and real(self, write))

        return restate

    return replacing(items.SimulatedItems, "restate", make)


def names_filed_over_what_raw_writers_did() -> AbstractContextManager[Any]:
    """Let names become metadata although more was done to the item than they say (N5)."""
    return replacing(restating, "_is_touched", lambda _: lambda *_: False)


def a_raw_value_ranks_beside_a_named_one() -> AbstractContextManager[Any]:
    """Let a raw value stand over a named one by when it was seen, though it may be beneath (N1)."""
    stack = ExitStack()
    stack.enter_context(replacing(register_lww, "_is_named", lambda _: lambda _: False))
    # Two more locks on that door: such a value is not found lost, and is no part of a loss.
    stack.enter_context(replacing(sightings, "_is_by_name", lambda _: lambda _: False))
    stack.enter_context(_raw_values_are_merged_with_the_rest())
    return stack


def a_raw_value_ranks_by_its_loss_alone() -> AbstractContextManager[Any]:
    """Let a raw value rank above the library write to which it was lost (Q1)."""
    stack = ExitStack()
    stack.enter_context(replacing(resolver, "seen_at", lambda _: lambda at, _: Hlc.of(at)))
    stack.enter_context(_raw_values_are_merged_with_the_rest())  # a second lock on that door
    return stack


def _raw_values_are_merged_with_the_rest() -> AbstractContextManager[Any]:
    return replacing(resolver, "without_replaced", lambda _: lambda filed, *_: filed)
