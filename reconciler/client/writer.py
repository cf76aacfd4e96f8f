"""What every write of one client does: read, make the next image, send it, and again if refused.

A write that needs no reading goes by a name; all else is conditional on the image that it replaces.
A keyed write in doubt is made again on what stands then: with its key it counts once (K4).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reconciler.causality.context import Dot
from reconciler.causality.hlc import HybridClock
from reconciler.causality.keys import Once
from reconciler.client.editor import ItemEditor
from reconciler.client.keyed import Keyed
from reconciler.client.lost_answers import with_own_token
from reconciler.client.memory import Memory
from reconciler.client.named_writes import NamedWriter
from reconciler.client.sending import Retries, Sender, Surroundings
from reconciler.crdt.base import Edit
from reconciler.deployment.wiring import OutsideWriters
from reconciler.errors import OutcomeUnknown
from reconciler.item.image import read, write, write_beside
from reconciler.item.schema import Schema
from reconciler.item.standing import takes_names
from reconciler.ports import ItemStore, Replacement, Superseded
from reconciler.values.wire import Image, to_json

Key = Mapping[str, Any]
Change = Callable[[ItemEditor], None]
Onto = Callable[[Image | None], Image | None]
Unread = Callable[[Image | None], Sequence[Edit] | None]  # the edits, if they need no reading


@dataclass(frozen=True)
class Written:
    """An item after a write: its image, or None, and whether its key showed it as made before."""

    image: Image | None
    repeated: bool = False


class Writer:
    """Reads and writes a table's items for one client; see `ReplicatedTable`."""

    def __init__(  # noqa: PLR0913, PLR0917 (a client is all of these)
        self,
        schema: Schema,
        store: ItemStore,
        replica: Callable[[], str],
        clock: HybridClock,
        surroundings: Surroundings,
        retries: Retries,
        outside_writers: OutsideWriters,
    ) -> None:
        self.store = store
        self.sender = Sender(retries, surroundings)
        self._schema = schema
        self._replica = replica
        self._clock = clock
        self._fresh = surroundings.fresh
        self._beside_others = lanes = outside_writers == "expected"
        self.memory = Memory(clock.now, surroundings.process, keeps_to_lanes=lanes)
        around = replica, clock, self.sender, self.memory
        self._named = NamedWriter(schema, store, *around, beside_others=lanes)

    def editor(self, key: Key, image: Image | None) -> ItemEditor:
        """Return an editor of an item."""
        return ItemEditor(self._schema, read(image), key)

    def fetch(self, key: Key) -> Image | None:
        """Return the item as it is now."""
        return self.sender.answered(partial(self.store.get, self._schema.key_image(key)))[0]

    def remembered(self, key: Key) -> Image | None:
        """Return what this client wrote of an item last, where nobody writes around the library.

        HAZARD if it were written on beside others: no condition tells of what they did to it since,
        which would be gone from all readers until a detector has it put back.
        """
        return None if self._beside_others else self.memory.image(self.name(key))

    def name(self, key: Key) -> str:
        """Return what an item is called in the memory."""
        return to_json(self._schema.key_image(key))

    def keyed(self, once: str | Once | None, key: Key) -> Keyed:
        """Return a write's idempotency key, which it may not have; KeyExpired."""
        named = None if once is None else Once.of(once)
        if named is not None:
            self._hear_the_time(key)  # or a machine whose clock is off would judge its age
        keyed = Keyed(named, self._clock.now, self._schema.key_lifetime_minutes * 60_000)
        keyed.check()
        return keyed

    def next(
        self,
        key: Key,
        image: Image | None,
        edits: Sequence[Edit],
        keyed: Keyed,
        beside: Image | None = None,
    ) -> Image:
        """Return the image after edits by a writer that saw `image`, `beside` what stands now."""
        given: dict[str, Any] = {
            "edits": edits,
            "key": key,
            "schema": self._schema,
            "replica": self._replica(),
            "clock": self._clock,
            "once": keyed.lineage,
        }
        if beside is None:

            def goes_on(head: Dot) -> bool:
                return self.memory.goes_on(self.name(key), head)

            written = write(image, goes_on=goes_on, **given)
        else:
            written = write_beside(image, beside, **given)
        return with_own_token(written, self._fresh())

    def commit(
        self, key: Key, image: Image | None, written_on: Onto, unread: Unread, keyed: Keyed
    ) -> Any:
        """Write until it is done; once refused, by a name if the edits are `unread` ones."""
        with keyed.as_in_doubt():
            return self._committed(key, image, written_on, unread, keyed)

    def _committed(
        self, key: Key, image: Image | None, written_on: Onto, unread: Unread, keyed: Keyed
    ) -> Any:
        self._hear_the_time(key)
        name = self.name(key)
        for attempt in range(self.sender.retries.attempts):
            written = written_on(image)
            if written is None:
                return image
            self.memory.forget(name)  # until its answer is known, the write is in doubt
            refusal = self._put(key, Replacement(written, image), keyed)
            if refusal is None:
                self.memory.keep(name, written)
                return written
            image = refusal.current
            answer = self.write_named(key, unread(image) if takes_names(image) else None)
            if isinstance(answer, dict):
                return answer
            image = image if answer is None else answer.current
            self.sender.pause(attempt)
        raise keyed.doubt or self.sender.contention(str(dict(key)))

    def _put(self, key: Key, made: Replacement, keyed: Keyed) -> Superseded | None:
        keyed.check()
        try:
            return self.sender.put(self.store, made)
        except OutcomeUnknown as problem:
            keyed.note_doubt(problem)
            return Superseded(self.fetch(key))

    def write_named(self, key: Key, edits: Sequence[Edit] | None) -> Image | Superseded | None:
        """Return the item after a named write of edits; Superseded or None if there was none."""
        if not edits:
            return None
        self._hear_the_time(key)
        return self._named.write(self._schema.key_image(key), self.name(key), edits)

    def _hear_the_time(self, key: Key) -> None:
        if not self.sender.time_is_sure():
            self.memory.forget_all()  # a restored snapshot is a copy of the process that wrote
            self.fetch(key)  # any answer tells the time: a block may have been open for hours
