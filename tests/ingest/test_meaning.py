"""What a line means, and what is said of one that means nothing."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InvalidInput, ReconcilerError
from reconciler.ingest.meaning import header_of, meaning_of_json, meaning_of_row
from reconciler.item.schema import Schema
from reconciler.values.wire import to_json
from tests.builders import assign, written

SCHEMA = Schema.of(
    table="parties",
    key=["id"],
    attributes={
        "points": "counter_pn",
        "tags": "set_aw",
        "seen": "register_max",
        "active": "flag_ew",
        "contacts": {"type": "map_or", "values": {"type": "map_or", "fields": {"tags": "set_rw"}}},
    },
)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ('{"id": "p1", "name": "Ada"}', {"name": "Ada"}),
        ('{"id": "p1", "n": 12345678901234567890}', {"n": 12345678901234567890}),
        ('{"id": "p1", "n": 0.1}', {"n": Decimal("0.1")}),
        ('{"id": "p1", "n": 1e2}', {"n": Decimal("1E+2")}),
        ('{"id": "p1", "tags": ["a", "b"], "list": ["a"]}', {"tags": {"a", "b"}, "list": ["a"]}),
        ('{"id": "p1", "contacts": {"x": {"tags": ["a"]}}}', {"contacts": {"x": {"tags": {"a"}}}}),
        ('{"id": "p1", "gone": null, "ok": true}', {"gone": None, "ok": True}),
        ('{"Item": {"id": {"S": "p1"}, "n": {"N": "5"}, "b": {"B": "AAE="}}}', {"n": 5, "b": b"\0\1"}),  # noqa: E501
        ('{"Item": {"id": {"S": "p1"}, "tags": {"SS": ["a"]}}}', {"tags": {"a"}}),
    ],
)  # fmt: skip
def test_a_line_of_json(line: str, values: dict[str, Any]) -> None:
    found = meaning_of_json(line.encode(), SCHEMA)
    assert (found.key, found.values) == ({"id": "p1"}, values)


def test_an_exported_item_of_this_library_means_its_values_without_their_metadata() -> None:
    image = written(assign("name", "Ada"))
    found = meaning_of_json(to_json({"Item": image}).encode(), SCHEMA)
    assert (found.key, found.values) == ({"id": "p1"}, {"name": "Ada"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"secret", "no JSON"),
        (b'{"id": "secret"', "no JSON"),
        (b"\xff\xfe", "no JSON in UTF-8"),
        (b'"secret"', "no JSON object"),
        (b"[1]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"id": "p1", "n": NaN}', "finite numbers"),
        (b'{"id": "p1", "n": -Infinity}', "finite numbers"),
        (b'{"id": "p1", "n": 1e999}', "38 digits"),
        (b'{"id": "p1", "n": 1e999999999999}', "38 digits"),
        (b'{"id": "p1", "n": 1.' + b"1" * 40 + b"}", "38 digits"),
        (b'{"id": "p1", "n": ' + b"9" * 5_000 + b"}", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"name": "secret"}', "must name the key, id"),
        (b'{"id": "", "name": "secret"}', "must name the key, id"),
        (b'{"id": null, "name": "secret"}', "must name the key, id"),
        (b'{"id": true, "name": "secret"}', "must name the key, id"),
        (b'{"id": {"S": "secret"}, "name": 1}', "must name the key, id"),
        (b'{"id": "p1"}', "nothing beside the key"),
        (b'{"id": "p1", "tags": [["secret"]]}', "a set holds"),
        (b'{"Item": {"id": {"S": "p1"}, "n": {"X": "secret"}}}', "not a DynamoDB value"),
        (b'{"Item": 7}', "must name the key, id"),
        (b'{"Item": {"id": {"S": "p1"}, "_rec": {"S": "secret"}}}', "metadata|Undecodable|wire"),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_a_line_that_means_nothing_is_refused_without_what_is_in_it(
    line: bytes, reason: str
) -> None:
    with pytest.raises(ReconcilerError, match=reason) as refused:
        meaning_of_json(line, SCHEMA)
    assert "secret" not in str(refused.value)


def test_a_row_of_csv_is_typed_by_the_schema() -> None:
    header = header_of([b"id", b"points", b"active", b"seen", b"name", b"note"], SCHEMA)
    found = meaning_of_row([b"7", b"0.30", b"TRUE", b"2026-01-01", b"5", b""], header, SCHEMA)
    assert found.key == {"id": "7"}
    assert found.values == {
        "points": Decimal("0.30"),
        "active": True,
        "seen": "2026-01-01",
        "name": "5",
    }


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ([b"name"], "must name the key: id is missing"),
        ([b"id", b""], "a name of its own"),
        ([b"id", b"a", b"a"], "a name of its own"),
        ([b"id", b"_rec"], "reserved"),
        ([b"id", b"\xff"], "not UTF-8"),
    ],
)
def test_a_header_that_is_none_is_refused(header: list[bytes], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        header_of(header, SCHEMA)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([b"p1"], "1 fields, and the header 3"),
        ([b"p1", b"secret", b"true"], "38 digits"),
        ([b"p1", b"NaN", b"true"], "38 digits"),
        ([b"p1", b"1_000", b"true"], "38 digits"),
        ([b"p1", b"5", b"secret"], "active: a flag is true or false"),
        ([b"", b"5", b""], "must name the key"),
        ([b"p1", b"", b""], "nothing beside the key"),
        ([b"p1", b"\xff", b""], "not UTF-8"),
    ],
)
def test_a_row_that_means_nothing_is_refused_without_what_is_in_it(
    row: list[bytes], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        meaning_of_row(row, ("id", "points", "active"), SCHEMA)
    assert "secret" not in str(refused.value)


@given(st.binary(max_size=60))
def test_whatever_a_line_holds_it_means_something_or_is_refused(line: bytes) -> None:
    with suppress(ReconcilerError):
        assert meaning_of_json(line, SCHEMA).values
    with suppress(ReconcilerError):
        assert meaning_of_row([b"p1", line], ("id", "points"), SCHEMA).values
