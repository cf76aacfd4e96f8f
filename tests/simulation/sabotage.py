"""Single rules of the protocol, broken one at a time from outside: each must be caught.

Every sabotage is a context manager that replaces a function of the product while it is
open; the product has no switch for it. `test_sabotage` says as what each is caught, and by when.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

from reconciler.causality import hlc
from reconciler.causality.context import Dot, Lineage
from reconciler.causality.hlc import Hlc, Stamp, fixed_width
from reconciler.client import sending, writer
from reconciler.client.editor import ItemEditor
from reconciler.conflict.row import State
from reconciler.crdt.counter_pn import CounterPn, exact_sum
from reconciler.errors import Contention
from reconciler.item.metadata import decode, encode, is_managed, key_names_in, reading
from reconciler.resolution import repair, resolver
from reconciler.simulation.world import replica
from reconciler.values.wire import Image


def replacing(owner: Any, name: str, make: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """Replace `owner.name` by what `make` returns, given the real one."""
    return patch.object(owner, name, make(getattr(owner, name)))


# Writers


def lineage_goes_on_after_a_foreign_write() -> AbstractContextManager[Any]:
    """Let a writer extend its replica's youngest lineage, whoever wrote the image (W1)."""

    def make(real: Any) -> Any:
        def write(before: Image | None, *given: Any, **named: Any) -> Image:
            if before is not None and is_managed(before):
                item, changed = decode(before)
                own = [each for each in item.context.heads if each.replica == named["replica"]]
                if own and not changed:
                    before = encode(replace(item, tip=max(own)))
            return dict(real(before, *given, **named))

        return write

    return replacing(writer, "write", make)


def a_block_is_written_on_whatever_stands() -> AbstractContextManager[Any]:
    """Let a block take back what was written since it was opened (W8)."""
    return replacing(ItemEditor, "is_blind", lambda _: lambda _: True)


def a_replica_made_anew_is_taken_for_the_old() -> AbstractContextManager[Any]:
    """Let a replica that is made anew have the code of the one before it (W7)."""
    return replacing(replica, "replica_id", lambda real: lambda region, _="": real(region))


def one_lineage_for_each_region() -> AbstractContextManager[Any]:
    """Let a replica have one lineage for ever, so that actors are regions (W1)."""

    def make(real: Any) -> Any:
        def stamp(self: Any, seen: str | None) -> Stamp:
            return Stamp(real(self, seen).hlc, "0" * hlc.EPOCH_WIDTH)

        return stamp

    return replacing(hlc.HybridClock, "stamp", make)


def one_counter_slot_for_each_region() -> AbstractContextManager[Any]:
    """Let a counter add to its replica's slot instead of its lineage's."""

    def make(_: Any) -> Any:
        def adding(self: CounterPn, amount: Any, dot: Dot, _: Any) -> CounterPn:
            own = [held for held in self.slots if held.lineage.replica == dot.lineage.replica]
            total = exact_sum(iter([amount, *(self.slots[held] for held in own)]))
            kept = {held: n for held, n in self.slots.items() if held not in own}
            return replace(self, slots={**kept, dot: total})

        return adding

    return replacing(CounterPn, "_add", make)


def a_local_write_without_condition() -> AbstractContextManager[Any]:
    """Let a write replace whatever is there (W3)."""

    def make(real: Any) -> Any:
        def put(self: Any, store: Any, write: Any) -> Any:
            key = {name: write.image[name] for name in reading(write.image, key_names_in)}
            return real(self, store, replace(write, replacing=store.get(key)))

        return put

    return replacing(sending.Sender, "put", make)


def a_write_in_doubt_is_made_again() -> AbstractContextManager[Any]:
    """Let a write whose answer was lost be made anew on the newer image (W4)."""

    def make(_: Any) -> Any:
        def put(self: Any, store: Any, write: Any) -> Any:
            return self.answered(lambda: store.put(write), write)[0]

        return put

    return replacing(sending.Sender, "put", make)


def stamps_below_what_was_seen() -> AbstractContextManager[Any]:
    """Let a clock ignore the stamps in the item (W2)."""

    def make(real: Any) -> Any:
        return lambda self, _: real(self, None)

    return replacing(hlc.HybridClock, "stamp", make)


# Merge and resolve


def tip_survives_a_merge() -> AbstractContextManager[Any]:
    """Let a merge keep the tip of the current image (M2, M3)."""

    def make(real: Any) -> Any:
        def merge(current: Image, lost: Image) -> Image:
            merged = decode(real(current, lost))[0]
            return encode(replace(merged, tip=decode(current)[0].tip))

        return merge

    return replacing(repair, "merge", make)


def merge_spends_a_dot() -> AbstractContextManager[Any]:
    """Let every merge stamp its time: equal merges in two regions are different bytes (M1)."""
    clock = count(1)

    def make(real: Any) -> Any:
        def repaired_image(*given: Any, **named: Any) -> Image | None:
            merged = real(*given, **named)
            if merged is None:
                return None
            item = decode(merged)[0]
            lineage = Lineage.of("merge", fixed_width(next(clock), hlc.EPOCH_WIDTH))
            dot = Dot(lineage, item.context.latest() or Hlc.of(0))
            return encode(replace(item, context=item.context.with_dot(dot)))

        return repaired_image

    return replacing(resolver, "repaired_image", make)


def merge_prefers_its_own_side() -> AbstractContextManager[Any]:
    """Let the attributes of the current image stand against concurrent ones: no order (M1)."""

    def make(real: Any) -> Any:
        def merge(current: Image, lost: Image) -> Image:
            merged, mine = decode(real(current, lost))[0], decode(current)[0]
            return encode(replace(merged, attributes={**merged.attributes, **mine.attributes}))

        return merge

    return replacing(repair, "merge", make)


def merge_into_the_winner_of_the_event() -> AbstractContextManager[Any]:
    """Let the resolver merge into what the event shows instead of the current image."""
    stack = ExitStack()
    winners: list[Image | None] = []

    def settle(real: Any) -> Any:
        def settled(self: Any, group: Sequence[Any]) -> Any:
            winners[:] = [group[0].event.winner]
            return real(self, group)

        return settled

    def merged(real: Any) -> Any:
        def repaired_image(current: Image | None, lost: Sequence[Image], **named: Any) -> Any:
            return real(winners[0] or current, lost, **named)

        return repaired_image

    stack.enter_context(replacing(resolver.Resolver, "_repair", settle))
    stack.enter_context(replacing(resolver, "repaired_image", merged))
    return stack


def an_item_that_moved_on_counts_as_repaired() -> AbstractContextManager[Any]:
    """Let the resolver close a loss without merging if the item is not the winner any more."""

    def make(real: Any) -> Any:
        def settle(self: Any, group: Sequence[Any]) -> Any:
            event = group[0].event
            current = self._ports.items.get(event.key)
            if event.winner is not None and current != event.winner:
                return resolver.Resolution(State.RESOLVED)
            return real(self, group)

        return settle

    return replacing(resolver.Resolver, "_repair", make)


def given_up_counts_as_done() -> AbstractContextManager[Any]:
    """Let the resolver close a loss although its write-back was refused to the last."""

    def make(real: Any) -> Any:
        def settle(self: Any, group: Sequence[Any]) -> Any:
            try:
                return real(self, group)
            except Contention:
                return resolver.Resolution(State.RESOLVED)

        return settle

    return replacing(resolver.Resolver, "_repair", make)
