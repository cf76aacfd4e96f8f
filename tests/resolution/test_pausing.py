"""How many write-backs of one item are too many, and for how long."""

import pytest

from reconciler.deployment.wiring import (
    HOME_SOURCE,
    LOOP_PAUSE,
    WITNESS_SOURCE,
    LoopPause,
    QueueSource,
)
from reconciler.resolution.pausing import WriteBacks

PAUSE = LoopPause(limit=2, window_seconds=10)


def made(*times: int, item: str = "p1") -> WriteBacks:
    """Return what is remembered of write-backs of one item at these milliseconds."""
    found = WriteBacks(PAUSE)
    for each in times:
        found.add(item, each)
    return found


@pytest.mark.parametrize(
    ("times", "paused"),
    [
        ((), False),
        ((20_000, 20_000), False),
        ((20_000, 20_000, 20_000), True),
        ((10_001, 15_000, 20_000), True),
        ((10_000, 15_000, 20_000), False),
        ((1_000, 2_000, 3_000, 10_001, 20_000, 20_000), True),
        ((1_000, 2_000, 3_000, 4_000, 5_000), False),
    ],
)
def test_more_write_backs_within_the_window_than_the_limit_are_too_many(
    times: tuple[int, ...], paused: bool
) -> None:
    assert made(*times).are_too_many("p1", 20_000) is paused


def test_items_are_counted_each_on_its_own() -> None:
    assert not made(1, 2, 3, item="p2").are_too_many("p1", 4)


def test_the_items_written_last_are_the_ones_remembered() -> None:
    found = made(1, 2, 3)
    for number in range(9_999):
        found.add(f"other {number}", 4)
    assert found.are_too_many("p1", 5)
    found.add("one more", 4)
    assert not found.are_too_many("p1", 5)


@pytest.mark.parametrize("source", [HOME_SOURCE, WITNESS_SOURCE])
def test_a_pause_ends_before_the_queue_gives_its_messages_up(source: QueueSource) -> None:
    last_delivery = (source.maximum_receive_count - 1) * source.visibility_timeout_seconds
    assert last_delivery > LOOP_PAUSE.window_seconds
