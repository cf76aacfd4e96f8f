"""The rows of a live table, and who writes which of them in each phase of its way in.

A phase writes half of the rows: four of five once, the fifth in both regions at once. No two writes
of a row make one mark, so what must stand in the end follows from who was answered what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from reconciler.drills.guests.writes import (
    ALONE,
    BOTH_SIDES,
    LIBRARY,
    NAMED,
    ONE_SIDE,
    RAW,
    Item,
    Write,
)

INSTRUMENTED = "instrumented"  # a hand: boto3 code that has the one line more
OURS = "ours alone"
_OURS = (INSTRUMENTED, NAMED, LIBRARY)
_HANDS = {ALONE: (RAW,), OURS: _OURS, ONE_SIDE: (RAW, *_OURS), BOTH_SIDES: (RAW, *_OURS)}
_KINDS = (*[ALONE] * 2, *[OURS] * 3, *[ONE_SIDE] * 4, BOTH_SIDES)  # of each ten rows
_TIMES = (0.5, 0.1)  # the share of the rows that a phase writes, and that it writes in both regions
_TAKING_IN = 99  # its mark, which no other write has
_VERBS = ("increment", "add", "assign")


@dataclass(frozen=True)
class Phase:
    """A phase, and the hands that write in it. is_raw: none of the library's clients is there."""

    name: str
    hands: Sequence[str]

    @property
    def is_raw(self) -> bool:
        return self.hands == (RAW,)


BEFORE = Phase("before", (RAW,))
DEPLOYED = Phase("deployed", (RAW,))
ONE_LINE = Phase("one line", (RAW, *_OURS))
ADOPTING = Phase("adopting", (RAW, *_OURS))
WATCHED = Phase("watched", (RAW, *_OURS))
CLOSED = Phase("outside none", _OURS)
LEFT = Phase("taken back", (RAW,))
PHASES = (BEFORE, DEPLOYED, ONE_LINE, ADOPTING, WATCHED, CLOSED, LEFT)


@dataclass(frozen=True)
class Row:
    """A row: `alone` while only raw clients write, `shared` once the library's clients do, too."""

    alone: Item
    shared: Item

    @property
    def name(self) -> str:
        return self.alone.name


def rows(count: int, regions: Sequence[str]) -> list[Row]:
    """Return the rows of a table; where raw clients have one region, it is each in turn."""
    found = []
    for number in range(count):
        name, kind = f"row-{number}", _KINDS[number // 2 % len(_KINDS)]
        where = dict.fromkeys(_HANDS[kind], regions)
        if kind == ONE_SIDE:
            where[RAW] = [regions[number // 20 % len(regions)]]
        alone, shared = Item(name, ALONE, {RAW: regions}), Item(name, kind, where)
        found.append(Row(alone, shared))
    return found


def first_write(row: Row, region: str) -> Write:
    """Return the write that makes a row."""
    return Write(row.alone, region, RAW, 0, "assign", 0)


def taking_in(row: Row, region: str) -> Write:
    """Return the library's write that takes in what an adoption had to leave."""
    return Write(row.shared, region, LIBRARY, PHASES.index(ADOPTING), "assign", _TAKING_IN)


def is_hot(name: str, phase: Phase) -> bool:
    """Return whether a phase writes a row in both regions at once."""
    return _times(name, phase) == len(_TIMES)


def writes(row: Row, phase: Phase, regions: Sequence[str]) -> Iterator[Write]:
    """Yield what a phase writes to a row, which is often nothing."""
    draw, turn = Random(f"{row.name}/{phase.name}"), PHASES.index(phase)
    item = row.alone if phase.is_raw else row.shared
    for place, region in enumerate(draw.sample(regions, _times(row.name, phase))):
        hands = [each for each in phase.hands if region in item.regions.get(each, ())]
        if not hands:
            continue  # raw clients have all of the row, and none writes any more
        number, verb = 2 * turn + place + 1, draw.choice(_VERBS)
        mark = 10**number if verb == "increment" else number
        yield Write(item, region, draw.choice(hands), turn, verb, mark)


def _times(name: str, phase: Phase) -> int:
    drawn = Random(f"{name}/{phase.name}/times").random()
    return sum(drawn < share for share in _TIMES)
