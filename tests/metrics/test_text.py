"""Numbers, times and bars as people read them."""

import pytest

from reconciler.metrics.axis import time_marks, value_marks
from reconciler.metrics.readings import Window
from reconciler.metrics.text import clock, number, span, sparkline


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "ms", "quiet"),
        (0, "", "0"),
        (1204, "", "1,204"),
        (3.5, "", "3.5"),
        (123.4, "", "123"),
        (0, "ms", "0 ms"),
        (250, "ms", "250 ms"),
        (1250, "ms", "1.2 s"),
        (90_000, "ms", "1.5 min"),
        (7_200_000, "ms", "2 h"),
        (259_200_000, "ms", "3 d"),
        (312, "bytes", "312 B"),
        (2400, "bytes", "2.4 KB"),
    ],
)
def test_a_number_is_shown_in_the_unit_that_fits_it(
    value: float | None, unit: str, shown: str
) -> None:
    assert number(value, unit) == shown


def test_a_time_is_as_short_as_it_may_be() -> None:
    at_ms = 1_795_696_660_000
    assert clock(at_ms, 5, 300) == "12:37:40"
    assert clock(at_ms, 60, 3600) == "12:37"
    assert clock(at_ms, 3600, 7 * 86_400) == "Nov 26 12:37"
    assert clock(at_ms, 86_400, 7 * 86_400) == "Nov 26"


def test_a_window_in_words_names_its_day_once_if_it_can() -> None:
    noon = Window(start_ms=1_795_694_400_000, seconds=60, periods=60)
    assert span(noon) == "2026-11-26 12:00:00 to 13:00:00 UTC, in steps of 1 min"
    long = Window(start_ms=1_795_694_400_000, seconds=3600, periods=24)
    assert span(long) == "2026-11-26 12:00:00 to 2026-11-27 12:00:00 UTC, in steps of 1 h"


def test_the_highest_bar_is_full_the_least_is_seen_and_nothing_is_a_dot() -> None:
    assert sparkline([0, 1, 50, 100, None], most=100, width=5) == "▁▂▅█·"


def test_a_line_that_is_too_long_shows_the_greatest_of_each_part() -> None:
    assert sparkline([0, 8, 0, 0, None, None], most=8, width=3) == "█▁·"
    assert len(sparkline([1.0] * 61, most=1, width=40)) == 40


def test_a_quiet_line_is_flat() -> None:
    assert sparkline([0, 0], most=0, width=5) == "▁▁"


@pytest.mark.parametrize(
    ("most", "unit", "marks"),
    [
        (0, "", [0, 1]),
        (1, "", [0, 1]),
        (3, "", [0, 1, 2, 3]),
        (7, "", [0, 2, 4, 6, 8]),
        (100, "", [0, 50, 100]),
        (0, "ms", [0, 1]),
        (2500, "ms", [0, 1000, 2000, 3000]),
        (90_000, "ms", [0, 30_000, 60_000, 90_000]),
        (2400, "bytes", [0, 1000, 2000, 3000]),
    ],
)
def test_an_axis_has_few_round_marks_and_ends_above_the_greatest_value(
    most: float, unit: str, marks: list[float]
) -> None:
    assert value_marks(most, unit) == marks


def test_the_marks_of_time_are_round_and_within_the_window() -> None:
    step, marks = time_marks(Window(start_ms=12_345_000, seconds=5, periods=61))
    assert step == 60
    assert list(marks) == [12_360_000, 12_420_000, 12_480_000, 12_540_000, 12_600_000]
