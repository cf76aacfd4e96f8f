"""ReplicatedTable: the write client. One conditional write for each edit, and nothing forgotten.

Behaviour: an edit is replayed on the newer image when another writer was first, without a second
read; attempts are bounded. A write whose answer was lost is settled by looking for its dot. Readers
see plain values and no tombstones.

    with table.edit({"id": "p1"}) as party:
        party["name"] = "Ada"
        party.increment("loyalty", 5)

Errors: InvalidInput and ItemTooLarge before anything is sent; Contention, Unavailable (nothing was
written); OutcomeUnknown (it may have been: do not repeat it).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from reconciler.causality.hlc import HybridClock
from reconciler.client.editor import ItemEditor
from reconciler.client.lost_answers import carried_out, unsettled, with_own_token
from reconciler.crdt.base import Edit
from reconciler.errors import Contention, InvalidInput, OutcomeUnknown, Unavailable
from reconciler.item.image import read, write
from reconciler.item.schema import Schema
from reconciler.ports import ItemStore, Replacement, Superseded
from reconciler.values.wire import Image, canonical_image, to_json, to_wire

Key = Mapping[str, Any]
Change = Callable[[ItemEditor], None]
Answer = TypeVar("Answer")
ATTEMPTS = 10
REMEMBERED_ITEMS = 1_000
_HIDING = {"AttributesToGet", "ProjectionExpression", "Select"}
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 1.0


class ReplicatedTable:
    """One region's replica of a table, read and written as plain values.

    `sleep` takes seconds; `draw` returns a random number in [0, 1).
    """

    def __init__(  # noqa: PLR0913 (a client is all of these, by name)
        self,
        schema: Schema,
        store: ItemStore,
        *,
        replica: str,
        clock: HybridClock,
        sleep: Callable[[float], None],
        draw: Callable[[], float],
    ) -> None:
        self._schema = schema
        self._store = store
        self._replica = replica
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self._seen: OrderedDict[str, Image] = OrderedDict()

    @property
    def clock_drift_ms(self) -> int:
        """How far this client's latest stamp lies ahead of its wall clock.

        More than clocks may drift apart means that a stamp from the far future was read: writes
        go on beyond it, and the conflicts of its item are parked for a person.
        """
        return self._clock.drift_ms()

    def get(self, key: Key) -> dict[str, Any] | None:
        """Return the item as plain values, read consistently in this region, or None."""
        return read(self._fetch(key))

    def query(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield items as plain values, page after page, tombstones left out.

        Parameters are those of DynamoDB's Query, in plain values:
        `query(KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": "p1"})`.
        Whole items only: without its metadata a deleted item cannot be told from a live one.
        """
        for name in _HIDING & parameters.keys():
            raise InvalidInput(f"query: {name} hides the metadata; choose attributes afterwards")
        values = parameters.get("ExpressionAttributeValues")
        if values:
            wires = {name: to_wire(value, (name,)) for name, value in values.items()}
            parameters = {**parameters, "ExpressionAttributeValues": wires}
        for image in self._store.query(parameters):
            plain = read(image)
            if plain is not None:
                yield plain

    @contextmanager
    def edit(self, key: Key) -> Iterator[ItemEditor]:
        """Read the item, let the caller edit it, and write the edits when the block ends.

        Should another writer be first, the edits, not the block, are applied to the newer item.
        """
        image = self._fetch(key)
        editor = self._editor(image)
        yield editor
        self._commit(key, image, lambda _: editor.edits)

    def apply(self, key: Key, change: Change) -> dict[str, Any] | None:
        """Edit the item with `change(item)` and return it as written.

        `change` may run several times, each time on the newest image, so it must do nothing else.
        The item is not read if this client saw it before: then an edit is one round trip.
        """

        def edits_on(image: Image | None) -> list[Edit]:
            editor = self._editor(image)
            change(editor)
            return editor.edits

        remembered = self._seen.get(_name(key))
        if remembered is not None:
            try:
                # Doing nothing, or refusing to, counts only on a fresh image: no condition tells
                # that the remembered one is stale.
                if not edits_on(remembered):
                    remembered = None
            except Exception:  # whatever it was, it is raised again on a fresh image
                remembered = None
        image = remembered if remembered is not None else self._fetch(key)
        return read(self._commit(key, image, edits_on))

    def transact(self, changes: Sequence[tuple[Key, Change]]) -> None:
        """Edit several items of this region in one transaction: all of them or none.

        At most 100 items, each named once. Other regions may see the items one by one.
        """
        names = [_name(key) for key, _ in changes]
        if len(set(names)) < len(names) or not 1 <= len(names) <= 100:
            raise InvalidInput("a transaction edits 1 to 100 items, each of them once")
        images = [self._fetch(key) for key, _ in changes]
        for attempt in range(ATTEMPTS):
            writes: dict[int, Replacement] = {}
            for index, (key, change) in enumerate(changes):
                editor = self._editor(images[index])
                change(editor)
                if editor.edits:
                    image = self._next(key, images[index], editor.edits)
                    writes[index] = Replacement(image, images[index])
            if not writes:
                return
            send = partial(self._store.put_all, tuple(writes.values()))
            refusals, _ = self._answered(send, *writes.values())
            if refusals is None:
                return
            for index, refusal in zip(writes, refusals, strict=True):
                if refusal is not None:
                    images[index] = refusal.current
            self._pause(attempt)
        raise Contention(f"one of {len(names)} items changed in each of {ATTEMPTS} attempts")

    def _editor(self, image: Image | None) -> ItemEditor:
        return ItemEditor(self._schema, read(image))

    def _fetch(self, key: Key) -> Image | None:
        return self._answered(partial(self._store.get, _wires(key)))[0]

    def _next(self, key: Key, image: Image | None, edits: Sequence[Edit]) -> Image:
        written = write(
            image, edits, key=key, schema=self._schema, replica=self._replica, clock=self._clock
        )
        return with_own_token(written, self._draw())

    def _commit(
        self, key: Key, image: Image | None, edits_on: Callable[[Image | None], Sequence[Edit]]
    ) -> Image | None:
        for attempt in range(ATTEMPTS):
            edits = edits_on(image)
            if not edits:
                return image
            written = self._next(key, image, edits)
            refusal = self._put(Replacement(written, image))
            if refusal is None:
                self._remember(key, written)
                return written
            image = refusal.current
            self._pause(attempt)
        self._seen.pop(_name(key), None)
        raise Contention(f"{dict(key)} changed in each of {ATTEMPTS} attempts; nothing was written")

    def _put(self, write: Replacement) -> Superseded | None:
        refusal, doubtful = self._answered(partial(self._store.put, write), write)
        if refusal is None or carried_out(write, refusal.current):
            return None
        if doubtful:
            raise unsettled(write)
        return refusal

    def _answered(self, send: Callable[[], Answer], *writes: Replacement) -> tuple[Answer, bool]:
        """Return the answer, and whether an earlier try may have been carried out.

        Each try sends the same images under the same conditions, so at most one takes effect.
        """
        doubtful = False
        for attempt in range(ATTEMPTS):
            try:
                return send(), doubtful
            except OutcomeUnknown:
                doubtful = True
            except Unavailable:
                if attempt == ATTEMPTS - 1 and not doubtful:
                    raise
            self._pause(attempt)
        raise unsettled(*writes)

    def _remember(self, key: Key, image: Image) -> None:
        self._seen.pop(_name(key), None)
        self._seen[_name(key)] = image
        if len(self._seen) > REMEMBERED_ITEMS:
            self._seen.popitem(last=False)

    def _pause(self, attempt: int) -> None:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
        self._sleep(longest * self._draw())


def _wires(key: Key) -> Image:
    return canonical_image({name: to_wire(value, (name,)) for name, value in key.items()})


def _name(key: Key) -> str:
    return to_json(_wires(key))
