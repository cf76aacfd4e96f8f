"""What DynamoDB makes of an expression: the item after it, or a refusal that changes nothing."""

import pytest

from reconciler.crdt.base import Edit
from reconciler.simulation.plan.raw import append
from reconciler.simulation.world.expressions import Refused, applied, without_metadata
from reconciler.values.wire import Image, Wire
from tests.builders import add, assign, discard, increment, remove

ITEM: Image = {
    "points": {"N": "100"},
    "tags": {"SS": ["a", "b"]},
    "address": {"M": {"city": {"S": "Leeds"}}},
    "log": {"L": [{"S": "one"}]},
}


@pytest.mark.parametrize(
    ("edit", "name", "value"),
    [
        (assign("name", "Ada"), "name", {"S": "Ada"}),
        (assign("address.city", "York"), "address", {"M": {"city": {"S": "York"}}}),
        (assign("address.zip", "Y"), "address", {"M": {"city": {"S": "Leeds"}, "zip": {"S": "Y"}}}),
        (remove("points"), "points", None),
        (remove("address.city"), "address", {"M": {}}),
        (remove("nothing"), "nothing", None),
        (increment("points", 5), "points", {"N": "105"}),
        (increment("new", 5), "new", {"N": "5"}),
        (add("tags", "c", "a"), "tags", {"SS": ["a", "b", "c"]}),
        (add("new", "c"), "new", {"SS": ["c"]}),
        (discard("tags", "b", "z"), "tags", {"SS": ["a"]}),
        (discard("tags", "a", "b"), "tags", None),
        (append("log", "two"), "log", {"L": [{"S": "one"}, {"S": "two"}]}),
        (append("new", "two"), "new", {"L": [{"S": "two"}]}),
    ],
)
def test_an_expression_changes_what_it_names_and_nothing_else(
    edit: Edit, name: str, value: Wire | None
) -> None:
    after = applied(ITEM, [edit])

    assert after.get(name) == value
    assert {n: v for n, v in after.items() if n != name} == {
        n: v for n, v in ITEM.items() if n != name
    }


@pytest.mark.parametrize(
    "edit",
    [
        increment("tags", 1),
        add("points", "a"),
        discard("log", "one"),
        append("points", "two"),
        assign("nowhere.city", "York"),
        remove("points.deep"),
    ],
)
def test_what_does_not_fit_is_refused(edit: Edit) -> None:
    with pytest.raises(Refused):
        applied(ITEM, [edit])


def test_numbers_of_38_digits_are_added_exactly() -> None:
    great = 10**37
    after = applied({"points": {"N": str(great)}}, [increment("points", 1)])

    assert after["points"] == {"N": str(great + 1)}


def test_a_client_that_knows_its_own_attributes_drops_the_metadata() -> None:
    image: Image = {"id": {"S": "p1"}, "_rec": {"M": {}}, "_rec_ttl": {"N": "1"}}

    assert without_metadata(image) == {"id": {"S": "p1"}}
    assert without_metadata(None) == {}
