"""A worker goes on after calls that failed, as Lambda does; a fault of its own ends it."""

from collections.abc import Callable
from threading import Event

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from reconciler.local.errors import ServerSilent
from reconciler.local.worker.process import patiently, take_turns

FAILURES = [
    ReadTimeoutError(endpoint_url="http://127.0.0.1"),
    ClientError({"Error": {"Code": "InternalError"}}, "ReceiveMessage"),
    ServerSilent("no answer"),
]


class Polled:
    """A consumer of which each poll is one of the given, and the last one stops the worker."""

    def __init__(self, stop: Event, *polls: Callable[[], bool]) -> None:
        self.stop, self.polls = stop, list(polls)

    def poll(self) -> bool:
        poll = self.polls.pop(0)
        if not self.polls:
            self.stop.set()
        return poll()


def failing(error: Exception) -> Callable[[], bool]:
    def fail() -> bool:
        raise error

    return fail


@pytest.mark.parametrize("failure", FAILURES)
def test_a_call_that_failed_is_made_again_and_keeps_no_other_consumer_waiting(
    failure: Exception,
) -> None:
    stop = Event()
    broken = Polled(stop, failing(failure), lambda: True, lambda: False)
    other = Polled(Event(), lambda: True, lambda: True, lambda: True)

    take_turns([broken, other], stop)

    assert (broken.polls, other.polls) == ([], [])


def test_a_fault_of_its_own_ends_the_worker_for_it_to_be_started_again() -> None:
    stop = Event()
    with pytest.raises(ZeroDivisionError):
        take_turns([Polled(stop, failing(ZeroDivisionError()), lambda: True)], stop)


def test_a_start_whose_first_calls_fail_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.local.worker.process._LONGEST_PAUSE_SECONDS", 0)
    failures = list(FAILURES)

    def make() -> str:
        if failures:
            raise failures.pop()
        return "made"

    assert patiently(make, Event()) == "made"


def test_a_start_that_never_succeeds_ends_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.local.worker.process._LONGEST_PAUSE_SECONDS", 0)
    with pytest.raises(ServerSilent):
        patiently(failing(ServerSilent("no answer")), Event())
