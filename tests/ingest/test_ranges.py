"""Where an object is split."""

import pytest

from reconciler.ingest.ranges import MOST_RANGES, RANGE_BYTES, Range, ranges_of
from reconciler.ingest.source import Form, Packing

TIB = 2**40


@pytest.mark.parametrize("size", [0, 1, RANGE_BYTES, RANGE_BYTES + 1, 50 * TIB])
def test_ranges_follow_each_other_from_the_first_byte_to_the_last(size: int) -> None:
    ranges = list(ranges_of(size, Form.JSON, Packing.PLAIN))

    assert [each.start for each in ranges] == [0, *(each.end for each in ranges[:-1])]
    assert ranges[-1].end is None
    assert len(ranges) <= MOST_RANGES


@pytest.mark.parametrize(
    ("form", "packing"),
    [(Form.CSV, Packing.PLAIN), (Form.JSON, Packing.GZIP), (Form.JSON, Packing.ZSTD)],
)
def test_what_has_no_places_to_begin_at_is_one_range(form: Form, packing: Packing) -> None:
    assert list(ranges_of(100 * RANGE_BYTES, form, packing)) == [Range(0)]
