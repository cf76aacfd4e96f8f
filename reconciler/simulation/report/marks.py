"""What a run's trace says about one item, as marks on the lines of its regions.

Every fact of the trace about the item is one mark, in order; facts about no item (a crash, a parked
change that nobody can read) stand in every item's diagram. Writes that never took effect leave no
trace, so they are marked from what their clients heard.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.simulation.plan.plan import Fault
from reconciler.simulation.report.layout import ArrowStart, Mark
from reconciler.simulation.report.words import clock, duration, operation_in_words
from reconciler.simulation.world.history import Done, Moment, Run

_LONGEST_LABEL = 26
JOINED = "joined"


@dataclass(frozen=True)
class ItemMarks:
    """What the diagram of one item shows: its marks in order of time, and the faults beside."""

    regions: tuple[str, ...]
    marks: tuple[Mark, ...]
    faults: tuple[Fault, ...]
    end_ms: int


def keys_of(run: Run) -> list[str]:
    """Return the items of a run, the ones with most losses first."""
    losses: dict[str, int] = {operation.key: 0 for operation in run.plan.operations}
    for moment in run.trace:
        if moment.key:
            losses[moment.key] = losses.get(moment.key, 0) + (moment.kind == "loss")
    return sorted(losses, key=lambda key: (-losses[key], key))


def marks_of(run: Run, key: str) -> ItemMarks:
    """Return the marks of one item."""
    reader = _Reader(run)
    facts = [moment for moment in run.trace if moment.key in {key, ""} and moment.kind != "fault"]
    marks = [reader.mark(moment) for moment in facts]
    written = {mark.operation for mark in marks}
    mine = [done for done in run.done if done.operation.key == key]
    marks += [reader.mark_of_unheard(done) for done in mine if done.operation.number not in written]
    marks.sort(key=lambda mark: mark.at_ms)
    end_ms = max((mark.at_ms for mark in marks), default=0)
    faults = tuple(fault for fault in run.plan.faults if fault.at_ms <= end_ms)
    return ItemMarks(run.plan.regions, tuple(marks), faults, end_ms)


class _Reader:
    """Turns facts into marks; remembers which loss was about which operations."""

    def __init__(self, run: Run) -> None:
        self._lanes = {region: lane for lane, region in enumerate(run.plan.regions)}
        self._done = {done.operation.number: done for done in run.done}
        self._by_dot = {done.dot: done.operation.number for done in run.done if done.dot}
        self._lost: dict[str, set[int]] = {}  # conflict id -> operations
        self._losing: set[tuple[str, int]] = set()  # the regions that lost, and which operations
        for moment in run.trace:
            if moment.kind == "loss":
                numbers = self._lost[moment.detail["conflict"]] = self._of_dots(moment)
                self._losing.update((moment.region, number) for number in numbers)
        self._of: dict[str, Callable[[Moment], dict[str, Any]]] = {
            "write": self._write,
            "raw": self._raw,
            "replicate": self._replicate,
            "loss": self._loss,
            "merge": self._merge,
            "fold": self._fold,
        }

    def mark(self, moment: Moment) -> Mark:
        """Return the mark of one fact."""
        particular = self._of.get(moment.kind, self._other)(moment)
        lane = self._lanes[moment.region]
        shared: dict[str, Any] = {
            "kind": moment.kind,
            "lane": lane,
            "at_ms": moment.at_ms,
            "colour": f"r{lane}",
        }
        words = f"{clock(moment.at_ms)} {moment.region}: {particular.pop('title')}"
        return Mark(title=words, **(shared | particular))

    def mark_of_unheard(self, done: Done) -> Mark:
        """Return the mark of a write that took no effect, as its client learned of it."""
        operation = done.operation
        title = f"{clock(done.at_ms)} {operation.region}: #{operation.number}"
        return Mark(
            kind="refused",
            lane=self._lanes[operation.region],
            at_ms=done.at_ms,
            title=f"{title} {operation_in_words(operation)}: {done.outcome}, took no effect",
            label=f"#{operation.number} {done.outcome}",
            operation=operation.number,
        )

    def _write(self, moment: Moment) -> dict[str, Any]:
        number, token = moment.detail["operation"], moment.detail["token"]
        done = self._done[number]
        edits = operation_in_words(done.operation)
        label = f"#{number} {edits}"
        return {
            "kind": "write" if done.outcome == "acknowledged" else "unknown",
            "title": f"write {label} ({done.outcome}) on top of {_name(moment.detail['over'])}",
            "label": label
            if len(label) <= _LONGEST_LABEL
            else f"{label[: _LONGEST_LABEL - 1]}\u2026",
            "room": 15.0,
            "token": token,
            "holds": f"r{self._lanes[moment.region]}",
            "operation": number,
        }

    def _raw(self, moment: Moment) -> dict[str, Any]:
        written = self._write(moment)
        if self._done[moment.detail["operation"]].outcome == "acknowledged":
            written["kind"] = "raw"
        return written

    def _replicate(self, moment: Moment) -> dict[str, Any]:
        image, source = moment.detail["image"], moment.detail["source"]
        colour = self._colour(image)
        sent_ms, lane = moment.detail["sent_ms"], self._lanes[source]
        after = duration(moment.at_ms - sent_ms)
        replaced = _operation(moment.detail["over"])
        loses = (moment.region, replaced) in self._losing
        return {
            "kind": "overwrite" if loses else "replicate",
            "title": f"{_name(image)} arrives from {source} after {after}"
            f" and replaces {_name(moment.detail['over'])}"
            f"{', which it does not contain' if loses else ''}",
            "colour": colour,
            "token": moment.detail["token"],
            "holds": colour,
            "source": ArrowStart(lane, sent_ms, moment.detail["token"]),
        }

    def _loss(self, moment: Moment) -> dict[str, Any]:
        numbers = self._lost[moment.detail["conflict"]]
        home = moment.detail["role"] == "home"
        named = _numbers(numbers) or moment.detail["finding"].lower()
        return {
            "kind": "loss" if home else "witness",
            "title": f"the detector sees {named} lost, as {moment.detail['role']}"
            f" ({moment.detail['finding']}, conflict {moment.detail['conflict']})",
            "label": f"lost {named}" if home else f"saw {named} lost",
            "above": False,
            "room": 16.0,
        }

    def _merge(self, moment: Moment) -> dict[str, Any]:
        conflicts = [each for each in moment.detail["conflicts"].split(",") if each]
        numbers = {number for each in conflicts for number in self._lost.get(each, ())}
        named = _numbers(numbers) or "a loss"
        return {
            "title": f"the resolver merges {named} into {_name(moment.detail['replaced'])}",
            "label": f"merged {named}",
            "above": False,
            "room": 16.0,
            "token": moment.detail["token"],
            "colour": JOINED,
            "holds": JOINED,
        }

    def _fold(self, moment: Moment) -> dict[str, Any]:
        return {
            "title": f"the resolver folds closed lineages of {_name(moment.detail['replaced'])}",
            "label": "fold",
            "above": False,
            "room": 14.0,
            "token": moment.detail["token"],
            "colour": JOINED,
            "holds": JOINED,
        }

    def _other(self, moment: Moment) -> dict[str, Any]:
        detail = ", ".join(f"{name} {value}" for name, value in moment.detail.items())
        return {"title": f"{moment.kind} {detail}", "colour": "", "room": 10.0}

    def _of_dots(self, moment: Moment) -> set[int]:
        dots = moment.detail["dots"].split(",")
        return {self._by_dot[dot] for dot in dots if dot in self._by_dot}

    def _colour(self, image: str) -> str:
        number = _operation(image)
        done = self._done.get(number) if number is not None else None
        return JOINED if done is None else f"r{self._lanes[done.operation.region]}"


def _operation(image: str) -> int | None:
    """Return the operation that an image is the write of, None of any other image."""
    kind, _, number = image.partition(" ")
    return int(number) if kind == "operation" else None


def _name(image: str) -> str:
    number = _operation(image)
    return image.partition(" ")[0].replace("merge", "a merge") if number is None else f"#{number}"


def _numbers(numbers: Iterable[int]) -> str:
    return " ".join(f"#{number}" for number in sorted(numbers))
