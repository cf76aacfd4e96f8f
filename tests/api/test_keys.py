"""Keys of items in paths and bodies: every key has one form, and no form has two keys."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.keys import KeyShape, key_kinds
from reconciler.errors import InvalidInput

SHAPE = KeyShape(("id", "at"), ("S", "N"))


def b64(data: bytes) -> str:
    return "~" + base64.urlsafe_b64encode(data).decode().rstrip("=")


@given(text=st.text(min_size=1, max_size=40), number=st.integers(-(10**38) + 1, 10**38 - 1))
def test_every_text_and_number_has_a_path(text: str, number: int) -> None:
    assert SHAPE.of_segments([b64(text.encode()), str(number)]) == {"id": text, "at": number}
    if not {"%", "~"} & set(text):
        assert SHAPE.of_segments([text, str(number)])["id"] == text


@given(data=st.binary(min_size=1, max_size=40))
def test_every_binary_has_a_path(data: bytes) -> None:
    assert KeyShape(("id",), ("B",)).of_segments([b64(data)]) == {"id": data}


@pytest.mark.parametrize(
    ("segments", "told"),
    [
        (["a"], "the path of an item is /items/{id}/{at}"),
        (["a%2F", "1"], "id: send a key with a percent sign"),
        (["~QQ==", "1"], "id: what follows the tilde is no base64url without padding"),
        (["~QR", "1"], "without padding"),  # the same byte as QQ: one key, one form
        (["~Q!", "1"], "id: what follows the tilde is no base64url"),
        (["~/w", "1"], "is no base64url"),
        (["~_w", "1"], "is no UTF-8 text"),
        (["~", "1"], "has 1 to 2,048 bytes"),
        (["a", "x"], "at: this key attribute is a number"),
        (["a", "1_000"], "is a number"),
        (["a", "NaN"], "is a number"),
        (["a", "1" * 39], "39 significant digits"),
        (["a", "1e999"], "outside DynamoDB's range"),
        (["ä" * 1_025, "1"], "has 1 to 2,048 bytes"),
    ],
)
def test_a_path_that_is_no_key_is_refused(segments: list[str], told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        SHAPE.of_segments(segments)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "given_",
    [None, [], {"id": "a"}, {"id": "a", "at": "1"}, {"id": 1, "at": 1}, {"id": "", "at": 1}],
)
def test_an_object_that_is_no_key_is_refused(given_: Any) -> None:
    with pytest.raises(InvalidInput):
        SHAPE.of_values(given_)


def test_a_key_attribute_is_text_number_or_binary() -> None:
    assert key_kinds(["S", "B"]) == ("S", "B")
    for listed in ([], ["BOOL"], ["S", "s"]):
        with pytest.raises(ValueError, match="S, N or B"):
            key_kinds(listed)
