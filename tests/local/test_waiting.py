"""What ends a wait is that nothing moves, however long that takes."""

from typing import Any

import pytest

from reconciler.local import waiting
from reconciler.local.errors import LocalCloudError, ServerSilent
from reconciler.local.waiting import await_children, await_rest


class Time:
    """A clock that each sleep moves on by a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, _: float) -> None:
        self.now += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(waiting, "time", time)
    return time


class Starting:
    """A child that uses the processor until a time."""

    name = "worker-us-east-1"

    def __init__(self, clock: Time, busy_until: float) -> None:
        self._clock, self._busy_until = clock, busy_until

    def cpu_seconds(self) -> float:
        return min(self._clock.now, self._busy_until)


def test_a_start_of_minutes_is_waited_for_and_told_as_long_as_the_child_is_at_work(
    clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    child: Any = Starting(clock, busy_until=300)

    await_children(lambda: [child] if clock.now < 310 else [])

    assert "worker-us-east-1 at work on the start for 11 s: waiting" in caplog.text


def test_a_child_that_does_nothing_ends_the_start(clock: Time) -> None:
    child: Any = Starting(clock, busy_until=60)

    with pytest.raises(LocalCloudError, match="worker-us-east-1 did not start, and did nothing"):
        await_children(lambda: [child])
    assert 85 < clock.now < 95


def test_settling_waits_as_long_as_a_count_changes(clock: Time) -> None:
    def look() -> tuple[dict[str, Any], list[str]]:
        return {"pending": 100 - clock.now // 20}, ["work"] if clock.now < 500 else []

    await_rest(look, lambda: None, 30)

    assert clock.now >= 500


def test_settling_ends_when_no_count_has_changed_and_names_what_is_busy(clock: Time) -> None:
    with pytest.raises(LocalCloudError, match="nothing moved for 30 s: this; that"):
        await_rest(lambda: ({"pending": 7}, ["this", "that"]), lambda: None, 30)


def test_a_server_that_is_silent_for_a_while_is_asked_again(clock: Time) -> None:
    def look() -> tuple[dict[str, Any], list[str]]:
        if clock.now < 20:
            raise ServerSilent("no answer")
        return {}, []

    await_rest(look, lambda: None, 30)

    assert clock.now == 20
