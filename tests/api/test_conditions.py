"""Entity tags, what requests demand of them, and idempotency keys in headers."""

from typing import Any

import pytest

from reconciler.api.answers import Refused
from reconciler.api.conditions import Conditions, etag_of, once_in
from reconciler.item.image import DELETE
from tests.builders import Replica, as_stream, assign, increment, written

IMAGE = written(assign("name", "Ada"), increment("balance", 5))
TOMBSTONE = Replica("use1", IMAGE).write(DELETE, at=2_000)
TAG = etag_of(IMAGE)


def conditions(**headers: str) -> Conditions:
    return Conditions.of({name.replace("_", "-"): value for name, value in headers.items()})


def test_a_tag_is_that_of_the_image_wherever_it_was_read() -> None:
    assert etag_of(as_stream(IMAGE)) == TAG
    assert TAG[0] == TAG[-1] == '"'
    assert len(TAG) == 24


def test_every_change_of_an_image_is_another_tag() -> None:
    changed: list[Any] = [
        IMAGE | {"email": {"S": "ada@example.org"}},
        IMAGE | {"_rec_w": {"L": [{"S": "a name"}]}},
        Replica("use1", IMAGE).write(assign("name", "Ada"), at=2_000),
        TOMBSTONE,
    ]
    assert len({etag_of(image) for image in [IMAGE, *changed]}) == 5


@pytest.mark.parametrize(
    ("headers", "image", "holds"),
    [
        ({}, IMAGE, True),
        ({"if_match": TAG}, IMAGE, True),
        ({"if_match": f'"a" , {TAG}'}, IMAGE, True),
        ({"if_match": "*"}, IMAGE, True),
        ({"if_match": '"a"'}, IMAGE, False),
        ({"if_match": f"W/{TAG}"}, IMAGE, False),
        ({"if_match": "*"}, None, False),
        ({"if_match": "*"}, TOMBSTONE, False),
        ({"if_match": etag_of(TOMBSTONE)}, TOMBSTONE, False),
        ({"if_none_match": "*"}, None, True),
        ({"if_none_match": "*"}, TOMBSTONE, True),
        ({"if_none_match": "*"}, IMAGE, False),
        ({"if_none_match": TAG}, IMAGE, False),
        ({"if_none_match": '"a"'}, IMAGE, True),
        ({"if_match": TAG, "if_none_match": '"a"'}, IMAGE, True),
    ],
)
def test_a_write_demands_what_its_headers_say(
    headers: dict[str, str], image: Any, holds: bool
) -> None:
    asked = conditions(**headers)
    if holds:
        asked.check(image)
    else:
        with pytest.raises(Refused, match="preconditionFailed"):
            asked.check(image)


@pytest.mark.parametrize("text", ["a", '"a', '"a""b"', ",", '"a",', '"a b"', "W/*", '"' * 5_000])
def test_what_is_no_list_of_tags_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        conditions(if_match=text)
    assert caught.value.message.startswith("If-Match: ")


ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_a_key_tells_when_it_was_made_or_has_its_time_beside_it() -> None:
    once = once_in({"idempotency-key": f' "{ULID}" '}, b"p", is_required=False)
    assert once is not None
    assert (once.key, once.issued_at_ms, once.payload) == (ULID, 1469922850259, b"p")
    told = {"idempotency-key": "order 17", "idempotency-issued-at": "1469922850259"}
    once = once_in(told, b"p", is_required=False)
    assert once is not None
    assert (once.key, once.issued_at_ms) == ("order 17", 1469922850259)
    assert once_in({}, b"p", is_required=False) is None


def test_a_time_beside_a_key_that_tells_its_own_is_the_same_or_is_refused_with_the_fix() -> None:
    told = {"idempotency-key": ULID, "idempotency-issued-at": "1469922850259"}
    alone = once_in({"idempotency-key": ULID}, b"p", is_required=True)
    assert once_in(told, b"p", is_required=True) == alone
    with pytest.raises(Refused, match="invalidRequest") as caught:
        once_in({**told, "idempotency-issued-at": "1469922850258"}, b"p", is_required=True)
    assert "leave Idempotency-Issued-At out" in caught.value.message


@pytest.mark.parametrize(
    "headers",
    [
        {"idempotency-key": "order 17"},
        {"idempotency-key": "ä" + ULID},
        {"idempotency-key": "k" * 257},
        {"idempotency-issued-at": "1469922850259"},
        {"idempotency-key": "order 17", "idempotency-issued-at": "yesterday"},
        {"idempotency-key": "order 17", "idempotency-issued-at": "0"},
        {"idempotency-key": '""'},
    ],
)
def test_a_key_without_its_time_or_a_time_without_its_key_is_refused(
    headers: dict[str, str],
) -> None:
    with pytest.raises(Refused, match="invalidRequest"):
        once_in(headers, b"p", is_required=True)
