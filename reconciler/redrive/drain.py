"""Working off the dead-letter queues of a region, one letter at a time or several at once.

Behaviour: a message is deleted only after its work is confirmed, hidden from others while it is
worked on, and shown again if it stays; so a run that is stopped leaves nothing half-done and the
next one goes on from there. A dry run rehearses and deletes nothing. After the queues come the
batches whose notification got lost, and the losses whose event did: their ledger row is still open.
Units: milliseconds, seconds where the name says so.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from reconciler.codec import to_json
from reconciler.errors import ReconcilerError
from reconciler.ledger import State
from reconciler.ports import DeadLetter, DeadLetters
from reconciler.record import MALFORMED
from reconciler.redrive.outcome import Outcome, Result, Tally
from reconciler.redrive.redriver import RedrivePorts, Redriver
from reconciler.redrive.shapes import keys_of, works

HIDDEN_SECONDS = 300
OPEN_LONG_MS = 900_000  # an event is on its way for a minute or two, a witness's for three
_A_BATCH = 10
SET_ASIDE, OPEN_ROWS = "batches set aside", "open losses"


@dataclass(frozen=True)
class Choice:
    """Which letters are wanted: those that hold both texts and are within both ages."""

    key: str = ""
    error: str = ""
    older_than_ms: int = 0
    newer_than_ms: int | None = None

    def wants(self, letter: DeadLetter, now_ms: int) -> bool:
        """Return whether a letter is among them."""
        age_ms = now_ms - letter.sent_at_ms
        if age_ms < self.older_than_ms:
            return False
        if self.newer_than_ms is not None and age_ms > self.newer_than_ms:
            return False
        if self.key and not any(self.key in to_json(key) for key in _keys(letter.body)):
            return False
        return self.error in letter.body or self.error in to_json(dict(letter.attributes))


@dataclass(frozen=True)
class Pace:
    """How fast: letters a second and letters in all, how many at once, and when no more are begun.

    None is no limit.
    """

    rate: float | None = None
    most: int | None = None
    parallel: int = 1
    until_ms: int | None = None


@dataclass(frozen=True)
class Time:
    """The physical clock, and how to wait."""

    now_ms: Callable[[], int]
    sleep_seconds: Callable[[float], object]


Hear = Callable[[str, str, Result], object]  # the queue, what it is about, how it ended


class Drain:
    """See the module. `execute` False is a dry run: give it a redriver over rehearsed ports.

    `left` are the letters that stay in their queues, and why.
    """

    def __init__(  # noqa: PLR0913 (a run is all of these, by name)
        self,
        letters: DeadLetters,
        redriver: Redriver,
        time: Time,
        *,
        execute: bool,
        choice: Choice | None = None,
        pace: Pace | None = None,
        hear: Hear = lambda *_: None,
    ) -> None:
        self.tally = Tally()
        self._letters = letters
        self._redriver = redriver
        self._time = time
        self._execute = execute
        self._choice = choice or Choice()
        self._pace = pace or Pace()
        self._hear = hear
        self._lock = Lock()
        self.left: list[tuple[DeadLetter, Result]] = []
        self._seen: set[str] = set()
        self._done = 0
        self._next_ms = 0.0

    def queues(self, names: Sequence[str]) -> None:
        """Work off queues, one after the other, until nothing new comes."""
        try:
            with ThreadPoolExecutor(self._pace.parallel) as pool:
                for name in names:
                    while batch := self._receive(name):
                        list(pool.map(self._work, batch))
        finally:
            self._show_again()

    def leftovers(self, ports: RedrivePorts) -> None:
        """Work off what no queue speaks of: batches set aside, and rows that stay open."""
        for reference in list(ports.set_aside.references()):
            if self._has_room():
                self._end(SET_ASIDE, reference, self._redriver.redrive_batch(reference))
        for row in ports.ledger.in_state(State.OPEN):
            is_late = int(row["state_at_ms"]["N"]) <= self._time.now_ms() - OPEN_LONG_MS
            if is_late and self._has_room():
                self._end(OPEN_ROWS, row["conflict_id"]["S"], self._redriver.resend(row))

    def _receive(self, queue: str) -> list[DeadLetter]:
        if not self._has_room():
            return []
        room = _A_BATCH if self._pace.most is None else self._pace.most - len(self._seen)
        received = self._letters.receive(queue, min(_A_BATCH, room), HIDDEN_SECONDS)
        fresh = [letter for letter in received if letter.message_id not in self._seen]
        self._seen |= {letter.message_id for letter in fresh}
        return fresh

    def _work(self, letter: DeadLetter) -> None:
        self._wait_for_turn()
        result = self._result(letter)
        if result.done and self._execute:
            try:
                self._letters.delete(letter)
            except ReconcilerError as problem:
                result = Result(result.outcome, f"{result.why}; not deleted: {problem}", done=False)
        if not (result.done and self._execute):
            with self._lock:
                self.left.append((letter, result))
        self._end(letter.queue, letter.message_id, result)

    def _result(self, letter: DeadLetter) -> Result:
        if not self._choice.wants(letter, self._time.now_ms()):
            return Result(Outcome.LEFT, "not among those wanted", done=False)
        beat = _Beat(self._letters, letter, self._time.now_ms)
        try:
            beat()
            return self._redriver.redrive(letter.body, beat)
        except ReconcilerError as problem:
            return Result(Outcome.LEFT, f"{type(problem).__name__}: {problem}", done=False)
        except MALFORMED as problem:
            return Result(Outcome.POISON, f"{type(problem).__name__}: {problem}", done=False)

    def _end(self, queue: str, about: str, result: Result) -> None:
        with self._lock:
            self._done += 1
            self.tally.add(queue, result.outcome)
            self._hear(queue, about, result)

    def _has_room(self) -> bool:
        pace = self._pace
        in_time = pace.until_ms is None or self._time.now_ms() < pace.until_ms
        return in_time and (pace.most is None or self._done < pace.most)

    def _wait_for_turn(self) -> None:
        if self._pace.rate is None:
            return
        with self._lock:
            now = self._time.now_ms()
            turn = max(self._next_ms, now)
            self._next_ms = turn + 1000 / self._pace.rate
        self._time.sleep_seconds((turn - now) / 1000)

    def _show_again(self) -> None:
        for letter, _ in self.left:
            with suppress(ReconcilerError):  # it shows by itself when its time is over
                self._letters.keep(letter, 0)


class _Beat:
    """Keeps a letter hidden as long as it is worked on."""

    def __init__(self, letters: DeadLetters, letter: DeadLetter, now_ms: Callable[[], int]) -> None:
        self._letters, self._letter, self._now_ms = letters, letter, now_ms
        self._again_ms = 0

    def __call__(self) -> None:
        now = self._now_ms()
        if now >= self._again_ms:
            self._letters.keep(self._letter, HIDDEN_SECONDS)
            self._again_ms = now + HIDDEN_SECONDS * 1000 // 3


def _keys(body: str) -> Iterator[Any]:
    for work in works(body):
        yield from keys_of(work)
