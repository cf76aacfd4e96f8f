"""Plain values as JSON: exact both ways, and what is none of them is refused by name."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InvalidInput
from reconciler.text.plain_json import json_text, parse_json, plain_value

NUMBERS = st.one_of(
    st.integers(-(10**37), 10**37), st.decimals(-1000, 1000, allow_nan=False, places=3)
)
MEMBERS = st.one_of(
    st.sets(st.text(), min_size=1),
    st.sets(st.integers(-9, 9), min_size=1),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(), st.binary(), MEMBERS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.sampled_from(["city", "visits"]), inner)
    ),
    max_leaves=8,
)


@given(value=VALUES)
def test_what_is_printed_is_read_back_as_it_was(value: Any) -> None:
    assert plain_value(parse_json(json_text(value), "value"), "value") == value


def test_plain_values_are_told_as_json_with_exact_numbers() -> None:
    value = {
        "n": Decimal("0.12345678901234567890123456789012345678"),
        "s": {"b", "a"},
        "x": b"\x00",
    }
    assert json_text([value, None, True, 'é"']) == (
        '[{"n": 0.12345678901234567890123456789012345678, "s": {"set": ["a", "b"]},'
        ' "x": {"bytes": "AA=="}}, null, true, "é\\""]'
    )


def test_numbers_that_are_read_keep_every_digit() -> None:
    text = "0.1234567890123456789012345678901234567"
    assert json_text(parse_json(text, "value")) == text
    assert json_text(Decimal("2.50")) == "2.5"


def test_sets_and_binary_are_objects_with_one_name() -> None:
    assert json.loads(json_text({"b", "a"})) == {"set": ["a", "b"]}
    assert json.loads(json_text(b"\x00\xff")) == {"bytes": "AP8="}
    assert plain_value({"set": ["a"], "more": 1}, "value") == {"set": ["a"], "more": 1}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is no JSON"),
        ("NaN", "holds no NaN"),
        ('{"set": [["a"]]}', "a set holds strings, numbers or bytes"),
        ('{"bytes": "?"}', "is no base64 text"),
    ],
)
def test_what_is_no_plain_value_is_refused_and_names_whose_it_is(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=f"--set tags: .*{why}"):
        plain_value(parse_json(text, "--set tags"), "--set tags")
