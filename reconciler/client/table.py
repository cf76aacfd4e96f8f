"""ReplicatedTable: the write client. One write for each edit, and nothing forgotten.

What needs no reading is a named update, which no other writer gets in the way of. All else is a
conditional write: replayed on the newer image when another writer was first, without a second read;
attempts are bounded. A write whose answer was lost is settled by looking for its dot. Readers see
plain values and no tombstones.

    with table.edit({"id": "p1"}) as party:
        party["name"] = "Ada"
        party.increment("loyalty", 5)

Errors: InvalidInput and ItemTooLarge before anything is sent; Contention, Unavailable (nothing was
written); OutcomeUnknown (it may have been: do not repeat it).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from reconciler.causality.hlc import HybridClock
from reconciler.client.blind import blind_edits
from reconciler.client.editor import ItemEditor
from reconciler.client.lost_answers import with_own_token
from reconciler.client.memory import Memory
from reconciler.client.named_writes import NamedWriter
from reconciler.client.queries import found
from reconciler.client.sending import Retries, Sender, Surroundings
from reconciler.crdt.base import Edit
from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import InvalidInput
from reconciler.item.image import read, write, write_beside
from reconciler.item.schema import Schema
from reconciler.item.standing import takes_names
from reconciler.ports import ItemStore, Replacement, Superseded
from reconciler.values.wire import Image, to_json

Key = Mapping[str, Any]
Change = Callable[[ItemEditor], None]
Onto = Callable[[Image | None], Image | None]
Unread = Callable[[Image | None], Sequence[Edit] | None]  # the edits, if they need no reading


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
        self._replica = replica
        self._clock = clock
        self._sender = Sender(retries, surroundings)
        self._fresh = surroundings.fresh
        lanes = outside_writers == "expected"
        self._memory = Memory(clock.now, surroundings.process, keeps_to_lanes=lanes)
        around = replica, clock, self._sender, self._memory
        self._named = NamedWriter(schema, store, *around, beside_others=lanes)

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
        return self._sender.clock_off_ms()

    def get(self, key: Key) -> dict[str, Any] | None:
        """Return the item as plain values, read consistently in this region, or None."""
        return read(self._fetch(key))

    def query(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield items as plain values, page after page, tombstones left out.

        Parameters are those of DynamoDB's Query, in plain values:
        `query(KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": "p1"})`.
        InvalidInput for what hides whether an item is deleted, such as a projection.
        """
        return found(self._store, self._schema, parameters)

    @contextmanager
    def edit(self, key: Key) -> Iterator[ItemEditor]:
        """Read the item, let the caller edit it, and write the edits when the block ends.

        Should another writer be first, its write counts as concurrent with the block: edits that
        mean the same anywhere are applied to the newer item, others leave alone what the block has
        not seen (W8), as if the two had been made in two regions.
        """
        seen = self._fetch(key)
        editor = self._editor(key, seen)
        yield editor
        edits = editor.finished()

        def is_anywhere(current: Image | None) -> bool:
            return editor.is_blind() and (read(seen) is None or read(current) is not None)

        def written_on(current: Image | None) -> Image | None:
            if not edits:
                return None
            if current is None or current is seen or is_anywhere(current):
                return self._next(key, current, edits)
            return self._next(key, seen, edits, beside=current)

        self._commit(key, seen, written_on, lambda current: edits if is_anywhere(current) else None)

    def apply(self, key: Key, change: Change, onto: Onto | None = None) -> dict[str, Any] | None:
        """Edit the item with `change(item)` and return it as written.

        `change` may run several times, each time on the newest image, so it must do nothing else.
        It is one round trip if this client saw the item before, or if the change looks at nothing.
        `onto` merges something into each image before the change is made, in the same write.
        """

        def unread(_: Image | None = None) -> Sequence[Edit] | None:
            return blind_edits(change, self._schema, key) if onto is None else None

        def beneath(image: Image | None) -> Image | None:
            return image if onto is None else onto(image)

        def edits_on(image: Image | None) -> list[Edit]:
            editor = self._editor(key, beneath(image))
            change(editor)
            return editor.finished()

        def written_on(image: Image | None) -> Image | None:
            edits = edits_on(image)
            return self._next(key, beneath(image), edits) if edits else None

        remembered = self._memory.image(self._name(key))
        if remembered is not None:
            try:
                # Doing nothing, or refusing to, counts only on a fresh image: no condition tells
                # that the remembered one is stale.
                if not edits_on(remembered):
                    remembered = None
            except Exception:  # whatever it was, it is raised again on a fresh image
                remembered = None
        if remembered is not None:
            return read(self._commit(key, remembered, written_on, unread))
        answer = self._write_named(key, unread())
        if isinstance(answer, dict):
            return read(answer)
        image = self._fetch(key) if answer is None else answer.current
        return read(self._commit(key, image, written_on, unread))

    def transact(self, changes: Sequence[tuple[Key, Change]]) -> None:
        """Edit several items of this region in one transaction: all of them or none.

        At most 100 items, each named once. Other regions may see the items one by one.
        """
        names = [self._name(key) for key, _ in changes]
        if len(set(names)) < len(names) or not 1 <= len(names) <= 100:
            raise InvalidInput("a transaction edits 1 to 100 items, each of them once")
        images = [self._fetch(key) for key, _ in changes]
        for attempt in range(self._sender.retries.attempts):
            writes: dict[int, Replacement] = {}
            for index, (key, change) in enumerate(changes):
                editor = self._editor(key, images[index])
                change(editor)
                if edits := editor.finished():
                    image = self._next(key, images[index], edits)
                    writes[index] = Replacement(image, images[index])
            if not writes:
                return
            send = partial(self._store.put_all, tuple(writes.values()))
            refusals, _ = self._sender.answered(send, *writes.values())
            if refusals is None:
                for index, write in writes.items():
                    self._memory.keep(names[index], write.image)
                return
            for index, refusal in zip(writes, refusals, strict=True):
                if refusal is not None:
                    images[index] = refusal.current
            self._sender.pause(attempt)
        raise self._sender.contention(f"one of {len(names)} items")

    def _editor(self, key: Key, image: Image | None) -> ItemEditor:
        return ItemEditor(self._schema, read(image), key)

    def _fetch(self, key: Key) -> Image | None:
        return self._sender.answered(partial(self._store.get, self._schema.key_image(key)))[0]

    def _next(
        self, key: Key, image: Image | None, edits: Sequence[Edit], beside: Image | None = None
    ) -> Image:
        by = {"schema": self._schema, "replica": self._replica(), "clock": self._clock}
        given: dict[str, Any] = {"edits": edits, "key": key, **by}
        if beside is None:
            goes_on = partial(self._memory.goes_on, self._name(key))
            written = write(image, goes_on=goes_on, **given)
        else:
            written = write_beside(image, beside, **given)
        return with_own_token(written, self._fresh())

    def _commit(self, key: Key, image: Image | None, written_on: Onto, unread: Unread) -> Any:
        """Write until it is done; once refused, by a name if the edits are `unread` ones."""
        self._hear_the_time(key)
        name = self._name(key)
        for attempt in range(self._sender.retries.attempts):
            written = written_on(image)
            if written is None:
                return image
            self._memory.forget(name)  # until its answer is known, the write is in doubt
            refusal = self._sender.put(self._store, Replacement(written, image))
            if refusal is None:
                self._memory.keep(name, written)
                return written
            image = refusal.current
            answer = self._write_named(key, unread(image) if takes_names(image) else None)
            if isinstance(answer, dict):
                return answer
            image = image if answer is None else answer.current
            self._sender.pause(attempt)
        raise self._sender.contention(str(dict(key)))

    def _write_named(self, key: Key, edits: Sequence[Edit] | None) -> Image | Superseded | None:
        """Return the item after a named write of edits; Superseded or None if there was none."""
        if not edits:
            return None
        self._hear_the_time(key)
        return self._named.write(self._schema.key_image(key), self._name(key), edits)

    def _hear_the_time(self, key: Key) -> None:
        if not self._sender.time_is_sure():
            self._memory.forget_all()  # a restored snapshot is a copy of the process that wrote
            self._fetch(key)  # any answer tells the time: a block may have been open for hours

    def _name(self, key: Key) -> str:
        return to_json(self._schema.key_image(key))
