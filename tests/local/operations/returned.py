"""What writes return: of the item before and after, whole or what changed, and of refusals."""

from collections.abc import Callable
from typing import Any

from tests.local.operations.steps import Step, delete, get, put, story, update

WRITES: dict[str, Callable[[str], Step]] = {
    "put": lambda returns: put({"a": 2, "n": 3}, ReturnValues=returns),
    "delete": lambda returns: delete(ReturnValues=returns),
    "update": lambda returns: update(
        "SET a = :v, new = :v ADD n :v REMOVE gone", {":v": 2}, ReturnValues=returns
    ),
}
RETURNS = ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "none")
BEFORE = {"a": 1, "n": 5, "s": {"x", "y"}, "m": {"f": 1, "g": 2}, "gone": "x", "l": [1, 2, 3]}
UPDATES: dict[str, dict[str, Any]] = {
    "SET a = :v, q = :v": {":v": 1},
    "SET a = a": {},
    "SET n = n + :v": {":v": 1},
    "ADD n :v, s :s": {":v": 1, ":s": {"z"}},
    "DELETE s :s": {":s": {"x"}},
    "DELETE s :s REMOVE gone": {":s": {"x", "y"}},
    "REMOVE gone": {},
    "REMOVE nothing": {},
    "SET m.f = :v": {":v": 1},
    "REMOVE m.f SET a = :v": {":v": 1},
    "SET l[1] = :v": {":v": 1},
    "SET l = list_append(l, :l)": {":l": [1]},
}

RETURNED = [
    *[
        story(f"a {what} of {where} returns {returns}", *before, write(returns))
        for what, write in WRITES.items()
        for where, before in {
            "what is there": [put(BEFORE)],
            "nothing": [],
            "what was deleted": [put(BEFORE), delete()],
        }.items()
        for returns in RETURNS
    ],
    *[
        story(
            f"{text} returns {returns}",
            put(BEFORE),
            update(text, values or None, ReturnValues=returns),
        )
        for text, values in UPDATES.items()
        for returns in ("ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
    ],
    *[
        story(f"a refused {what} of {where} shows {shows}", *before, write)
        for shows in ("ALL_OLD", "NONE", "UPDATED_OLD")
        for where, before in {
            "what is there": [put(BEFORE)],
            "nothing": [],
            "what was deleted": [put(BEFORE), delete()],
        }.items()
        for what, write in {
            "put": put({"a": 2}, "a = :w", {":w": 9}, ReturnValuesOnConditionCheckFailure=shows),
            "delete": delete("a = :w", {":w": 9}, ReturnValuesOnConditionCheckFailure=shows),
            "update": update(
                "SET a = :v",
                {":v": 2, ":w": 9},
                when="a = :w",
                ReturnValuesOnConditionCheckFailure=shows,
            ),
        }.items()
    ],
    *[
        story(
            f"capacity is asked for as {kind}",
            put({"a": 1}, ReturnConsumedCapacity=kind),
            update("SET a = :v", {":v": 2}, ReturnConsumedCapacity=kind),
            get(ReturnConsumedCapacity=kind),
            delete(ReturnConsumedCapacity=kind),
        )
        for kind in ("TOTAL", "INDEXES", "NONE", "DUMMY")
    ],
]
