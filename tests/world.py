"""A model of one item under whole-item last-writer-wins, with its history kept outside the item.

Regions write, versions travel late, reordered, coalesced or not at all, and a version
with a greater hidden time replaces the local one whole. Whatever `classify` calls a conflict leaves
its old image in `lost`, which a resolve merges back. `seen` of a version is which writes it rests
on, known from the schedule alone: the oracle reads it and never an image's metadata.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from typing import Any

from hypothesis import strategies as st

from reconciler.conflict.classification import classify, lost_image
from reconciler.conflict.verdict import Finding
from reconciler.crdt.base import Edit
from reconciler.item.image import merge, write
from reconciler.item.schema import Schema
from reconciler.simulation.plan.plan import Operation
from reconciler.simulation.world.history import Done
from reconciler.values.wire import Image
from tests.builders import KEY, SCHEMA, clock

REGIONS = ("use1", "euw1", "apse1")
Seen = frozenset[int]


@dataclass(frozen=True)
class Version:
    """One version of the item: DynamoDB's hidden time decides which of two stays."""

    image: Image
    hidden: tuple[int, str]
    seen: Seen


@dataclass
class World:
    """Three replicas of one item."""

    schema: Schema = SCHEMA
    writes: list[Done] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    current: dict[str, Version] = field(default_factory=dict)
    lost: dict[str, list[Version]] = field(default_factory=lambda: {each: [] for each in REGIONS})

    def __post_init__(self) -> None:
        self._nonces = count(1)

    def write(self, region: str, wall_ms: int, edits: Sequence[Edit]) -> None:
        """Carry out one local write."""
        before = self.current.get(region)
        image = write(
            before.image if before else None,
            edits,
            key=KEY,
            schema=self.schema,
            replica=region,
            clock=clock(wall_ms, self._nonces),
        )
        seen = before.seen if before else frozenset()
        number = len(self.writes)
        operation = Operation(number, wall_ms, region, KEY["id"], tuple(edits))
        self.writes.append(Done(operation, "acknowledged", wall_ms, wall_ms, seen))
        self._store(region, image, seen | {number}, wall_ms)

    def deliver(self, version: int, region: str) -> None:
        """Let a version, new or old, arrive; it stays only if its hidden time is greater."""
        if self.versions:
            arriving = self.versions[version % len(self.versions)]
            current = self.current.get(region)
            if current is None or arriving.hidden > current.hidden:
                self._become(region, arriving)

    def resolve(self, region: str) -> None:
        """Merge what this region lost into its current image."""
        losses, current = self.lost[region], self.current.get(region)
        if losses and current is not None:
            self.lost[region] = []
            image = reduce(merge, (loss.image for loss in losses), current.image)
            seen = current.seen.union(*(loss.seen for loss in losses))
            self._store(region, image, seen, current.hidden[0])

    def _store(self, region: str, image: Image, seen: Seen, wall_ms: int) -> None:
        before = self.current.get(region)
        hidden = max(wall_ms, before.hidden[0] + 1 if before else 0)
        version = Version(image, (hidden, region), seen)
        self.versions.append(version)
        self._become(region, version)

    def _become(self, region: str, version: Version) -> None:
        old = self.current.get(region)
        self.current[region] = version
        if old is not None:
            verdict = classify(old.image, version.image, replica=region)
            if verdict.finding is Finding.CONFLICT:
                image = dict(lost_image(verdict, old.image, version.image))
                self.lost[region].append(Version(image, old.hidden, old.seen))

    def survivors(self) -> list[Version]:
        """Return the replicas' images and every lost image that is still to be merged back."""
        return [*self.current.values(), *(loss for losses in self.lost.values() for loss in losses)]

    def settled(self) -> Image:
        """Return what every replica holds once all losses are repaired and all is replicated."""
        images = [version.image for version in self.survivors()]
        return reduce(merge, images, images[0])


Step = tuple[Any, ...]


def steps(edits: st.SearchStrategy[Edit], length: int = 14) -> st.SearchStrategy[list[Step]]:
    """Return schedules; walls are few and small, so that stamps tie and clocks run back."""
    region = st.sampled_from(REGIONS)
    writing = st.tuples(
        st.just("write"), region, st.integers(1, 6), st.lists(edits, min_size=1, max_size=3)
    )
    # Mostly the newest versions travel: a loss is seldom overwritten by what is long superseded.
    which = st.one_of(st.integers(-3, -1), st.integers(-3, -1), st.integers(0, 40))
    delivering = st.tuples(st.just("deliver"), which, region)
    resolving = st.tuples(st.just("resolve"), region)
    step = st.one_of(writing, writing, delivering, delivering, resolving)
    return st.lists(step, min_size=length // 2, max_size=length)


def played(schedule: Iterable[Step], schema: Schema = SCHEMA) -> World:
    """Return the world after a schedule, which begins with a write if it has none."""
    world = World(schema)
    for verb, *arguments in schedule:
        getattr(world, verb)(*arguments)
    return world
