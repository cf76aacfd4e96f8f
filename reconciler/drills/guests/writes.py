"""Who writes what to which item, in turns, so that each write leaves a mark of its own.

An increment is a power of ten, a member and an attribute have the number of the write that made
them, and no two hands touch one mark: what must stand in the end follows from who was answered
what. Items are of four kinds, by the hands that write them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

RAW, NAMED, LIBRARY = "raw", "named", "library"  # the hands

COUNTER, SET = "points", "tags"
MOST_INCREMENTS = 36  # each adds 10^n to one counter, which holds 38 digits exactly
# Of 5 and of 11, so that two or three clients that take turns all come to do each of them.
_UPDATES = ("increment", "add", "assign", "discard", "remove")
_BEGINNING = ("assign", "increment", "add", "put", "increment", "discard")
_ALL = (*_BEGINNING, "assign", "delete", "add", "increment", "remove")
_TAKES_BACK = {"discard": "add", "remove": "assign"}

ALONE, NAMES = "raw alone", "names alone"
APART, ONE_SIDE, BOTH_SIDES = "raw here, ours there", "raw in one region", "raw in both"
KINDS = {
    ALONE: (RAW,),
    NAMES: (NAMED,),
    APART: (LIBRARY, RAW),
    ONE_SIDE: (LIBRARY, RAW, NAMED),
    BOTH_SIDES: (LIBRARY, RAW, NAMED),
}


@dataclass(frozen=True)
class Item:
    """An item of a kind, and the regions in which each hand writes it."""

    name: str
    kind: str
    regions: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Write:
    """One write; `mark` is the amount of an increment, else the number of the mark it is about."""

    item: Item
    region: str
    hand: str
    turn: int
    verb: str
    mark: int

    @property
    def attribute(self) -> str:
        """The attribute that an assignment sets and a removal removes."""
        return f"a{self.mark}"

    @property
    def member(self) -> str:
        """The member that is added or discarded, and the value of an assignment."""
        return f"t{self.mark}"


@dataclass(frozen=True)
class Answered:
    """A write that was acknowledged, and by whom it was sent.

    saw: whether what it takes back stood in the item that it was carried out on. left: of items
    that only raw clients write, the whole item that it left, None after a delete.
    """

    write: Write
    client: str
    saw: bool = True
    left: dict[str, Any] | None = field(default=None, compare=False)

    def in_words(self) -> str:
        """Return the write in words."""
        write = self.write
        return (
            f"{write.verb} {write.mark} of {write.item.name} in {write.region},"
            f" {write.hand}, by {self.client}"
        )


def items(count: int, regions: Sequence[str]) -> list[Item]:
    """Return `count` items of each kind; where raw clients have one region, it is each in turn."""
    found = []
    for kind, hands in KINDS.items():
        name = kind.replace(",", "").replace(" ", "-")
        for number in range(count):
            one, *others = (*regions[number % 2 :], *regions[: number % 2])
            writes_in = dict.fromkeys(hands, regions)
            if kind in (APART, ONE_SIDE):
                writes_in[RAW] = [one]
            if kind == APART:
                writes_in[LIBRARY] = others
            found.append(Item(f"{name}-{number}", kind, writes_in))
    return found


class Script:
    """Draws the next write of each hand, and knows what it may take back: what it made itself.

    A raw client that takes back what stood before the library's last write of the item changes what
    that write left, and this is kept. What was made and taken back since leaves no trace, so beside
    others raw clients do not: nobody could tell such an item from one that was never changed.
    """

    def __init__(self) -> None:
        self._rounds: Counter[str] = Counter()
        self._turns: Counter[tuple[str, str, str]] = Counter()  # by item, region and hand
        self._marks: Counter[str] = Counter()
        self._increments: Counter[str] = Counter()
        self._made: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
        self._old: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)

    def round(self, item: Item) -> Iterator[Write]:
        """Yield a write of every hand of an item in each of its regions, in an order of its own."""
        self._rounds[item.name] += 1
        writers = [(hand, region) for hand, regions in item.regions.items() for region in regions]
        Random(f"{item.name}/{self._rounds[item.name]}").shuffle(writers)
        for hand, region in writers:
            yield self._next(item, region, hand)

    def opening(self, item: Item) -> Write:
        """Return the library's write with which a phase begins; it looks at the item as it is."""
        for (name, region, hand, verb), marks in list(self._made.items()):
            if hand == RAW and name == item.name:
                self._old[name, region, hand, verb] += marks
                marks.clear()
        return self._make(item, item.regions[LIBRARY][0], LIBRARY, "assign", turn=0)

    def _next(self, item: Item, region: str, hand: str) -> Write:
        """Return the next write of a hand."""
        turn = self._turns[item.name, region, hand]
        self._turns[item.name, region, hand] += 1
        verbs = _ALL if item.kind == ALONE else _UPDATES
        verb = verbs[turn % len(verbs)]
        if verb in _TAKES_BACK:
            made = self._old if hand == RAW and item.kind != ALONE else self._made
            marks = made[item.name, region, hand, _TAKES_BACK[verb]]
            if marks:
                return Write(item, region, hand, turn, verb, marks.pop())
            verb = _TAKES_BACK[verb]
        if verb == "increment":
            place = self._increments[item.name]
            if place < MOST_INCREMENTS:
                self._increments[item.name] += 1
                return Write(item, region, hand, turn, verb, 10**place)
            verb = "add"
        return self._make(item, region, hand, verb, turn=turn)

    def _make(self, item: Item, region: str, hand: str, verb: str, *, turn: int) -> Write:
        self._marks[item.name] += 1
        mark = self._marks[item.name]
        self._made[item.name, region, hand, verb].append(mark)
        return Write(item, region, hand, turn, verb, mark)
