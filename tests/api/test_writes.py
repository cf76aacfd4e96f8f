"""What a write asks for, and what an idempotency key stands for."""

from typing import Any

import pytest

from reconciler.api.answers import Refused
from reconciler.api.keys import KeyShape
from reconciler.api.writes import payload_of, writes_in

KEYS = KeyShape(("id",), ("S",))


def one(*edits: Any, key: str = "p1") -> dict[str, Any]:
    return {"key": {"id": key}, "edits": list(edits)}


def assign(path: Any, value: Any) -> dict[str, Any]:
    return {"type": "assign", "path": path, "value": value}


def payload(body: Any) -> bytes:
    return payload_of(writes_in(body, KEYS))


@pytest.mark.parametrize(
    ("body", "same"),
    [
        (one(assign("a", 1)), one(assign(["a"], 1))),
        (one(assign("a", {"x": 1, "y": 2})), one(assign("a", {"y": 2, "x": 1}))),
        (one(assign("a", {"set": [1, 2]})), one(assign("a", {"set": [2, 1, 2]}))),
        (
            one({"type": "increment", "path": "a"}),
            one({"type": "increment", "path": "a", "amount": 1}),
        ),
    ],
)
def test_a_key_stands_for_the_same_however_it_is_written(body: Any, same: Any) -> None:
    assert payload(body) == payload(same)


def test_a_key_stands_for_one_write_alone() -> None:
    bodies = [
        one(assign("a", 1)),
        one(assign("a", "1")),
        one(assign("a", True)),
        one(assign("b", 1)),
        one(assign(["a", "b"], 1)),
        one(assign("a", 1), key="p2"),
        one(assign("a", 1), assign("a", 1)),
        one({"type": "increment", "path": "a", "amount": 1}),
        one({"type": "add", "path": "a", "members": ["1"]}),
        one({"type": "discard", "path": "a", "members": ["1"]}),
        one({"type": "remove", "path": "a"}),
        one({"type": "delete"}),
        {"writes": [one(assign("a", 1))]},
    ]
    assert len({payload(body) for body in bodies}) == len(bodies)


def test_of_very_many_mistakes_the_first_are_told_and_the_rest_counted() -> None:
    with pytest.raises(Refused) as caught:
        writes_in(one(*[{"type": "x"}] * 100), KEYS)
    assert caught.value.message.endswith("and 80 more")
    assert len(caught.value.message) < 10_000


@pytest.mark.parametrize("path", ["\ud800", ["map", "\ud800"]])
def test_a_name_of_half_a_surrogate_pair_is_refused(path: Any) -> None:
    with pytest.raises(Refused, match=r"invalidRequest"):
        writes_in(one(assign(path, 1)), KEYS)
