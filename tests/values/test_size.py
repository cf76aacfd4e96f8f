"""Sizes and depths, as DynamoDB counts them."""

from typing import Any

import pytest

from reconciler.errors import InvalidInput, ItemTooLarge
from reconciler.values.size import MAX_ITEM_BYTES, check_size, item_size


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ({"ab": {"S": "xyz"}}, 2 + 3),
        ({"é": {"S": "漢"}}, 2 + 3),
        ({"a": {"N": "1234"}}, 1 + 4),  # one byte for two digits, and two more
        ({"a": {"N": "-1234"}}, 1 + 5),
        ({"a": {"N": "1200"}}, 1 + 3),  # zeros at either end are free
        ({"a": {"N": "0"}}, 1 + 2),
        ({"a": {"B": b"1234"}}, 1 + 4),
        ({"a": {"B": "AAAA"}}, 1 + 3),  # base64 in a stream
        ({"a": {"BOOL": True}}, 1 + 1),
        ({"a": {"NULL": True}}, 1 + 1),
        ({"a": {"L": []}}, 1 + 3),
        ({"a": {"L": [{"S": "xy"}, {"NULL": True}]}}, 1 + 3 + (1 + 2) + (1 + 1)),
        ({"a": {"M": {}}}, 1 + 3),
        ({"a": {"M": {"key": {"S": "xy"}}}}, 1 + 3 + (1 + 3 + 2)),
        ({"a": {"SS": ["x", "yz"]}}, 1 + 1 + 2),
        ({"a": {"NS": ["1", "23"]}}, 1 + 2 + 3),
    ],
)
def test_the_size_of_an_item_is_counted_as_dynamodb_does(image: Any, size: int) -> None:
    assert item_size(image) == size


def test_an_item_of_exactly_400_kb_is_taken_and_one_byte_more_is_not() -> None:
    full = {"a": {"S": "x" * (MAX_ITEM_BYTES - 1)}}
    assert check_size(full) is full
    with pytest.raises(
        ItemTooLarge, match=r"409,601 bytes; DynamoDB holds 409,600: split it"
    ) as big:
        check_size({"ab": full["a"]})
    assert big.value.evidence == {"size_bytes": MAX_ITEM_BYTES + 1}


def test_an_item_nested_too_deep_with_its_metadata_is_refused() -> None:
    wire: Any = {"S": "x"}
    for _ in range(31):
        wire = {"M": {"a": wire}}
    with pytest.raises(InvalidInput, match="deeper than DynamoDB's 32 levels: flatten"):
        check_size({"a": wire})
