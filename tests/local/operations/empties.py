"""Empty texts, bytes, lists, maps and sets, as values and as keys."""

from typing import Any

from tests.local.operations.steps import P, batch, call, delete, get, put, story, update

EMPTY: dict[str, Any] = {"a": "", "b": b"", "l": [], "d": {}, "deep": {"l": [], "d": {}, "t": ""}}

EMPTIES = [
    story("empty values are put", put(EMPTY), get(), put(EMPTY)),
    *[
        story(
            f"an attribute is set to {value!r}",
            put({"a": 1}),
            update("SET a = :v", {":v": value}),
            get(),
            update("REMOVE a", {":v": value}, when="a = :v"),
        )
        for value in EMPTY.values()
    ],
    *[
        story(
            f"an attribute {value!r} is compared",
            put({"a": value}),
            put({"b": 1}, "a = :v", {":v": value}),
            delete("a <> :v", {":v": value}),
        )
        for value in EMPTY.values()
    ],
    story("empty values are put by a batch", batch(("put", {"p": P, **EMPTY}))),
    story(
        "an empty list is appended to, an empty map gets a field",
        put({"l": [], "d": {}}),
        update("SET l = list_append(l, :v), d.x = :v", {":v": [1]}),
    ),
    story("an empty set is put", put({"a": set()}), get(), differs="value"),
    story(
        "a key is put with an empty text",
        *[call("put_item", Item=key) for key in ({"p": "", "c": "1"}, {"p": P, "c": ""})],
        table="sorted",
    ),
    story(
        "a key is empty bytes",
        put({"c": b""}),
        update("SET a = :v", {":v": 1}, key={"c": b""}),
        table="bytes",
    ),
    story(
        "a batch puts a key that is empty",
        batch(("put", {"p": "", "c": "1"})),
        batch(("put", {"p": P, "c": ""})),
        table="sorted",
    ),
    story(
        "nothing is null",
        put({"a": None, "n2": [None], "d": {"x": None}}),
        get(),
        update("SET b = a"),
        delete("a = :v", {":v": None}),
    ),
]
EMPTY_SETS: dict[str, list[str]] = {"SS": [], "NS": [], "BS": []}
EMPTIES += [
    story(
        f"a set of type {kind} is empty",
        call("put_item", Item={"p": {"S": P}, "a": {kind: members}}),
        call(
            "update_item",
            Key={"p": {"S": P}},
            UpdateExpression="SET a = :v",
            ExpressionAttributeValues={":v": {kind: members}},
        ),
        call(
            "update_item",
            Key={"p": {"S": P}},
            UpdateExpression="ADD s :v",
            ExpressionAttributeValues={":v": {kind: members}},
        ),
        differs="value",
        wire=True,
    )
    for kind, members in EMPTY_SETS.items()
]
