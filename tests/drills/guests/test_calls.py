"""What guests send is written by hand, and says what the library's own `named` would."""

import json
from typing import Any

import pytest

from reconciler import named
from reconciler.drills.guests.calls import named_call, raw_call
from reconciler.drills.guests.stage import SCHEMA
from reconciler.drills.guests.writes import ALONE, NAMES, RAW, Item, Write

HERE = "use1ab3xk"


def a_write(verb: str, kind: str = NAMES) -> Write:
    return Write(Item("i", kind), "us-east-1", RAW, 0, verb, 100)


def parameters(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("verb", ["increment", "add", "assign", "discard", "remove"])
def test_a_named_call_says_what_the_librarys_own_would(verb: str) -> None:
    raw = parameters(raw_call(a_write(verb)).text)
    ours = named(raw, schema=SCHEMA, replica=HERE)["ExpressionAttributeValues"][":rec_op"]

    by_hand = parameters(named_call(a_write(verb), HERE).text)

    [element], [told] = by_hand["ExpressionAttributeValues"][":op"]["L"], ours["L"]
    assert element["M"]["do"] == told["M"]["do"]
    assert element["M"]["by"] == told["M"]["by"]
    assert (element["M"]["at"], element["M"]["id"]) == ({"N": "@at"}, {"S": "@id"})


def test_a_call_to_an_item_of_raw_clients_alone_is_answered_with_what_it_leaves() -> None:
    asked = [parameters(raw_call(a_write("add", kind)).text) for kind in (ALONE, NAMES)]

    assert [each["ReturnValues"] for each in asked] == ["ALL_NEW", "ALL_OLD"]
