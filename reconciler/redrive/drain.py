"""Working off the dead-letter queues of a region, one letter at a time or several at once.

A message is deleted only after its work is confirmed, hidden from others while it is worked on, and
shown again if it stays; so a run that is stopped leaves nothing half-done and the next one goes on
from there. A dry run rehearses and deletes nothing. After the queues come the batches whose
notification got lost, and the losses whose event did: their ledger row is still open.
Units: milliseconds, seconds where the name says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any

from reconciler.conflict.row import Row, State
from reconciler.detection.securing import DetectorPolicy
from reconciler.errors import ReconcilerError, reason_of
from reconciler.ports import DeadLetter, DeadLetters, DrainPorts, RedrivePorts
from reconciler.redrive.letters import contents, keys_of
from reconciler.redrive.outcome import RedriveOutcome, RedriveTally, Result
from reconciler.redrive.redriver import Redriver
from reconciler.redrive.rehearsal import Rehearsal
from reconciler.values.wire import to_json

HIDDEN_SECONDS = 300
OPEN_LONG_MS = 900_000  # an event is on its way for a minute or two, a witness's for three
_A_BATCH = 10
SET_ASIDE, OPEN_ROWS = "batches set aside", "open losses"
PARKED_ROWS = "parked losses"


@dataclass(frozen=True)
class Filter:
    """Which letters are wanted: those that hold both texts and are within both ages."""

    key: str = ""
    error: str = ""
    older_than_ms: int = 0
    newer_than_ms: int | None = None

    def passes(self, letter: DeadLetter, now_ms: int) -> bool:
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
    """How fast a drain goes: letters a second, in all and at once, and when no more are begun.

    None is no limit. What no letter speaks of counts like a letter.
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
    """Works off what waits in a region; without `execute` it only says what it would do.

    policy: the detector's. `left` are the letters that stay in their queues, and why.
    """

    def __init__(  # noqa: PLR0913 (a run is all of these, by name)
        self,
        ports: DrainPorts,
        policy: DetectorPolicy,
        time: Time,
        *,
        execute: bool,
        wanted: Filter | None = None,
        pace: Pace | None = None,
        hear: Hear = lambda *_: None,
    ) -> None:
        self.tally = RedriveTally()
        self._letters = ports.letters
        self._ports: RedrivePorts = ports if execute else Rehearsal(ports)
        self._redriver = Redriver(policy, self._ports, time.now_ms)
        self._time = time
        self._execute = execute
        self._wanted = wanted or Filter()
        self._pace = pace or Pace()
        self._hear = hear
        self._lock = Lock()
        self.left: list[tuple[DeadLetter, Result]] = []
        self._hidden: dict[str, DeadLetter] = {}
        self._seen: set[str] = set()
        self._begun = 0
        self._next_ms = 0.0

    def queues(self, names: Sequence[str]) -> None:
        """Work off queues, one after the other, until nothing comes."""
        try:
            with ThreadPoolExecutor(self._pace.parallel) as pool:
                for name in names:
                    while batch := self._receive(name):
                        list(pool.map(self._work, filter(self._is_new, batch)))
        finally:
            self._show_again()

    def leftovers(self) -> None:
        """Work off what no queue speaks of: batches set aside, and rows open or parked too long."""
        with ThreadPoolExecutor(self._pace.parallel) as pool:
            self._each(pool, self._redrive_batch, list(self._ports.set_aside.references()))
            self._each(pool, self._resend, self._ports.ledger.in_state(State.OPEN))
            self._each(pool, self._settle, self._ports.ledger.in_state(State.PARKED))

    def _each(
        self, pool: ThreadPoolExecutor, work: Callable[[Any], None], everything: Iterable[Any]
    ) -> None:
        rest = iter(everything)
        while self._has_room(self._time.now_ms()) and (batch := list(islice(rest, _A_BATCH))):
            list(pool.map(work, batch))

    def _receive(self, queue: str) -> Sequence[DeadLetter]:
        if not self._has_room(self._time.now_ms()):
            return []
        room = _A_BATCH if self._pace.most is None else self._pace.most - self._begun
        received = self._letters.receive(queue, min(_A_BATCH, room), HIDDEN_SECONDS)
        self._hidden |= {letter.message_id: letter for letter in received}
        return received

    def _is_new(self, letter: DeadLetter) -> bool:
        is_new = letter.message_id not in self._seen
        self._seen.add(letter.message_id)
        return is_new

    def _work(self, letter: DeadLetter) -> None:
        wanted = self._wanted.passes(letter, self._time.now_ms())
        if wanted and not self._has_turn():
            return
        unwanted = Result(RedriveOutcome.LEFT, "not among those wanted", done=False)
        result = self._result(letter) if wanted else unwanted
        if result.done and self._execute:
            try:
                self._letters.delete(letter)
            except ReconcilerError as problem:
                result = Result(result.outcome, f"{result.why}; not deleted: {problem}", done=False)
        with self._lock:
            if result.done and self._execute:
                del self._hidden[letter.message_id]
            else:
                self.left.append((letter, result))
        self._end(letter.queue, letter.message_id, result)

    def _result(self, letter: DeadLetter) -> Result:
        beat = _Beat(self._letters, letter, self._time.now_ms)
        try:
            beat()
            return self._redriver.redrive(letter.body, beat)
        except ReconcilerError as problem:
            return Result(RedriveOutcome.LEFT, reason_of(problem), done=False)

    def _redrive_batch(self, reference: str) -> None:
        if reference not in self._seen and self._has_turn():
            self._seen.add(reference)
            self._end(SET_ASIDE, reference, self._redriver.redrive_batch(reference))

    def _resend(self, row: Row) -> None:
        name = row.conflict_id
        is_late = row.state_at_ms <= self._time.now_ms() - OPEN_LONG_MS
        if is_late and name not in self._seen and self._has_turn():
            self._seen.add(name)
            self._end(OPEN_ROWS, name, self._redriver.resend(row))

    def _settle(self, row: Row) -> None:
        result = self._redriver.settle(row)
        if result is not None:
            self._end(PARKED_ROWS, row.conflict_id, result)

    def _end(self, queue: str, about: str, result: Result) -> None:
        with self._lock:
            self.tally.add(queue, result.outcome)
            self._hear(queue, about, result)

    def _has_room(self, at_ms: float) -> bool:
        pace = self._pace
        in_time = pace.until_ms is None or at_ms < pace.until_ms
        return in_time and (pace.most is None or self._begun < pace.most)

    def _has_turn(self) -> bool:
        """Wait for a turn and take it; return whether there was one left."""
        with self._lock:
            now = self._time.now_ms()
            turn = max(self._next_ms, now)
            if not self._has_room(turn):
                return False
            self._begun += 1
            if self._pace.rate is not None:
                self._next_ms = turn + 1000 / self._pace.rate
        if turn > now:
            self._time.sleep_seconds((turn - now) / 1000)
        return True

    def _show_again(self) -> None:
        for letter in self._hidden.values():
            with suppress(ReconcilerError):  # it shows by itself when its time is over
                self._letters.keep(letter, 0)
        self._hidden.clear()


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
    for content in contents(body):
        yield from keys_of(content)
