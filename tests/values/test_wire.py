"""Wire values: every type, exact numbers, one canonical form."""

from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InvalidInput, Undecodable
from reconciler.values.wire import (
    canonical,
    canonical_bytes,
    digest,
    from_wire,
    number_text,
    rounded_number_text,
    to_json,
    to_wire,
)
from tests.builders import as_stream

DIGITS_38 = int("12345678901234567890123456789012345678")
VALUES: list[tuple[Any, dict[str, Any]]] = [
    ("Ada", {"S": "Ada"}),
    ("", {"S": ""}),
    ("é漢", {"S": "é漢"}),
    (0, {"N": "0"}),
    (-7, {"N": "-7"}),
    (Decimal("3.14"), {"N": "3.14"}),
    (DIGITS_38, {"N": str(DIGITS_38)}),
    (b"\x00\xff", {"B": b"\x00\xff"}),
    (True, {"BOOL": True}),
    (False, {"BOOL": False}),
    (None, {"NULL": True}),
    ({"b": 1, "a": [None]}, {"M": {"a": {"L": [{"NULL": True}]}, "b": {"N": "1"}}}),
    ([], {"L": []}),
    ({}, {"M": {}}),
    ({"b", "a"}, {"SS": ["a", "b"]}),
    ({10, 9}, {"NS": ["10", "9"]}),
    ({b"b", b"a"}, {"BS": [b"a", b"b"]}),
]


@pytest.mark.parametrize(("value", "wire"), VALUES, ids=[to_json(wire) for _, wire in VALUES])
def test_every_type_goes_to_the_wire_and_back(value: Any, wire: dict[str, Any]) -> None:
    assert canonical(to_wire(value, ("x",))) == wire
    assert from_wire(wire) == value
    assert type(from_wire(wire)) is type(value)


@pytest.mark.parametrize(("value", "wire"), VALUES, ids=[to_json(wire) for _, wire in VALUES])
def test_a_stream_value_has_the_canonical_form_of_the_api_value(
    value: Any, wire: dict[str, Any]
) -> None:
    assert canonical(as_stream({"x": wire})["x"]) == wire
    assert from_wire(canonical(as_stream({"x": wire})["x"])) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-0", "0"),
        ("0.000", "0"),
        ("1.0", "1"),
        ("1E2", "100"),
        ("100", "100"),
        ("0.10", "0.1"),
        ("-1.50", "-1.5"),
        ("007", "7"),
        ("+5", "5"),
        ("1E-130", "1E-130"),
        ("-1E-130", "-1E-130"),
        ("9.99E+125", "9.99E+125"),
        ("9.9999999999999999999999999999999999999E+125",) * 2,
        (str(DIGITS_38) + "00", str(DIGITS_38) + "00"),
    ],
)
def test_equal_numbers_have_one_text(text: str, shown: str) -> None:
    assert canonical({"N": text}) == {"N": shown}
    assert canonical({"N": shown}) == {"N": shown}


@pytest.mark.parametrize(
    "text", ["1" * 39, "1E126", "1E-131", "NaN", "Infinity", "-Infinity", "sNaN", "x", "", "1,5"]
)
def test_a_number_that_dynamodb_cannot_hold_is_not_a_wire_value(text: str) -> None:
    with pytest.raises(Undecodable, match="not a DynamoDB value"):
        canonical({"N": text})


@pytest.mark.parametrize("text", [" 1", "1 ", "1_000", "\u0661", "1e 3", "."])
def test_a_text_that_is_a_number_to_python_alone_is_not_a_wire_value(text: str) -> None:
    """A put of it was made a number and sent, where DynamoDB refuses it."""
    with pytest.raises(Undecodable, match="not a DynamoDB value"):
        canonical({"N": text})


@pytest.mark.parametrize("text", ["+3", ".5", "5.", "007", "-1.5e+2"])
def test_a_number_is_written_in_all_the_ways_that_dynamodb_takes(text: str) -> None:
    assert canonical({"N": text}) == {"N": number_text(Decimal(text))}


NUMBERS = st.builds(
    lambda digits, exponent: Decimal(f"{digits}E{exponent}"),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-92, 88),
)


@given(number=NUMBERS)
def test_38_digits_survive_exactly(number: Decimal) -> None:
    text = number_text(number)
    assert Decimal(text) == number
    assert from_wire(to_wire(number, ("x",))) == number


@given(number=NUMBERS)
def test_a_number_has_one_text_however_its_digits_are_written(number: Decimal) -> None:
    ways = (str(number), f"{number:f}", f"{number:e}")
    assert {canonical({"N": way})["N"] for way in ways} == {number_text(number)}
    assert (number_text(number.copy_negate()) == number_text(number)) == (number == 0)


