"""Bodies are bounded before they are parsed, and numbers stay exact."""

import base64
import time
from decimal import Decimal
from typing import Any

import pytest

from reconciler.api.answers import Refused
from reconciler.api.requests import MOST_BODY_BYTES, Request


def request(body: str, **more: Any) -> Request:
    return Request.of({"headers": {"Content-Type": "application/json"}, "body": body, **more})


def test_numbers_stay_exact() -> None:
    text = '{"a": 1.10, "b": 1e2, "c": 12345678901234567890123456789012345678}'
    document = request(text).document()
    assert document == {"a": Decimal("1.10"), "b": 100, "c": 12345678901234567890123456789012345678}
    assert isinstance(document["a"], Decimal)


def test_brackets_within_texts_are_no_depth() -> None:
    text = "[" * 500 + '\\"' + "{" * 500
    assert request(f'["{text}"]').document() == [text.replace('\\"', '"')]


@pytest.mark.parametrize(
    "body", ["[" * 41 + "]" * 41, '{"a":' * 41 + "1" + "}" * 41, "[" * 400_000]
)
def test_what_is_nested_too_deep_is_refused_unparsed(body: str) -> None:
    with pytest.raises(Refused) as caught:
        request(body).document()
    assert "nested deeper" in caught.value.message


@pytest.mark.parametrize(
    "body", ['"\\' * 100_000, '\\"' * 200_000, '"' * 400_000, "{" + '"\\"' * 99_999]
)
def test_no_body_takes_long_to_be_refused(body: str) -> None:
    started = time.process_time()
    with pytest.raises(Refused):
        request(body).document()
    assert time.process_time() - started < 5  # were it quadratic, it would take minutes


def test_a_body_of_400_kb_is_taken_however_it_is_encoded_and_one_byte_more_is_not() -> None:
    text = '"' + "x" * (MOST_BODY_BYTES - 2) + '"'
    encoded = base64.b64encode(text.encode()).decode()
    assert request(text).document() == request(encoded, isBase64Encoded=True).document()
    longer = text + " "
    encoded = base64.b64encode(longer.encode()).decode()
    for told in (request(longer), request(encoded, isBase64Encoded=True), request("ä" * 300_000)):
        with pytest.raises(Refused, match="contentTooLarge"):
            told.document()


def test_a_mistake_quotes_nothing_of_the_body() -> None:
    with pytest.raises(Refused) as caught:
        request('{"name": SECRET}').document()
    assert "SECRET" not in caught.value.message
