"""Durations: what people write and read, and nothing that could be taken for something else."""

import pytest

from reconciler.errors import InvalidInput
from reconciler.text.durations import duration_in_words, duration_ms, duration_text

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0s", 0), ("90s", 90_000), ("15m", 900_000), ("2h", 2 * HOUR), ("3d", 72 * HOUR)],
)
def test_a_number_and_its_unit_are_read(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "2", "h", "2 h", "-2h", "1.5h", "2H", "2w", "2h30m", "2ms", "²h"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="such as 2h"):
        duration_ms(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (999, "0s"),
        (59_999, "59s"),
        (60_000, "1m"),
        (HOUR - 1, "59m"),
        (7_300_000, "2h"),
        (200_000_000, "2d"),
    ],
)
def test_a_duration_is_told_in_its_largest_whole_unit(milliseconds: int, text: str) -> None:
    assert duration_text(milliseconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_250, "1.2 s"),
        (60_000, "1 min"),
        (2 * HOUR + 299_999, "2 h 4 min"),
        (50 * HOUR + 59_999, "2 d 2 h"),
        (24 * HOUR + 300_000, "1 d 5 min"),
    ],
)
def test_in_words_a_duration_takes_at_most_two_units(milliseconds: int, text: str) -> None:
    assert duration_in_words(milliseconds) == text
