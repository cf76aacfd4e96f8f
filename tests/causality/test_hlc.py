"""The hybrid logical clock: text order is stamp order, and no stamp ever goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.hlc import (
    HLC_WIDTH,
    NONCE_WIDTH,
    WALL_WIDTH,
    Hlc,
    HybridClock,
    drift_ms,
    fixed_width,
    tick,
)

WALLS = st.integers(0, 64**7 - 2)
LOGICALS = st.integers(0, 64**2 - 1)


@given(a=st.tuples(WALLS, LOGICALS), b=st.tuples(WALLS, LOGICALS))
def test_stamps_sort_as_text_in_the_order_of_wall_and_logical(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    assert (Hlc.of(*a) < Hlc.of(*b)) == (a < b)
    assert len(Hlc.of(*a)) == HLC_WIDTH
    stamp = Hlc.of(*a)
    assert stamp.wall_ms == a[0]
    assert stamp.logical == a[1]


def test_wall_time_fits_until_the_year_2109() -> None:
    last_second_of_2108 = 4_386_355_199_000
    assert Hlc.of(last_second_of_2108).wall_ms == last_second_of_2108


@pytest.mark.parametrize("number", [-1, 64**4])
def test_a_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="does not fit in 4 base-64 digits"):
        fixed_width(number, 4)


@given(physical=WALLS, wall=WALLS, logical=LOGICALS)
def test_a_tick_exceeds_what_was_seen_and_is_the_least_that_does(
    physical: int, wall: int, logical: int
) -> None:
    seen = Hlc.of(wall, logical)
    stamp = tick(physical, seen)
    assert stamp > seen
    assert stamp.wall_ms >= physical
    if wall >= physical:
        after = Hlc.of(wall, logical + 1) if logical < 64**2 - 1 else Hlc.of(wall + 1)
        assert stamp == after
    else:
        assert stamp == Hlc.of(physical)


def test_the_logical_counter_carries_into_the_wall_when_it_is_full() -> None:
    assert tick(5, Hlc.of(7, 64**2 - 1)) == Hlc.of(8, 0)


def test_the_first_tick_is_wall_time() -> None:
    assert tick(5, None) == Hlc.of(5)


def test_drift_is_how_far_a_stamp_lies_ahead_and_never_negative() -> None:
    assert drift_ms(Hlc.of(1_500), 1_000) == 500
    assert drift_ms(Hlc.of(500), 1_000) == 0


@given(walls=st.lists(st.integers(0, 50), min_size=2, max_size=20), data=st.data())
def test_a_clock_gives_rising_stamps_and_epochs_whatever_the_wall_clock_does(
    walls: list[int], data: st.DataObject
) -> None:
    readings = iter(walls)
    clock = HybridClock(lambda: next(readings), lambda: "0000")
    seen = [data.draw(st.one_of(st.none(), st.builds(Hlc.of, st.integers(0, 60)))) for _ in walls]
    stamps = [clock.stamp(each) for each in seen]
    hlcs = [stamp.hlc for stamp in stamps]
    assert hlcs == sorted(set(hlcs))
    assert all(stamp.hlc > (each or "") for stamp, each in zip(stamps, seen, strict=True))
    epochs = [stamp.epoch for stamp in stamps]
    assert epochs == sorted(epochs)


def test_an_epoch_follows_the_physical_clock_and_not_a_foreign_stamp() -> None:
    clock = HybridClock(lambda: 1_000, lambda: "A7".rjust(NONCE_WIDTH, "-"))
    stamp = clock.stamp(Hlc.of(9_000_000))
    assert stamp.epoch == fixed_width(1_000, WALL_WIDTH) + "A7".rjust(NONCE_WIDTH, "-")
    assert stamp.hlc == Hlc.of(9_000_000, 1)
    assert clock.drift_ms() == 8_999_000


@pytest.mark.parametrize("text", ["", "0", "00000000000", "00000000000w", "0" * 13, "\u0660" * 12])
def test_text_that_is_no_stamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a stamp"):
        Hlc.parse(text)


def test_a_stamp_parses_as_itself() -> None:
    assert Hlc.parse(Hlc.of(123, 4)) == Hlc.of(123, 4)
