"""The lines of a text that comes in pieces, and the rows of CSV, each with the byte it begins at.

Memory is bounded by the longest line that can hold an item; of a longer one only its place is told.
A row of CSV may have line ends inside quotes. A row that is none, as where a quote is never closed,
is its first line alone: the next line is tried as a row again.
HAZARD if a quote inside a field that is not quoted were taken literally: the second half of a row
that was cut in two would pass for a row, and be written.
Source: RFC 4180.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

LONGEST = 2**20  # bytes of a line: an item of 400 KB, with escapes
_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_ROW = re.compile(rb"(%b(?:,%b)*+)\r?\n" % (_FIELD, _FIELD))
_FIELDS = re.compile(rb"(?:^|,)(%b)" % _FIELD)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """One line: where it begins, its text without its end, and how many line ends it takes.

    `text` is None for one that is too long. `is_row`: whether it is a row, if it is to be one.
    """

    at: int
    text: bytes | None
    ends: int = 1
    is_row: bool = True


def lines_in(pieces: Iterator[bytes], at: int) -> Iterator[Line]:
    """Yield the lines of a text whose first byte is at `at`."""
    held, dropped = b"", 0  # of the line that has not ended: what is kept, and how much is not
    for piece in pieces:
        *ended, held = (held + piece).split(b"\n")
        for text in ended:
            yield _line(at, text, dropped)
            at, dropped = at + dropped + len(text) + 1, 0
        if len(held) > LONGEST:
            held, dropped = b"", dropped + len(held)
    if held or dropped:
        yield _line(at, held, dropped)


def lines_from(pieces: Iterator[bytes], start: int) -> Iterator[Line]:
    """Yield the lines that begin at `start` or later; the text is given from the byte before it."""
    if not start:
        yield from lines_in(pieces, 0)
        return
    lines = lines_in(pieces, start - 1)
    next(lines, None)  # the end of the line that began earlier, if only its line end
    yield from lines


def rows_in(pieces: Iterator[bytes], at: int) -> Iterator[Line]:
    """Yield the rows of a text whose first byte is at `at`, which is where a row begins."""
    held, place, more = b"", 0, True
    while True:
        found = _ROW.match(held, place)
        if found:
            text, end = found[1], found.end()
            yield replace(_line(at, text), ends=held.count(b"\n", place, end))
        elif more and len(held) - place <= LONGEST:
            piece = next(pieces, None)
            held, place, more = held[place:] + (piece or b""), 0, piece is not None
            if not more and held and not held.endswith(b"\n"):
                held += b"\n"
            continue
        elif place == len(held):
            return
        elif (end := held.find(b"\n", place) + 1) > 0:
            yield replace(_line(at, held[place : end - 1]), is_row=False)
        else:
            yield Line(at, None)
            passed, held = _after_line(pieces, held[place:])
            at, place = at + passed, 0
            continue
        at, place = at + end - place, end


def fields_of(row: bytes) -> list[bytes]:
    """Return the fields of a row, without their quotes."""
    return [
        field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field
        for field in _FIELDS.findall(row)
    ]


def _after_line(pieces: Iterator[bytes], held: bytes) -> tuple[int, bytes]:
    """Return how many bytes there are to the end of a line, and what is behind it."""
    passed = 0
    for piece in chain([held], pieces):
        end = piece.find(b"\n") + 1
        if end:
            return passed + end, piece[end:]
        passed += len(piece)
    return passed, b""


def _line(at: int, text: bytes, dropped: int = 0) -> Line:
    too_long = dropped or len(text) > LONGEST
    told = text.removesuffix(b"\r") if at else text.removesuffix(b"\r").removeprefix(_BOM)
    return Line(at, None if too_long else told)
