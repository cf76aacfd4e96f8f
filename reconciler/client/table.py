"""ReplicatedTable: the write client. One write for each edit, and nothing forgotten.

What needs no reading is a named update, which no other writer gets in the way of. All else is a
conditional write: replayed on the newer image when another writer was first, without a second read;
attempts are bounded. A write whose answer was lost is settled by looking for its dot. Readers see
plain values and no tombstones.

    with table.edit({"id": "p1"}) as party:
        party["name"] = "Ada"
        party.increment("loyalty", 5)

Errors: InvalidInput and ItemTooLarge before anything is sent; Contention, Unavailable (nothing was
written); OutcomeUnknown (it may have been: do not repeat it, but with an idempotency key, which
counts once wherever it is repeated); KeyExpired, KeyReused.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from reconciler.causality.hlc import HybridClock
from reconciler.causality.keys import Once
from reconciler.client.at_once import carried_out_at_once
from reconciler.client.blind import blind_edits
from reconciler.client.editor import ItemEditor
from reconciler.client.queries import found
from reconciler.client.sending import Retries, Surroundings
from reconciler.client.transacting import check_items, transacted
from reconciler.client.writer import Change, Key, Onto, Writer, Written
from reconciler.crdt.base import Edit
from reconciler.deployment.wiring import OutsideWriters
from reconciler.item.image import read
from reconciler.item.schema import Schema
from reconciler.ports import ItemStore, KeyedEdit, NewItems
from reconciler.values.wire import Image


class ReplicatedTable:
    """One region's replica of a table, read and written as plain values.

    `replica` is asked, before each stamp is drawn, which replica it is. `outside_writers` says
    whether anybody writes the table around the library; "none" saves lineages where many processes
    write one item.
    """

    def __init__(  # noqa: PLR0913 (a client is all of these, by name)
        self,
        schema: Schema,
        store: ItemStore,
        *,
        replica: Callable[[], str],
        clock: HybridClock,
        surroundings: Surroundings,
        retries: Retries = Retries(),  # noqa: B008 (it is frozen)
        outside_writers: OutsideWriters = "expected",
    ) -> None:
        self._schema = schema
        self._store = store
        self._clock = clock
        around = replica, clock, surroundings, retries, outside_writers
        self._writer = Writer(schema, store, *around)

    @property
    def clock_drift_ms(self) -> int:
        """How far this client's latest stamp lies ahead of its wall clock.

        More than clocks may drift apart means that a stamp from the far future was read: writes
        go on beyond it, and the conflicts of its item are parked for a person.
        """
        return self._clock.drift_ms()

    @property
    def clock_off_ms(self) -> int:
        """How far this machine's clock is ahead of its region's time; writes follow the latter."""
        return self._writer.sender.clock_off_ms()

    def get(self, key: Key) -> dict[str, Any] | None:
        """Return the item as plain values, read consistently in this region, or None."""
        return read(self.image(key))

    def image(self, key: Key) -> Image | None:
        """Return the item's image, metadata included, read consistently in this region, or None."""
        return self._writer.fetch(key)

    def query(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield items as plain values, page after page, tombstones left out.

        Parameters are those of DynamoDB's Query, in plain values:
        `query(KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": "p1"})`.
        InvalidInput for what hides whether an item is deleted, such as a projection.
        """
        return found(self._store, self._schema, parameters)

    @contextmanager
    def edit(self, key: Key, *, once: str | Once | None = None) -> Iterator[ItemEditor]:
        """Read the item, let the caller edit it, and write the edits when the block ends.

        Should another writer be first, its write counts as concurrent with the block: edits that
        mean the same anywhere are applied to the newer item, others leave alone what the block has
        not seen (W8), as if the two had been made in two regions. With an idempotency key, `once`,
        nothing is written if the key was carried out before, here or in another region.
        """
        keyed = self._writer.keyed(once, key)
        seen = self._writer.fetch(key)
        editor = self._writer.editor(key, seen)
        yield editor
        edits = editor.finished()

        def is_anywhere(current: Image | None) -> bool:
            return editor.is_blind() and (read(seen) is None or read(current) is not None)

        def written_on(current: Image | None) -> Image | None:
            if keyed.is_done(current) or not (edits or keyed.is_unspent(current)):
                return None
            if current is None or current is seen or is_anywhere(current):
                return self._writer.next(key, current, edits, keyed)
            return self._writer.next(key, seen, edits, keyed, beside=current)

        def unread(current: Image | None) -> Sequence[Edit] | None:
            return edits if keyed.lineage is None and is_anywhere(current) else None

        self._writer.commit(key, seen, written_on, unread, keyed)

    def apply(
        self, key: Key, change: Change, onto: Onto | None = None, *, once: str | Once | None = None
    ) -> dict[str, Any] | None:
        """Edit the item with `change(item)` and return it as written, in plain values.

        All else is as `carry_out` says.
        """
        return read(self.carry_out(key, change, onto, once=once).image)

    def carry_out(
        self, key: Key, change: Change, onto: Onto | None = None, *, once: str | Once | None = None
    ) -> Written:
        """Edit the item with `change(item)` and return its image as written.

        `change` may run several times, each time on the newest image, so it must do nothing else.
        It is one round trip if it looks at nothing, or, with no outside writers, on a known item.
        `onto` is given each image before the change is made, read afresh: to merge something into
        it in the same write, or to refuse it by an error. With an idempotency key, `once`, nothing
        is written if the key was carried out before, here or in another region.
        """
        keyed = self._writer.keyed(once, key)

        def unread(_: Image | None = None) -> Sequence[Edit] | None:
            is_free = onto is None and keyed.lineage is None
            return blind_edits(change, self._schema, key) if is_free else None

        beneath = onto or _as_it_is

        def edits_on(image: Image | None) -> list[Edit]:
            if keyed.is_done(image):
                return []
            editor = self._writer.editor(key, beneath(image))
            change(editor)
            return editor.finished()

        def written_on(image: Image | None) -> Image | None:
            edits = edits_on(image)
            is_made = edits or keyed.is_unspent(image)
            return self._writer.next(key, beneath(image), edits, keyed) if is_made else None

        # What `onto` looks at must be fresh: no condition tells of a write around the library.
        image = self._remembered(key, edits_on) if onto is None else None
        if image is None:
            answer = self._writer.write_named(key, unread())
            if isinstance(answer, dict):
                return Written(answer)
            image = self._writer.fetch(key) if answer is None else answer.current
        image = self._writer.commit(key, image, written_on, unread, keyed)
        return Written(image, repeated=keyed.is_found)

    def _remembered(self, key: Key, edits_on: Callable[[Image | None], list[Edit]]) -> Image | None:
        """Return what this client wrote last of an item, if there is anything to be done on it.

        Doing nothing, or refusing to, counts only on a fresh image: no condition tells that the
        remembered one is stale.
        """
        image = self._writer.remembered(key)
        try:
            return image if image is not None and edits_on(image) else None
        except Exception:  # whatever it was, it is raised again on a fresh image
            return None

    def carry_out_at_once(
        self, items: NewItems, edits: Sequence[KeyedEdit]
    ) -> list[Written | None]:
        """Edit up to 100 different items, each by itself, those that are new in batches.

        Return the image of each as written, in order. None stands for an edit that is left to
        `carry_out`, because its item is there already, or may be.
        """
        return carried_out_at_once(self._writer, self._schema, items, edits)

    def transact(
        self, changes: Sequence[tuple[Key, Change]], *, once: str | Once | None = None
    ) -> list[Written]:
        """Edit several items of this region in one transaction: all of them or none.

        Return their images, in order. At most 100 items, each named once. Other regions may see
        the items one by one, so there a repetition with the key `once` edits those that do not
        show it yet.
        """
        check_items(self._writer, changes)
        return transacted(self._writer, changes, self._writer.keyed(once, changes[0][0]))


def _as_it_is(image: Image | None) -> Image | None:
    return image
