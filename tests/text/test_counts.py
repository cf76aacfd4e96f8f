"""Counts: one of something is not several."""

import pytest

from reconciler.text.counts import count_in_words


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "problem", "0 problems"),
        (1, "problem", "1 problem"),
        (2, "problem", "2 problems"),
        (1, "loss", "1 loss"),
        (1_200, "loss", "1,200 losses"),
    ],
)
def test_one_is_not_several(count: int, noun: str, words: str) -> None:
    assert count_in_words(count, noun) == words
