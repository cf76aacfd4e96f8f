"""Global-table replication: whole-item last-writer-wins over links that lag, coalesce and break.

Every write of a region gets a hidden write time and is offered, as a whole item, to each link out
of that region. An arriving item replaces the local one if and only if its write time is strictly
greater. The caller stores the items, and gives the time and the randomness.
Units: milliseconds. Source: Amazon DynamoDB developer guide, "Global tables: how it works", "Best
practices for global table design" (the conditional write on an item's last write time).
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, permutations
from random import Random

from reconciler.aws_model.equality import Item


@dataclass(frozen=True, order=True)
class WriteTime:
    """The hidden last-write time of an item; its region of origin makes ties total."""

    millis: int
    region: str


@dataclass(frozen=True)
class ItemKey:
    """The name of one item: its table, and its key attributes as canonical text."""

    table: str
    key: str


@dataclass(frozen=True)
class ItemWrite:
    """One whole item as a write left it; `item` is None after a delete."""

    key: ItemKey
    item: Item | None
    time: WriteTime


@dataclass(frozen=True)
class Arrival:
    """A write that won at its destination and replaces the item stored there."""

    source: str
    destination: str
    write: ItemWrite


@dataclass(frozen=True)
class Lag:
    """How late a link delivers (uniform between the two), and how readily it coalesces."""

    least_ms: int
    most_ms: int
    coalescing: float = 0.5


@dataclass(frozen=True)
class LinkReport:
    """What one link has done so far; `pending` is what it still holds."""

    pending: int
    applied: int
    discarded: int
    coalesced: int
    cut: bool


@dataclass(order=True)
class _UnderWay:
    due_ms: int
    ticket: int
    write: ItemWrite = field(compare=False)


class Link:
    """The one-way path from a source region to a destination region."""

    def __init__(self, lag: Lag) -> None:
        self.lag = lag
        self.cut = False
        self.applied = 0
        self.discarded = 0
        self.coalesced = 0
        self._under_way: list[_UnderWay] = []
        self._newest: dict[ItemKey, _UnderWay] = {}
        self._tickets = count()

    def offer(self, write: ItemWrite, now_ms: int, rng: Random) -> None:
        """Take a write to deliver later, never before an earlier one of the same item."""
        ahead = self._newest.get(write.key)
        if ahead is not None and rng.random() < self.lag.coalescing:
            # The combined write leaves when the earlier one was to leave: it is never starved.
            ahead.write = write
            self.coalesced += 1
            return
        due_ms = now_ms + rng.randint(self.lag.least_ms, self.lag.most_ms)
        if ahead is not None:
            due_ms = max(due_ms, ahead.due_ms)
        entry = _UnderWay(due_ms, next(self._tickets), write)
        self._newest[write.key] = entry
        heapq.heappush(self._under_way, entry)

    def next_due_ms(self) -> int | None:
        """Return when the next delivery is due; None while there is none or the link is cut."""
        return self._under_way[0].due_ms if self._under_way and not self.cut else None

    def take_due(self, now_ms: int) -> Iterator[ItemWrite]:
        """Hand over every write due by now, in order; nothing while the link is cut."""
        while (due_ms := self.next_due_ms()) is not None and due_ms <= now_ms:
            entry = heapq.heappop(self._under_way)
            if self._newest[entry.write.key] is entry:
                del self._newest[entry.write.key]
            yield entry.write

    def clear(self) -> None:
        """Forget what is under way."""
        self._under_way.clear()
        self._newest.clear()

    def report(self) -> LinkReport:
        """Return the link's counts."""
        return LinkReport(
            len(self._under_way), self.applied, self.discarded, self.coalesced, self.cut
        )


class Replication:
    """The hidden write times of every replica, and the links between all regions."""

    def __init__(
        self, regions: Iterable[str], lag: Lag, rng: Random, *, skew_ms: Mapping[str, int]
    ) -> None:
        """`skew_ms`: by region, how far its clock is ahead; none by default."""
        self.regions = tuple(regions)
        self._skew_ms = skew_ms
        self._rng = rng
        self._links = {pair: Link(lag) for pair in permutations(self.regions, 2)}
        self._times: dict[str, dict[ItemKey, WriteTime]] = {region: {} for region in self.regions}

    def local_write(self, region: str, key: ItemKey, item: Item | None, now_ms: int) -> WriteTime:
        """Time what a client's write left at `region` and offer it to every other region.

        The time exceeds that of the item it replaced even if this region's clock is behind: a
        write that was acknowledged with a lesser time would stay here and be refused elsewhere, and
        the replicas would differ for good.
        """
        standing = self._times[region].get(key)
        millis = now_ms + self._skew_ms.get(region, 0)
        if standing is not None:
            millis = max(millis, standing.millis + 1)
        time = WriteTime(millis, region)
        self._times[region][key] = time
        write = ItemWrite(key, item, time)
        for (source, _), link in self._links.items():
            if source == region:
                link.offer(write, now_ms, self._rng)
        return time

    def deliver(self, now_ms: int) -> Iterator[Arrival]:
        """Deliver what is due: yield the writes that win, count the others as discarded."""
        for (source, destination), link in self._links.items():
            for write in link.take_due(now_ms):
                if self._admit(destination, write):
                    link.applied += 1
                    yield Arrival(source, destination, write)
                else:
                    link.discarded += 1

    def _admit(self, region: str, write: ItemWrite) -> bool:
        standing = self._times[region].get(write.key)
        if standing is not None and write.time <= standing:
            return False
        self._times[region][write.key] = write.time
        return True

    def next_due_ms(self) -> int | None:
        """Return when the next delivery is due on any link, None if none is."""
        due = (link.next_due_ms() for link in self._links.values())
        return min((at for at in due if at is not None), default=None)

    def reports(self) -> dict[tuple[str, str], LinkReport]:
        """Return the counts of every link by (source, destination)."""
        return {pair: link.report() for pair, link in self._links.items()}

    def partition(self, one: str, other: str) -> None:
        """Cut both links between two regions."""
        self._links[one, other].cut = self._links[other, one].cut = True

    def isolate(self, region: str) -> None:
        """Cut every link to and from a region."""
        for pair, link in self._links.items():
            link.cut = link.cut or region in pair

    def remake(self, region: str, source: str) -> None:
        """Make a region's replica anew from another one's copy; what it had not sent is gone."""
        self._times[region] = dict(self._times[source])
        for pair, link in self._links.items():
            if pair[0] == region:
                link.clear()

    def heal(self) -> None:
        """Mend every link; what they held is delivered as it falls due."""
        for link in self._links.values():
            link.cut = False

    def set_lag(self, lag: Lag) -> None:
        """Change the lag of every link, for writes offered from now on."""
        for link in self._links.values():
            link.lag = lag
