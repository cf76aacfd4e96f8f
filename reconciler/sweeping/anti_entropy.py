"""Anti-entropy: the replicas of a table are compared, and what lasts is merged as a resolver does.

Each replica in turn is gone through, and its items are looked up in the others; of later ones only
what the first does not have, for the rest is compared by then. What differs is looked at again
after a wait, in all of them at once. A repair is the resolver's own: what a replica lacks is merged
into its item as it is now, by one conditional write, and whoever repairs it, too, writes the same.
Source: Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", PODC 1987.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from threading import Lock

from reconciler.causality.hlc import Hlc
from reconciler.conflict.row import Row, item_key
from reconciler.errors import MALFORMED, Contention, OutcomeUnknown, ReconcilerError, reason_of
from reconciler.item.filing import filed_image
from reconciler.item.metadata import is_managed
from reconciler.ports import Replacement, Superseded, SweepPorts
from reconciler.resolution.repair import check_clocks, repaired_image, undecided
from reconciler.resolution.write_back import WriteBack, write_back
from reconciler.sweeping.differences import Expired, Look, Unknowable, differs, lasts, losses
from reconciler.sweeping.tally import Tally
from reconciler.sweeping.walk import A_BATCH, Budget, Time, Walk, in_batches, key_of, looked_up
from reconciler.values.wire import Image


class Sweep(Enum):
    """How an item ended."""

    SAME = "same everywhere"
    REPAIRED = "repaired"
    EXPIRING = "being deleted"
    UNKNOWABLE = "differs: cannot be known"
    LEFT = "differs: not repaired"


@dataclass(frozen=True)
class _Suspect:
    key: Image
    look: Look
    at_ms: int


class Sweeper:
    """Compares the replicas of a table; without `execute` it only says what it would repair.

    regions: what each has to be worked with. key_names: of the table. wait_ms: between two looks.
    """

    def __init__(  # noqa: PLR0913 (a run is all of these, by name)
        self,
        regions: Mapping[str, SweepPorts],
        key_names: Sequence[str],
        tally: Tally,
        time: Time,
        *,
        execute: bool,
        reads: Budget,
        wait_ms: int,
    ) -> None:
        self._regions = regions
        self._key_names = key_names
        self._tally = tally
        self._time = time
        self._execute = execute
        self._reads = reads
        self._wait_ms = wait_ms
        self._lock = Lock()
        self._suspects: list[_Suspect] = []

    def sweep(self, region: str, walk: Walk) -> None:
        """Compare the items that a region has with what the others have."""
        first = next(iter(self._regions))

        def compare(images: Sequence[Image]) -> None:
            keys = [key_of(image, self._key_names) for image in images]
            if region != first:
                known = looked_up([self._regions[first].whole], keys, self._reads)
                keys = [key for key, (image,) in zip(keys, known, strict=True) if image is None]
            if keys:
                self._compare(keys)

        walk.go(compare)
        self._judge(self._taken(least=1))

    def _compare(self, keys: Sequence[Image]) -> None:
        at_ms, looks = self._time.now_ms(), self._looks(keys)
        for key, look in zip(keys, looks, strict=True):
            if not differs(look):
                self._tally.add(key, Sweep.SAME)
                continue
            with self._lock:
                self._suspects.append(_Suspect(key, look, at_ms))
        self._judge(self._taken(least=A_BATCH))

    def _taken(self, least: int) -> Sequence[_Suspect]:
        with self._lock:
            if len(self._suspects) < least:
                return ()
            taken, self._suspects = self._suspects, []
            return taken

    def _looks(self, keys: Sequence[Image]) -> list[Look]:
        replicas = [ports.whole for ports in self._regions.values()]
        found = looked_up(replicas, keys, self._reads)
        return [dict(zip(self._regions, images, strict=True)) for images in found]

    def _judge(self, suspects: Sequence[_Suspect]) -> None:
        """Look at suspects again, once the wait is over for the last of them."""
        if not suspects:
            return
        due_ms = max(each.at_ms for each in suspects) + self._wait_ms
        self._time.sleep_seconds(max(0, due_ms - self._time.now_ms()) / 1000)
        for batch in in_batches(suspects):
            looks = self._looks([each.key for each in batch])
            for suspect, look in zip(batch, looks, strict=True):
                self._tally.add(suspect.key, *self._ended(suspect, look))

    def _ended(self, suspect: _Suspect, look: Look) -> tuple[Sweep, str]:
        try:
            if not lasts(suspect.look, look):
                return Sweep.SAME, ""

            @cache
            def rows() -> Sequence[Row]:
                name = item_key(suspect.key)
                return [r for ports in self._regions.values() for r in ports.ledger.rows_of(name)]

            found = losses(look, rows, self._time.now_ms())
            if isinstance(found, Unknowable):
                return Sweep.UNKNOWABLE, f"{_shape(look)}: {found.why}"
            if isinstance(found, Expired):
                return Sweep.EXPIRING, ""
            return self._repaired(look, found)
        except (ReconcilerError, *MALFORMED) as problem:
            return Sweep.LEFT, f"{_shape(look)}: {reason_of(problem)}"

    def _repaired(self, look: Look, lost: Sequence[Image]) -> tuple[Sweep, str]:
        """Merge into each replica what it lacks; the merge is the same bytes in all of them."""
        now_ms = self._time.now_ms()
        check_clocks(lost, now_ms)
        seen = Hlc.of(now_ms)
        filed = [filed_image(image, seen) for image in lost]
        steps = {region: self._step(region, look[region], filed, seen) for region in look}
        written = [region for region, step in steps.items() if step.is_written]
        if not written:
            return Sweep.SAME, ""  # whoever lacked it got it since
        waiting = {name for step in steps.values() for name in undecided(step.after)}
        asked = f"; a person must decide {', '.join(sorted(waiting))}" if waiting else ""
        return Sweep.REPAIRED, f"{_shape(look)}: merged in {', '.join(written)}{asked}"

    def _step(
        self, region: str, current: Image | None, lost: Sequence[Image], seen: Hlc
    ) -> WriteBack:
        ports = self._regions[region]

        def merged(now: Image | None) -> Image | None:
            rows = cache(lambda: ports.ledger.rows_of(item_key(key_of(lost[0], self._key_names))))
            return repaired_image(now, lost, restore=now is None, rows=rows, seen=seen)

        def put(write: Replacement) -> Superseded | None:
            if not self._execute:
                return None
            try:
                return ports.items.put(write)
            except OutcomeUnknown as problem:
                # A merge may be written twice: the next sweep sees whether it was.
                raise Contention("the repair was not answered", cause=str(problem)) from None

        return write_back(current, merged, put)


def _shape(look: Look) -> str:
    """Return what a person needs to find it: which regions have what."""
    kinds = {region: _kind(image) for region, image in look.items()}
    return ", ".join(f"{region} {kind}" for region, kind in kinds.items())


def _kind(image: Image | None) -> str:
    return "has none" if image is None else "has metadata" if is_managed(image) else "is plain"
