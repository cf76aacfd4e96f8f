"""Equality of items in wire format."""

import pytest

from reconciler.aws_model.equality import Item, same_item


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": {"N": "1"}}, {"n": {"N": "1.0"}}),
        ({"n": {"N": "1E+2"}}, {"n": {"N": "100"}}),
        ({"s": {"SS": ["a", "b"]}}, {"s": {"SS": ["b", "a"]}}),
        ({"s": {"NS": ["1", "2"]}}, {"s": {"NS": ["2.0", "1"]}}),
        ({"m": {"M": {"l": {"L": [{"N": "1"}]}}}}, {"m": {"M": {"l": {"L": [{"N": "1.0"}]}}}}),
    ],
)
def test_items_that_dynamodb_stores_alike_are_the_same(one: Item, other: Item) -> None:
    assert same_item(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": {"N": "1"}}, {"n": {"S": "1"}}),
        ({"n": {"N": "0"}}, {"n": {"BOOL": False}}),
        ({"m": {"M": {"x": {"N": "0"}}}}, {"m": {"M": {"x": {"BOOL": False}}}}),
        ({"l": {"L": [{"S": "a"}, {"S": "b"}]}}, {"l": {"L": [{"S": "b"}, {"S": "a"}]}}),
        ({"a": {"S": "x"}}, {"b": {"S": "x"}}),
        ({"a": {"S": "x"}}, None),
    ],
)
def test_items_that_a_reader_can_tell_apart_differ(one: Item, other: Item | None) -> None:
    assert not same_item(one, other)


def test_two_absent_items_are_the_same() -> None:
    assert same_item(None, None)
