"""Lines of a text in pieces: each once, wherever the pieces and the ranges end."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ingest import lines
from reconciler.ingest.lines import Line, fields_of, lines_from, lines_in, rows_in
from reconciler.ingest.ranges import Range, ranges_of
from reconciler.ingest.source import Form, Packing

TEXTS = st.text('ab\n\r",é', max_size=60).map(str.encode)


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    return (text[start : start + size] for start in range(0, len(text), size))


def read(text: bytes, wanted: Range, size: int) -> list[Line]:
    """Return the lines of a range, as a function reads them."""
    before = max(wanted.start - 1, 0)
    found = lines_from(pieces(text[before:], size), wanted.start)
    return [each for each in found if wanted.end is None or each.at < wanted.end]


def plain(text: bytes) -> list[bytes]:
    ended = text.split(b"\n")
    return [each.removesuffix(b"\r") for each in (ended if ended[-1] else ended[:-1])]


@given(TEXTS, st.integers(1, 40), st.integers(1, 7))
def test_any_split_into_ranges_gives_each_line_exactly_once(
    text: bytes, range_bytes: int, size: int
) -> None:
    ranges = ranges_of(len(text), Form.JSON, Packing.PLAIN, range_bytes)

    found = [line for each in ranges for line in read(text, each, size)]

    assert [line.text for line in found] == plain(text)
    assert [line.at for line in found] == [line.at for line in lines_in(iter([text]), 0)]


@given(TEXTS, st.lists(st.integers(0, 60), max_size=5), st.integers(1, 7))
def test_so_does_any_list_of_places_to_split_at(text: bytes, cuts: list[int], size: int) -> None:
    starts = sorted({0, *cuts})
    ends: list[int | None] = [*starts[1:], None]

    found = [
        line
        for start, end in zip(starts, ends, strict=True)
        for line in read(text, Range(start, end), size)
    ]

    assert [line.text for line in found] == plain(text)


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_a_line_that_is_too_long_is_told_without_its_text_and_its_neighbours_are_read(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(lines, "LONGEST", 10)
    text = b"first\n" + b"x" * 50 + b"\nlast"
    for found in (lines_in(pieces(text, size), 0), rows_in(pieces(text, size), 0)):
        assert [(line.at, line.text) for line in found] == [
            (0, b"first"),
            (6, None),
            (57, b"last"),
        ]


@given(st.lists(st.lists(st.text("ab\n\",é", max_size=5), min_size=2, max_size=3), max_size=6),
       st.integers(1, 9), st.booleans())  # fmt: skip
def test_rows_of_csv_are_read_as_they_were_written_line_ends_in_quotes_included(
    rows: list[list[str]], size: int, is_windows: bool
) -> None:
    end = "\r\n" if is_windows else "\n"
    quoted = [",".join(f'"{each.replace(chr(34), chr(34) * 2)}"' for each in row) for row in rows]
    text = "".join(row + end for row in quoted).encode()

    found = list(rows_in(pieces(text, size), 0))

    assert [[f.decode() for f in fields_of(each.text or b"")] for each in found] == rows
    assert sum(each.ends for each in found) == text.count(b"\n")
    for row in found:  # each is a place to go on at
        assert next(rows_in(pieces(text[row.at :], size), row.at)) == row


@pytest.mark.parametrize(
    "bad", [b'"never closed,1', b'half",2', b'"a"b,3', b'a"b,4', b"a\rb,5"], ids=repr
)
def test_a_row_that_is_none_is_its_first_line_and_its_neighbours_are_read(bad: bytes) -> None:
    text = b"a,1\n" + bad + b"\nb,2\nc,3"

    found = list(rows_in(pieces(text, 4), 0))

    assert [(each.text, each.is_row) for each in found] == [
        (b"a,1", True),
        (bad, False),
        (b"b,2", True),
        (b"c,3", True),
    ]


def test_the_byte_order_mark_of_a_text_is_not_part_of_its_first_line() -> None:
    text = b"\xef\xbb\xbfid,n\n1,2\n"
    assert [each.text for each in lines_in(iter([text]), 0)] == [b"id,n", b"1,2"]
    assert [each.text for each in rows_in(iter([text]), 0)] == [b"id,n", b"1,2"]


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (b"", [b""]),
        (b",", [b"", b""]),
        (b",a,", [b"", b"a", b""]),
        (b'"a,b","say ""hi""",', [b"a,b", b'say "hi"', b""]),
    ],
)
def test_the_fields_of_a_row(row: bytes, fields: list[bytes]) -> None:
    assert fields_of(row) == fields
