"""Reads that go back: a region that stops showing its own write must have noted the loss.

A run's trace says what each region held. Wherever a write that this region acknowledged is not in
what took its place, there must be a loss record; without a trace nothing is found.
Limit: items that were folded or removed by time-to-live are left out. A watermark does not say
which writes it stands for, and a tombstone that ends takes its writes along.
"""

from collections.abc import Iterator, Set

from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.world.history import Moment, Run

Place = tuple[str, str]  # region and key
Operations = frozenset[int]


def reads_that_went_back(run: Run, around: Set[str] = frozenset()) -> Iterator[Problem]:
    """Yield each own write that a region stopped showing without a loss record that names it.

    `around` are the items that are written around the library, too: they are left out.
    """
    left_out = {moment.key for moment in run.trace if moment.kind in ("fold", "expire", "delete")}
    left_out |= around | {""}
    follower = _Follower(run)
    for moment in run.trace:
        if moment.key not in left_out:
            follower.follow(moment)
    for (region, key), numbers in sorted(follower.gone.items()):
        noted = follower.noted.get((region, key), frozenset())
        for number in sorted(numbers - noted if region in run.items else ()):
            text = f"{region} shows operation {number} no more, and noted no loss of it"
            yield Problem("lost", key, text, (number,))


class _Follower:
    """`gone`: own writes that a place stopped showing. `noted`: those that its losses name."""

    def __init__(self, run: Run) -> None:
        self.gone: dict[Place, Operations] = {}
        self.noted: dict[Place, Operations] = {}
        self._held: dict[Place, Operations] = {}
        self._images: dict[str, Operations] = {}
        self._losses: dict[str, Operations] = {}
        self._with: dict[int, Operations] = {}
        self._dots: dict[str, int] = {}
        self._own: dict[Place, set[int]] = {}
        for done in run.done:
            number, place = done.operation.number, (done.operation.region, done.operation.key)
            self._with[number] = done.seen | done.beside | {number}
            if done.dot:
                self._dots[done.dot] = number
            if done.outcome == "acknowledged":
                self._own.setdefault(place, set()).add(number)

    def follow(self, moment: Moment) -> None:
        """Take in the next moment."""
        place, detail = (moment.region, moment.key), moment.detail
        if moment.kind == "loss":
            named = self._operations_of(str(detail["dots"]))
            self._losses[str(detail["conflict"])] = named
            self.noted[place] = self.noted.get(place, frozenset()) | named
        elif moment.kind == "write":
            self._become(place, str(detail["token"]), self._with[int(detail["operation"])])
        elif moment.kind == "merge":
            brought = [self._losses[each] for each in str(detail["conflicts"]).split(",")]
            held = self._held.get(place, frozenset()).union(*brought)
            self._become(place, str(detail["token"]), held)
        elif moment.kind == "copy":
            # What the replica before it held went with it, and is none of this one's to miss.
            self._held[place] = self._images.get(str(detail["token"]), frozenset())
        elif moment.kind == "replicate" and detail["token"]:
            token, source = str(detail["token"]), (str(detail.get("source")), moment.key)
            # An item that was touched at the end is what its region held.
            held = self._held.get(source, frozenset())
            self._become(place, token, self._images.get(token, held))

    def _operations_of(self, dots: str) -> Operations:
        numbers = [self._dots[dot] for dot in dots.split(",") if dot in self._dots]
        return frozenset().union(*(self._with[number] for number in numbers))

    def _become(self, place: Place, token: str, now: Operations) -> None:
        lost = (self._held.get(place, frozenset()) - now) & self._own.get(place, set())
        if lost:
            self.gone[place] = self.gone.get(place, frozenset()) | lost
        self._held[place] = now
        self._images[token] = now