def test_a_sum_too_long_for_dynamodb_is_shown_to_38_digits() -> None:
    assert rounded_number_text(Decimal(10**40) + 1) == "1E+40"
    assert Decimal(rounded_number_text(Decimal("2E126"))) < Decimal("1E126")
    assert Decimal(rounded_number_text(Decimal("-2E126"))) > Decimal("-1E126")
    assert rounded_number_text(Decimal("1E-140")) == "0"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, r"x: 1\.5 is a float, which is not exact; use Decimal\('1\.5'\)"),
        ([{"y": 0.1}], r"x\.0\.y: 0\.1 is a float.*Decimal\('0\.1'\)"),
        ({0.5}, "x: 0.5 is a float"),
        (10**38 + 1, "x: .*39 significant digits; DynamoDB holds 38; store it as a string"),
        (Decimal("1E126"), "outside DynamoDB's range of 1E-130 to 9.9E\\+125"),
        (Decimal("NaN"), "x: NaN not a finite number"),
        (set(), "x: DynamoDB has no empty set; remove the attribute"),
        ({"a", 1}, "x: a set holds only strings, only numbers or only bytes; use a list"),
        ({True}, "a set holds only"),
        ({None}, "a set holds only"),
        ({1: "a"}, "x: map key 1 must be a string"),
        ({"y": {None: 1}}, r"x\.y: map key None must be a string"),
        (object(), "x: DynamoDB cannot hold a object"),
        ("\ud800", "x: .* is not UTF-8 text; use bytes"),
        ({"\ud800": 1}, "x: .* is not UTF-8 text"),
    ],
)
def test_a_value_dynamodb_cannot_hold_is_refused_with_its_path_and_a_fix(
    value: Any, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        to_wire(value, ("x",))


def test_a_value_nests_26_levels_and_no_more() -> None:
    value: Any = 1
    for _ in range(25):
        value = [value]
    assert from_wire(to_wire(value, ("x",))) == value
    with pytest.raises(InvalidInput, match=r"x.*: nested deeper than 26 levels"):
        to_wire([value], ("x",))


@pytest.mark.parametrize(
    "wire",
    [
        None,
        {},
        {"S": "a", "N": "1"},
        {"X": 1},
        {"L": {"a": 1}},
        {"L": [{"Q": 1}]},
        {"NS": ["x"]},
        {"B": "not base64!"},
        {"SS": 5},
        "text",
        7,
    ],
)
def test_what_is_no_wire_value_is_undecodable(wire: Any) -> None:
    with pytest.raises(Undecodable, match="not a DynamoDB value"):
        canonical(wire)


@given(words=st.lists(st.text(max_size=3), min_size=1, max_size=6))
def test_sets_are_sorted_and_distinct_in_any_order(words: list[str]) -> None:
    forward, backward = canonical({"SS": words}), canonical({"SS": words[::-1]})
    assert forward == backward == {"SS": sorted(set(words))}


def test_numbers_of_a_set_are_one_element_however_they_are_written() -> None:
    assert canonical({"NS": ["1.0", "1", "1E0", "20"]}) == {"NS": ["1", "20"]}


def test_canonical_bytes_tell_values_and_types_apart() -> None:
    wires: list[Any] = [
        None,
        {"S": "1"},
        {"N": "1"},
        {"B": b"1"},
        {"BOOL": True},
        {"L": []},
        {"SS": ["1"]},
    ]
    assert len({canonical_bytes(wire) for wire in wires}) == len(wires)
    assert canonical_bytes({"M": {"a": {"S": "x"}, "b": {"S": "y"}}}) == canonical_bytes(
        {"M": {"b": {"S": "y"}, "a": {"S": "x"}}}
    )


@given(data=st.binary(max_size=40), width=st.integers(1, 22))
def test_a_digest_is_short_text_that_follows_from_its_data(data: bytes, width: int) -> None:
    assert len(digest(data, width)) == width
    assert digest(data, width) == digest(data, width)
    assert digest(data, 22) != digest(data + b"x", 22)


class Status(str, Enum):  # noqa: UP042 (as many programs have them)
    ACTIVE = "active"


class Level(IntEnum):
    HIGH = 3


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (Status.ACTIVE, {"S": "active"}),
        (Level.HIGH, {"N": "3"}),
        (Colour.RED, {"S": "red"}),
        ({Status.ACTIVE}, {"SS": ["active"]}),
        ([Status.ACTIVE], {"L": [{"S": "active"}]}),
        (Binary(b"x"), {"B": b"x"}),
    ],
)
def test_enums_and_boto3s_binary_are_the_values_they_stand_for(value: Any, wire: Any) -> None:
    found = to_wire(value, ("field",))
    assert found == wire
    assert to_json(found) == to_json(wire)
