"""Whole items: put, read and deleted, by keys of each type, right and wrong."""

from decimal import Decimal
from typing import Any

from tests.local.operations.steps import P, Step, call, delete, get, put, query, story, update

EVERY_TYPE = {
    "number": Decimal("12.345"),
    "yes": True,
    "no": False,
    "bytes": b"\x00\xff",
    "nothing": None,
    "list": ["x", 42, [None, {"in": 1}]],
    "map": {"a": {"b": {"c": [1, "2", False]}}},
    "texts": {"x", "y"},
    "numbers": {1, Decimal("3.14")},
    "blobs": {b"x", b"y"},
}
ODD_NAMES = {" ": 1, "-\"'_.:/#&": 2, "a.b": 3, "a[0]": 4, "\x00": 5, "é漢": 6, "SET": 7}
EITHER: dict[str, Any] = {"key": {"c": "1"}}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


WRONG_KEYS: dict[str, dict[str, Any]] = {
    "bytes": {"p": b"x", "c": "1"},
    "a number": {"p": 1, "c": "1"},
    "sorted by bytes": {"p": P, "c": b"1"},
    "sorted by a number": {"p": P, "c": 1},
    "its sort key alone": {"c": "1"},
    "its partition alone": {"p": P},
    "an attribute too many": {"p": P, "c": "1", "x": "1"},
    "empty": {"p": "", "c": "1"},
    "sorted by nothing": {"p": P, "c": ""},
}
UNUSED: dict[str, dict[str, Any]] = {
    "names": {"ExpressionAttributeNames": {"#x": "a"}},
    "values": {"ExpressionAttributeValues": {":x": 1}},
}


def calls_of(key: dict[str, Any], **more: Any) -> dict[str, Step]:
    """Return a call of each kind on an item."""
    return {
        "a put": call("put_item", Item=key, **more),
        "an update": call("update_item", Key=key, UpdateExpression="REMOVE a", **more),
        "a delete": call("delete_item", Key=key, **more),
        "a read": call("get_item", Key=key, **more),
    }


WRITES = [
    story("an item is put and read", put({"a": "x", "b": "y"})),
    story("an item is put with values of every type", put(EVERY_TYPE)),
    story("an item is its key alone", put({})),
    story(
        "an item with a sort key is put and read",
        put({"c": "1", "a": 1}),
        get(**EITHER),
        table="sorted",
    ),
    story("an item that is not there is read"),
    story("an item with a sort key that is not there is read", get(**EITHER), table="sorted"),
    story("a put replaces all that was there", put({"a": 1, "b": 2}), put({"b": 3})),
    story("a put of what stands there changes nothing", put({"a": 1}), put({"a": 1})),
    story(
        "a put after a read replaces all that was there",
        *(put({"n": 1, "s": {"x"}, "m": {"f": 1}}), get(), put({"n": 2, "s": {"y"}})),
    ),
    story(
        "a put changes the type of an attribute",
        *(put({"a": 1}), put({"a": "x"}), put({"a": [1]}), put({"a": {1}}), put({"a": None})),
    ),
    story("an item is deleted", put({"a": 1}), delete()),
    story(
        "an item with a sort key is deleted",
        put({"c": "1"}),
        put({"c": "2"}),
        delete(**EITHER),
        table="sorted",
    ),
    story("what is not there is deleted", delete()),
    story(
        "an item is deleted twice and put again", put({"a": 1}), delete(), delete(), put({"b": 1})
    ),
    story("a deleted item is updated", put({"a": 1}), delete(), update("SET b = :v", {":v": 1})),
    story(
        "sixty attributes are put and as many added",
        put({f"x{number}": number for number in range(60)}),
        update(
            "SET " + ", ".join(f"y{number} = :v{number}" for number in range(60)),
            {f":v{number}": number for number in range(60)},
        ),
    ),
    story("attributes have names of any characters", put(ODD_NAMES)),
    *[
        story(
            f"an attribute called {name!r} is set, read alone, compared and removed",
            update("SET #a = :v", {":v": 1}, {"#a": name}),
            get(ProjectionExpression="#a", ExpressionAttributeNames={"#a": name}),
            update("REMOVE #a", {":v": 1}, {"#a": name}, when="#a = :v"),
        )
        for name in ODD_NAMES
    ],
    story(
        "a partition and a value hold the character zero",
        put({"p": f"{P}\0x", "a": "\0"}),
        get(key={"p": f"{P}\0x"}),
    ),
    story(
        "a partition is any text",
        put({"p": f"{P}é \U0001f600'\""}),
        get(key={"p": f"{P}é \U0001f600'\""}),
    ),
    story(
        "a sort key is bytes",
        put({"c": b"\0\xff"}),
        get(key={"c": b"\0\xff"}),
        delete(key={"c": b"\0\xff"}),
        table="bytes",
    ),
    story(
        "a sort key is a number",
        put({"c": Decimal("-1.5")}),
        get(key={"c": Decimal("-1.5")}),
        table="numbers",
    ),
    story(
        "a sort key has 1,024 bytes",
        put({"c": "k" * 1024}),
        get(key={"c": "k" * 1024}),
        table="sorted",
    ),
    story("a sort key has 1,025 bytes", put({"c": "k" * 1025}), table="sorted"),
    story("a partition key has 2,049 bytes", put({"p": P + "k" * 2049})),
    story(
        "an item of 300,000 bytes is put, changed and read",
        put({"a": "x" * 300_000}),
        put({"a": "y" * 300_000}),
        update("SET b = :v", {":v": 1}),
    ),
    story("an item of half a megabyte is put", put({"a": "x" * 500_000}), get(), differs="size"),
    story("an item is nested 31 deep", put({"a": nested(30)}), get(), differs="deep"),
    *[
        story(
            f"{what} of a key that is {wrong}",
            *(step, get(key={"c": "1"})),
            table="sorted",
            differs="lax" if (what, "" in key.values()) == ("a delete", True) else "",
        )
        for wrong, key in WRONG_KEYS.items()
        for what, step in calls_of(key).items()
    ],
    *[
        story(f"{what} of a table that is not there", Step(*each))
        for what, step in calls_of({"p": P}).items()
        for each in [(step.operation, {**step.parameters, "TableName": "nowhere"})]
    ],
    story("a scan of a table that is not there", Step("scan", {"TableName": "nowhere"})),
    *[
        story(f"{what} with {kind} that nothing uses", put({"a": 1}), step)
        for kind, given in UNUSED.items()
        for what, step in calls_of({"p": P}, **given).items()
        if (what, kind) != ("a read", "values")
    ],
    story(
        "the items of a partition are read by a query",
        put({"c": "2"}),
        put({"c": "1"}),
        query(),
        table="sorted",
    ),
]
