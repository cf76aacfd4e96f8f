"""Sending calls until they are answered: how often, how long apart, and when nobody can tell.

Each try sends the same images under the same conditions, so at most one takes effect. Pauses
double, up to a longest one, and each is drawn from all of its length: writers that met once do not
meet again at the next try.
HAZARD if a write were still sent when a fold margin has passed since its epoch was drawn: the fold
could cover it unseen. So one write is sent for half a margin at most, then it is given up.
Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from reconciler.client.lost_answers import carried_out, unsettled
from reconciler.conflict import folding
from reconciler.errors import NOT_LOGGED_IN, Contention, OutcomeUnknown, Unavailable
from reconciler.ports import ItemStore, Naming, Replacement, Superseded
from reconciler.text.counts import count_in_words

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Retries:
    """How often a client tries, and the pauses between: enough for a crowd on one item."""

    attempts: int = 30
    first_pause_seconds: float = 0.02
    longest_pause_seconds: float = 1.0


@dataclass(frozen=True)
class Surroundings:
    """What a client takes from its process.

    `monotonic_ms` is a clock that nobody sets. `sleep` takes seconds. `draw` returns a random
    number in [0, 1). `fresh` returns random bytes of the operating system, others at each call:
    HAZARD if two processes could draw the same ones. `time_is_sure` says whether the clock behind
    the stamps is known to follow the region's time; if not, the next answer tells (W6).
    `clock_off_ms` is how far this machine's clock is ahead of that time. `process` names the
    process, so that a fork knows that it is another one.
    """

    monotonic_ms: Callable[[], int]
    sleep: Callable[[float], None]
    draw: Callable[[], float]
    fresh: Callable[[], bytes]
    time_is_sure: Callable[[], bool] = lambda: True
    clock_off_ms: Callable[[], int] = lambda: 0
    process: Callable[[], int] = lambda: 0


class Sender:
    """Sends one client's calls, until they are answered or the retries are used up."""

    def __init__(self, retries: Retries, surroundings: Surroundings) -> None:
        self.retries = retries
        self.time_is_sure = surroundings.time_is_sure
        self.clock_off_ms = surroundings.clock_off_ms
        self._around = surroundings

    def answered(
        self, send: Callable[[], Answer], *writes: Replacement | Naming
    ) -> tuple[Answer, bool]:
        """Return the answer, and whether an earlier try may have been carried out.

        OutcomeUnknown if no try was answered and one may have been; Unavailable if none was made.
        """
        doubtful, refusal = False, Unavailable("no try was made")
        until_ms = self._around.monotonic_ms() + folding.CLOCK_SKEW_MARGIN_MS // 2
        for attempt in range(self.retries.attempts):
            if attempt:
                self.pause(attempt - 1)
            if attempt and writes and self._around.monotonic_ms() > until_ms:
                break
            try:
                return send(), doubtful
            except OutcomeUnknown:
                doubtful = True
            except Unavailable as problem:
                refusal = problem
                if problem.evidence.get("code") == NOT_LOGGED_IN:
                    break  # a person must log in: to try on would be half a minute of silence
        if doubtful:
            raise unsettled(*writes)
        raise refusal

    def put(self, store: ItemStore, write: Replacement) -> Superseded | None:
        """Send a conditional write; None if it was carried out, whatever became of its answers."""
        refusal, doubtful = self.answered(partial(store.put, write), write)
        if refusal is None or not doubtful:
            return refusal
        if carried_out(write, refusal.current):
            return None
        raise unsettled(write)

    def contention(self, what: str) -> Contention:
        """Return the error that says what was tried: `what` kept changing."""
        return Contention(
            f"{what} changed in each of {count_in_words(self.retries.attempts, 'attempt')}, at most"
            f" {self.retries.longest_pause_seconds:g} s apart; nothing was written. Try again, give"
            " the client more Retries, or let fewer writers share the item",
            attempts=self.retries.attempts,
        )

    def pause(self, attempt: int) -> None:
        """Wait before the next try; `attempt` counts from 0."""
        doubled = self.retries.first_pause_seconds * 2 ** min(attempt, 30)
        longest = min(self.retries.longest_pause_seconds, doubled)
        self._around.sleep(longest * self._around.draw())
