"""The edits of the write function: plain values in, one verb each, at one path."""

from decimal import Decimal
from typing import Any

import pytest

from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput
from reconciler.item.edits import add, assign, delete, discard, increment, remove


@pytest.mark.parametrize(
    ("made", "edit"),
    [
        (assign("name", "Ada"), Edit(("name",), "assign", {"S": "Ada"})),
        (assign("flag", None), Edit(("flag",), "assign", {"NULL": True})),
        (assign(("address", "city"), "Rome"), Edit(("address", "city"), "assign", {"S": "Rome"})),
        (assign("tags", {"b", "a"}), Edit(("tags",), "assign", {"SS": ["a", "b"]})),
        (remove("name"), Edit(("name",), "remove")),
        (increment("points"), Edit(("points",), "increment", {"N": "1"})),
        (increment("points", Decimal("-2.50")), Edit(("points",), "increment", {"N": "-2.5"})),
        (add("tags", "b", "a"), Edit(("tags",), "add", {"SS": ["a", "b"]})),
        (discard("tags", 2, 10), Edit(("tags",), "discard", {"NS": ["10", "2"]})),
        (delete(), Edit((), "delete")),
    ],
)
def test_an_edit_holds_its_value_as_dynamodb_does_in_canonical_form(made: Edit, edit: Edit) -> None:
    assert made == edit


@pytest.mark.parametrize("where", ["", (), ("address", ""), ("address", 1)])
def test_a_path_that_is_none_is_refused(where: Any) -> None:
    with pytest.raises(InvalidInput, match="is not an attribute name or a path of names"):
        remove(where)


@pytest.mark.parametrize("where", ["\ud800", ("\ud800", "x"), ("address", "\ud800")])
def test_a_name_of_half_a_surrogate_pair_is_refused_wherever_it_stands(where: Any) -> None:
    for edit in (assign, increment, add, discard):
        with pytest.raises(InvalidInput, match=r"'.*\\ud800.*': a name must be UTF-8 text"):
            edit(where, 1)
    with pytest.raises(InvalidInput, match="a name must be UTF-8 text"):
        remove(where)


@pytest.mark.parametrize(
    ("edit", "arguments", "sentence"),
    [
        (assign, (("profile", "height"), 1.5), r"profile\.height: 1\.5 is a float"),
        (add, ("tags",), "tags: DynamoDB has no empty set"),
        (discard, ("tags", ["a"]), "tags: discard takes the elements one by one"),
        (increment, ("points", float("nan")), "points: nan is a float"),
    ],
)
def test_a_value_that_dynamodb_cannot_hold_is_refused_with_its_path(
    edit: Any, arguments: tuple[Any, ...], sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        edit(*arguments)
