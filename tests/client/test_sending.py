"""Sending until an answer comes: pauses, attempts, and no longer than a fold's margin allows."""

from itertools import count
from typing import Any

import pytest

from reconciler.client.sending import Retries, Sender, Surroundings
from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS
from reconciler.errors import OutcomeUnknown, Unavailable
from reconciler.ports import Replacement
from tests.builders import assign, written

WRITE = Replacement(written(assign("name", "Ada")), None)


class Slow:
    """A process in which each pause takes what it says, and each look at the clock `call_ms`."""

    def __init__(self, retries: Retries, call_ms: int = 0) -> None:
        self.pauses: list[float] = []
        self._now_ms = count(0, call_ms)
        self.sender = Sender(
            retries,
            Surroundings(lambda: next(self._now_ms), self.pauses.append, lambda: 1.0, lambda: b""),
        )


def failing(problem: Exception, sent: list[int]) -> Any:
    def send() -> None:
        sent.append(1)
        raise problem

    return send


def test_pauses_double_up_to_the_longest() -> None:
    process = Slow(Retries(attempts=8))
    with pytest.raises(Unavailable):
        process.sender.answered(failing(Unavailable("throttled"), []))
    assert process.pauses == [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0]


def test_the_attempts_that_are_asked_for_are_made() -> None:
    sent: list[int] = []
    with pytest.raises(Unavailable, match="throttled"):
        Slow(Retries(attempts=3)).sender.answered(failing(Unavailable("throttled"), sent), WRITE)
    assert len(sent) == 3


@pytest.mark.parametrize("problem", [Unavailable("throttled"), OutcomeUnknown("no answer")])
def test_a_write_is_given_up_before_a_fold_could_cover_it(problem: Exception) -> None:
    sent: list[int] = []
    process = Slow(Retries(attempts=100), call_ms=CLOCK_SKEW_MARGIN_MS // 8)
    with pytest.raises(type(problem)):
        process.sender.answered(failing(problem, sent), WRITE)
    assert len(sent) == 5
