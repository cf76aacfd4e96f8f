"""What is kept of a failure: one line, of bounded length, that quotes no item."""

import pytest

from reconciler.errors import MOST_REASON, Undecodable, bounded, reason_of


def test_a_reason_names_the_error_and_says_why() -> None:
    assert reason_of(Undecodable("it is broken")) == "Undecodable: it is broken"


def test_of_an_error_that_would_quote_its_input_only_the_name_is_kept() -> None:
    assert reason_of(KeyError("a secret")) == "KeyError"


@pytest.mark.parametrize("text", ["x" * 501, "\x00" * 110_000, "é\x1b" * 300, "\ud800" * 900])
def test_a_reason_is_one_line_of_at_most_500_characters_that_any_screen_takes(text: str) -> None:
    kept = bounded(text)
    assert len(kept) <= MOST_REASON
    assert kept.isprintable()
    kept.encode()


def test_a_short_reason_is_kept_as_it_is() -> None:
    assert bounded("naïve") == "naïve"
    assert bounded("a\nb\x1b]0;x\x07") == "a\\nb\\x1b]0;x\\x07"


def test_a_reason_of_our_own_errors_is_bounded_too() -> None:
    assert len(reason_of(Undecodable("x" * 9_000))) <= MOST_REASON
    assert reason_of(Undecodable("a\nb")) == "Undecodable: a\\nb"
