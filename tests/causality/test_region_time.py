"""The region's time: dates of answers, whatever the machine's clock shows."""

import pytest

from reconciler.causality.region_time import RegionTime

NOON = 1_790_000_000_000
MINUTE, HOUR = 60_000, 3_600_000


class Machine:
    """A machine whose clock is off by some milliseconds and can be set."""

    def __init__(self, off_ms: int = 0) -> None:
        self.region_ms, self.off_ms, self.slept_ms = NOON, off_ms, 0
        self.time = RegionTime(
            lambda: self.region_ms + self.off_ms,
            lambda: self.region_ms - self.slept_ms + 77,
        )

    def answer(self) -> None:
        self.time.hear(self.region_ms // 1_000 * 1_000)


@pytest.mark.parametrize("off_ms", [-HOUR, -75_000, 75_000, 5 * HOUR])
def test_a_machine_that_is_off_follows_the_answers(off_ms: int) -> None:
    machine = Machine(off_ms)
    assert machine.time.now_ms() == NOON + off_ms  # nothing else is known yet
    machine.answer()
    assert abs(machine.time.now_ms() - machine.region_ms) <= 1_000
    machine.region_ms += 10 * MINUTE
    assert abs(machine.time.now_ms() - machine.region_ms) <= 1_000
    assert abs(machine.time.off_ms() - off_ms) <= 1_000


def test_a_clock_that_agrees_with_the_dates_is_taken_as_it_is() -> None:
    machine = Machine()
    machine.region_ms += 999
    machine.answer()
    assert machine.time.now_ms() == machine.region_ms
    assert machine.time.off_ms() == 0


def test_a_clock_that_is_set_between_answers_moves_nothing_and_is_noticed() -> None:
    machine = Machine()
    machine.answer()
    machine.off_ms = -HOUR
    assert machine.time.now_ms() == machine.region_ms
    assert not machine.time.is_sure()
    machine.answer()
    assert machine.time.is_sure()


def test_a_machine_that_slept_is_not_sure_until_the_next_answer() -> None:
    machine = Machine()
    machine.answer()
    machine.region_ms += HOUR
    machine.slept_ms = HOUR
    assert not machine.time.is_sure()
    machine.answer()
    assert machine.time.is_sure()
    assert machine.time.now_ms() == machine.region_ms


def test_without_any_answer_there_is_nothing_to_be_unsure_of() -> None:
    assert Machine(HOUR).time.is_sure()
