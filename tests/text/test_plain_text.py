"""What reaches a terminal, a mail or a page is text, and obeys nobody but us."""

import subprocess

import pytest

from reconciler.text.page import escaped
from reconciler.text.plain_text import shell_word, shown, shown_lines


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J", r"\x9b2J"),  # C1: the same in one character
        ("a\r\nb\tc\x00\x7f", r"a\r\nb\tc\x00\x7f"),
        ("\u202eexe.txt\u2066\u200f\ufeff", r"\u202eexe.txt\u2066\u200f\ufeff"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, seen: str) -> None:
    assert shown(text) == seen
    assert escaped(text.replace("\n", "")) == shown(text.replace("\n", ""))


@pytest.mark.parametrize(
    "text", ["id=p1", "Ada Łovelace", "東京", "a b", "\\x1b", "नमस्‌ते", "👩‍🚀", "﷼ ۱۲۳"]
)
def test_all_else_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_what_is_no_text_is_shown_as_it_prints() -> None:
    assert shown(ValueError("a\nb")) == r"a\nb"


def test_our_own_lines_stay_lines() -> None:
    assert shown_lines("one\n\x1btwo\n") == "one\n\\x1btwo\n"


@pytest.mark.parametrize(
    "text", ["name=lost", "it's", "a\nb'c\\n\td", "\x1b[2J", "\x9bx", "\u202eab", "a\U000e0041'b"]
)
def test_a_shell_reads_a_word_of_one_line_as_the_text_it_stands_for(text: str) -> None:
    word = shell_word(text)
    read = subprocess.run(
        ["/bin/bash", "-c", f"printf %s {word}"],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    ).stdout.decode()

    assert shown(word) == word
    assert read == text
