"""What the ledger of acknowledged writes says of the end, by plain values alone.

The ledger is a list in the drill's memory. Nothing here knows a type, a merge or metadata: an
attribute of an item is a number, a text or a set of texts, and those with reserved names are passed
over.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.drills.guests.writes import COUNTER, SET, Answered
from reconciler.text.counts import count_in_words

WireItem = Mapping[str, Any]
_RESERVED = "_rec"


@dataclass(frozen=True)
class Finding:
    """What became of a write that is not as its client was told: lost, counted twice, or undone."""

    what: str
    answered: Answered


def bytes_of(item: WireItem | None) -> Any:
    """Return what two items share iff they are the same, reserved attributes included."""
    return _plain({"M": item}) if item is not None else None


def _plain(value: Any) -> Any:
    [(kind, content)] = value.items()
    if kind == "M":
        return kind, tuple(sorted((name, _plain(inner)) for name, inner in content.items()))
    if kind == "L":
        return kind, tuple(map(_plain, content))
    if kind in ("SS", "BS"):
        return kind, tuple(sorted(content))
    if kind == "NS":
        return kind, tuple(sorted(map(Decimal, content)))
    return kind, Decimal(content) if kind == "N" else content


def findings(entries: Sequence[Answered], item: WireItem) -> list[Finding]:
    """Return the writes of one item whose effect is missing, is there twice, or is back."""
    points = int(item.get(COUNTER, {"N": "0"})["N"])
    members = set(item.get(SET, {"SS": []})["SS"])
    found = []
    taken = {(e.write.verb, e.write.mark): e for e in entries}
    for entry in entries:
        write = entry.write
        what = ""
        if write.verb == "increment":
            times = points // write.mark % 10
            what = "" if times == 1 else "lost" if times == 0 else "counted twice"
        elif write.verb in ("add", "assign"):
            taker = taken.get((_TAKEN_BY[write.verb], write.mark))
            stands = (
                write.member in members
                if write.verb == "add"
                else item.get(write.attribute) == {"S": write.member}
            )
            if taker is None and not stands:
                what = "lost"
            elif taker is not None and taker.saw and stands:
                entry, what = taker, "undone"  # noqa: PLW2901 (the finding is the taker's)
        if what:
            found.append(Finding(what, entry))
    return found


_TAKEN_BY = {"add": "discard", "assign": "remove"}


def strangers(entries: Iterable[Answered], item: WireItem) -> list[str]:
    """Return what stands in an item that nobody ever wrote."""
    entries = list(entries)
    attributes = {e.write.attribute for e in entries if e.write.verb == "assign"}
    members = {e.write.member for e in entries if e.write.verb == "add"}
    shown = {name for name in item if not name.startswith(_RESERVED)}
    return sorted(
        (shown - attributes - {"id", COUNTER, SET})
        | (set(item.get(SET, {"SS": []})["SS"]) - members)
    )


def left_alone(
    entries: Sequence[Answered],
    replicas: Mapping[str, WireItem | None],
    images: Mapping[str, Sequence[WireItem | None]],
) -> list[str]:
    """Return what a table without a reconciler would not show of an item that raw clients write.

    entries: its writes in the order of their times. replicas: the item by region. images: what each
    region's stream shows of it, a None for each delete. The last write's item must stand, and no
    image may come up more often than clients left it: whatever else wrote it wrote it back.
    """
    last, name = entries[-1].left, entries[-1].write.item.name
    problems = [
        f"{name} in {region} is not as the last write left it"
        for region, item in replicas.items()
        if bytes_of(item) != bytes_of(last)
    ]
    left = Counter(bytes_of(entry.left) for entry in entries)
    for region, seen in images.items():
        more = Counter(map(bytes_of, seen)) - left
        if more:
            problems.append(
                f"{name} in {region}: {count_in_words(more.total(), 'change')} that no client made"
            )
    return problems
