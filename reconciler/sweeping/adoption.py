"""Adoption of a whole table: each plain item gets its metadata, and nothing a writer does is lost.

An item is stamped in one region, always the same of a table, and only while all replicas show the
same of it; it must then be just as it was read. So whoever runs at once, in whatever region, stamps
the same bytes in one place, and a run that was killed is simply started again.
HAZARD if a replica were behind: it would take the version it has for one that the stamp lost, and
what was written since would be undone. HAZARD if two regions stamped one item: an update that is
made around the library between the two stamps has the name of neither, and is gone for good.
Limits: of what others write in another region within the replication lag of the stamp, values, new
members and what is added come back; what they take away there does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from threading import Lock

from reconciler.deployment.names import home_of
from reconciler.errors import MALFORMED, InvalidInput, ItemTooLarge, ReconcilerError, reason_of
from reconciler.item.adoption import adopted
from reconciler.item.metadata import NAMES, decode, is_managed
from reconciler.item.schema import Schema
from reconciler.ports import Stamp, WholeReplica
from reconciler.sweeping.tally import Tally
from reconciler.sweeping.walk import (
    A_BATCH,
    Budget,
    Stretch,
    Time,
    Walk,
    in_batches,
    key_of,
    looked_up,
    write_units,
)
from reconciler.values.wire import Image

ROUNDS = 5  # in which an item that changes is looked at again
WAIT_SECONDS = 2.0  # between them: replication takes about one
MOST_ATTRIBUTES = 100  # that one condition can name


class Adoption(Enum):
    """How an item ended."""

    STAMPED = "stamped"
    MANAGED = "managed already"
    GONE = "deleted meanwhile"
    CHANGING = "left: it changes, or replicas differ"
    NAMED = "left: others wrote beside its named writes"
    TOO_LARGE = "left: too large"
    UNREADABLE = "left: cannot be read"


LEFT = (Adoption.CHANGING, Adoption.NAMED, Adoption.TOO_LARGE, Adoption.UNREADABLE)


@dataclass(frozen=True)
class _Ending:
    outcome: Adoption
    why: str = ""


class Adopter:
    """Stamps the plain items of a table; without `execute` it only says what it would do.

    replicas: all of the table, by region. writes: what stamps may cost a second, in one region.
    """

    def __init__(  # noqa: PLR0913 (a run is all of these, by name)
        self,
        replicas: Mapping[str, WholeReplica],
        schema: Schema,
        tally: Tally,
        time: Time,
        *,
        execute: bool,
        reads: Budget,
        writes: Budget,
    ) -> None:
        home = home_of(replicas)
        self._home = replicas[home]
        self._others = [whole for region, whole in replicas.items() if region != home]
        self._schema = schema
        self._tally = tally
        self._time = time
        self._execute = execute
        self._reads = reads
        self._writes = writes
        self._lock = Lock()
        self._again: list[tuple[Image, str]] = []

    @property
    def is_behind(self) -> bool:
        """Whether so many items wait to be looked at again that it is time to do that."""
        return len(self._again) >= A_BATCH

    def adopt(self, walk: Walk | Stretch) -> None:
        """Stamp every item on the way; those that change are looked at again in the end."""
        walk.go(self._first_look)
        for _ in range(ROUNDS):
            if not self._again:
                return
            self._time.sleep_seconds(WAIT_SECONDS)
            keys, self._again = [key for key, _ in self._again], []
            for batch in in_batches(keys):
                self._look(batch)
        left, self._again = self._again, []
        for key, why in left:
            self._tally.add(key, Adoption.CHANGING, why)

    def _first_look(self, images: Sequence[Image]) -> None:
        plain = []
        for image in images:
            key = key_of(image, self._schema.key)
            if is_managed(image):
                self._end(key, _of_managed(image))
            else:
                plain.append(key)
        if plain:
            self._look(plain)

    def _look(self, keys: Sequence[Image]) -> None:
        looks = looked_up([self._home, *self._others], keys, self._reads)
        for key, (image, *others) in zip(keys, looks, strict=True):
            why = "its replicas differ: run a sweep, if they stay so"
            if image is None and not any(others):
                self._end(key, _Ending(Adoption.GONE))
            elif image is not None and is_managed(image):
                self._end(key, _of_managed(image))
            elif image is None or any(other != image for other in others):
                self._put_off(key, why)
            else:
                self._stamp(key, image)

    def _stamp(self, key: Image, image: Image) -> None:
        stamp = stamp_of(key, image, self._schema)
        if isinstance(stamp, _Ending):
            self._end(key, stamp)
        elif not self._execute:
            self._end(key, _Ending(Adoption.STAMPED))
        else:
            self._writes.spend(write_units(stamp.image))
            try:
                is_written = self._home.stamp(stamp)
            except InvalidInput as problem:
                self._end(key, _refused(problem))
            except ReconcilerError as problem:
                self._put_off(key, reason_of(problem))
            else:
                if is_written:
                    self._end(key, _Ending(Adoption.STAMPED))
                else:
                    self._put_off(key, "somebody writes it each time it is to be stamped")

    def _put_off(self, key: Image, why: str) -> None:
        with self._lock:
            self._again.append((key, why))

    def _end(self, key: Image, ending: _Ending) -> None:
        self._tally.add(key, ending.outcome, ending.why)


def stamp_of(key: Image, image: Image, schema: Schema) -> Stamp | _Ending:
    """Return the stamp of a plain item, or how it ends without one."""
    if len(image) > MOST_ATTRIBUTES:
        return _Ending(Adoption.TOO_LARGE, f"{len(image)} attributes are more than a condition has")
    try:
        stamped = adopted(image, key, schema.spec)
    except (ReconcilerError, *MALFORMED) as problem:
        return _refused(problem)
    if stamped is None:
        return _Ending(Adoption.NAMED, "the next write of the library takes it in")
    # An amount that came since would count beside the one that another region's first write filed.
    absent = [name for name in (NAMES, *sorted(schema.attributes)) if name not in image]
    return Stamp(stamped, key, image, absent[: MOST_ATTRIBUTES - len(image)])


def _of_managed(image: Image) -> _Ending:
    try:
        decode(image)
    except ReconcilerError as problem:
        return _refused(problem)
    return _Ending(Adoption.MANAGED)


def _refused(problem: Exception) -> _Ending:
    is_size = isinstance(problem, ItemTooLarge)
    return _Ending(Adoption.TOO_LARGE if is_size else Adoption.UNREADABLE, reason_of(problem))
