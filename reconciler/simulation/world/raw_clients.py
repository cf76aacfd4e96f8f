"""The clients of one region that do not use the library: they write what they like, as they like.

Nothing is conditional and nothing names the write. A copy that is saved late rests on what was read
then, whatever it takes the place of; so does what is put without `_rec`. A refused expression and a
lost answer end as with any client.
"""

from collections.abc import Callable, Iterable, Mapping

from reconciler.errors import OutcomeUnknown, ReconcilerError
from reconciler.item.metadata import is_managed, is_tombstone_in, metadata_in
from reconciler.simulation.plan.plan import Operation
from reconciler.simulation.plan.raw import DELETE_ITEM, OWN_TTL, PUT, REPLACE, SAVE, UPDATE
from reconciler.simulation.world.causes import Causes, Origin, numbers
from reconciler.simulation.world.expressions import Refused, applied, without_metadata
from reconciler.simulation.world.history import Done
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls, Crash, Setting
from reconciler.values.wire import Image

Copy = tuple[Image | None, Origin]


def hold_from_before(
    items: Mapping[str, Image], causes: Causes, replicas: Iterable[SimulatedReplica]
) -> None:
    """Let all replicas hold items from before the run began."""
    for name, image in items.items():
        causes.note_image(image, Origin(0, "what was there before", "", 0))
        for replica in replicas:
            replica.items[name] = image


class RawClients:
    """All clients of one region that do not use the library."""

    def __init__(self, setting: Setting, replica: SimulatedReplica) -> None:
        self._setting = setting
        self._replica = replica
        self._copies: dict[int, Copy] = {}  # by operation

    def read(self, operation: Operation) -> None:
        """Keep a copy of the item as it is now, to save it later."""
        if not self._setting.is_gone(self._replica.region):
            self._copies[operation.number] = self._current(operation.key)

    def run(self, operation: Operation) -> Done:
        """Carry out an operation, and say how it ended."""
        setting = self._setting
        write = _Write(setting, self._replica, operation)
        if not setting.is_gone(self._replica.region):
            calls = Calls(setting, self._replica.region, f"operation {operation.number}")
            write.outcome = self._outcome(calls, write, operation)
        setting.journal.count(f"operations.{write.outcome}")
        setting.journal.count("raw_writes", write.times)
        if write.outcome != "acknowledged":
            setting.journal.note(
                operation.region,
                "fault",
                operation.key,
                fault="answer",
                operation=operation.number,
                outcome=write.outcome,
                applied=write.times,
            )
        return Done(
            operation,
            write.outcome,
            setting.agenda.now_ms,
            setting.wall_ms(operation.region),
            numbers(write.rested_on),
            applied=write.times > 0,
            over=write.over,
            copy=write.copy,
        )

    def _outcome(self, calls: Calls, write: "_Write", operation: Operation) -> str:
        try:
            calls.begin_write(operation.raw)
            current = self._current(operation.key)
            write.carry_out(current, self._copies.get(operation.number, current))
            calls.end_write(operation.raw)
        except (OutcomeUnknown, Crash):
            return "unknown"
        except (ReconcilerError, Refused):
            return "refused"
        return "acknowledged"

    def _current(self, name: str) -> Copy:
        return self._replica.items.get(name), self._replica.origin_of(name)


class _Write:
    """One operation: what it took the place of, what it rested on, and how often it was made."""

    def __init__(self, setting: Setting, replica: SimulatedReplica, operation: Operation) -> None:
        self.outcome = "refused"
        self.rested_on = 0
        self.times = 0
        self.over = ""
        self.copy = ""
        self._setting = setting
        self._replica = replica
        self._operation = operation

    def carry_out(self, current: Copy, read: Copy) -> None:
        """Carry out the call on the current item, by a client that read a copy of it."""
        self.over, self.copy = _kind(current[0]), _kind(read[0])
        calls: dict[str, Callable[[Copy, Copy], None]] = {
            UPDATE: lambda now, _: self._update(now),
            PUT: lambda now, copy: self._put((without_metadata(copy[0]), copy[1]), now),
            SAVE: lambda now, copy: self._put((copy[0] or {}, copy[1]), now),
            DELETE_ITEM: lambda now, _: self._delete(now),
            OWN_TTL: lambda now, _: self._delete(now, by_ttl=True),
            REPLACE: self._replace,
        }
        calls[self._operation.raw](current, read)

    def _update(self, current: Copy) -> None:
        if current[0] is None and all(edit.verb == "remove" for edit in self._operation.edits):
            return  # removing from what is not there makes no item
        self._put((current[0] or {}, current[1]), current)

    def _put(self, copy: Copy, current: Copy) -> None:
        name = self._operation.key
        key: Image = {part: {"S": name} for part in self._replica.key_of(name)}
        edits = self._operation.edits
        image = {**key, **applied(copy[0] or {}, edits, with_maps=True)}
        self.rested_on = copy[1].rests_on
        self.times += 1
        mask = copy[1].rests_on | 1 << self._operation.number
        self._replica.write(name, image, self._origin(mask))
        self._tell(image, current[1])

    def _delete(self, current: Copy, *, by_ttl: bool = False) -> None:
        self.rested_on = current[1].rests_on
        self.times += 1
        self._replica.remove(self._operation.key, self._origin(0), by_ttl=by_ttl)
        self._tell(None, current[1])

    def _replace(self, current: Copy, read: Copy) -> None:
        self._delete(current)
        nothing: Copy = (None, self._setting.causes.of(None))
        self._put((without_metadata(read[0]), read[1]), nothing)
        self.times = 1

    def _tell(self, image: Image | None, over: Origin) -> None:
        self._setting.journal.note(
            self._replica.region,
            "raw",
            self._operation.key,
            operation=self._operation.number,
            call=self._operation.raw,
            token=self._setting.causes.name(image),
            over=over.label,
        )

    def _origin(self, mask: int) -> Origin:
        label = f"operation {self._operation.number}"
        return Origin(mask, label, self._replica.region, self._setting.agenda.now_ms)


def _kind(image: Image | None) -> str:
    if image is None:
        return "nothing"
    if not is_managed(image):
        return "plain"
    return "tombstone" if is_tombstone_in(metadata_in(image)) else "managed"
