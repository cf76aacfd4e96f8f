"""Parameters of old: what reads take as ever, and what writes refuse."""

from typing import Any

from tests.local.operations.filled import KEPT, LONG, row
from tests.local.operations.steps import Step, Story, call, delete, get, put, story, update

SEEN = row(2)


def held(name: str, how: str, *values: Any) -> dict[str, Any]:
    given = {"AttributeValueList": [*values]} if values else {}
    return {name: {"ComparisonOperator": how, **given}}


KEYED = [
    held("c", "EQ", 3),
    held("c", "LT", 5),
    held("c", "LE", 5),
    held("c", "GT", 5),
    held("c", "GE", 5),
    held("c", "BETWEEN", 4, 7),
]
WRONG = [
    *[held("c", "NE", 3), held("c", "IN", 3), held("c", "eq", 3)],
]
FILTERED = [
    *[held(name, "EQ", SEEN[name]) for name in ("i", "t", "b", "l", "flag", "n")],
    *[held(name, how, SEEN[name]) for name in ("i", "t") for how in ("NE", "LT", "LE", "GT", "GE")],
    *[held("i", "BETWEEN", 2, 7), held("t", "IN", "cat", "elk"), held("t", "BEGINS_WITH", "c")],
    *[held("l", "CONTAINS", 2), held("t", "CONTAINS", "o"), held("t", "NOT_CONTAINS", "o")],
    held("s", "CONTAINS", "owl"),
    {**held("i", "GT", 2), **held("t", "LT", "d")},
]


def asked(keyed: dict[str, Any], of: str = LONG, **more: Any) -> Step:
    return call("query", KeyConditions={**held("p", "EQ", of), **keyed}, **more)


def reads(name: str, step: Step, *, table: str = "numbers", differs: str = "") -> Story:
    return story(f"a read of old {name}", step, table=table, differs=differs)


def written(name: str, *steps: Step) -> Story:
    """Return a story of a write that is refused, and changes nothing."""
    return story(f"a write of old {name}", put({"a": 1, "b": "x"}), *steps, get(), differs="legacy")


def updated(changes: dict[str, Any], **more: Any) -> Step:
    return call("update_item", Key={"p": "<p>"}, AttributeUpdates=changes, **more)


SET = {"a": {"Action": "PUT", "Value": 2}}
CHANGES: dict[str, Any] = {
    "puts an attribute": SET,
    "puts two": {**SET, "c": {"Action": "PUT", "Value": "y"}},
    "adds to a number": {"a": {"Action": "ADD", "Value": 2}},
    "adds to what is not there": {"z": {"Action": "ADD", "Value": 2}},
    "adds members": {"s": {"Action": "ADD", "Value": {"x"}}},
    "adds to a list": {"l": {"Action": "ADD", "Value": [1]}},
    "deletes an attribute": {"a": {"Action": "DELETE"}},
    "puts empty values": {"a": {"Action": "PUT", "Value": ""}},
    "puts a map": {"a": {"Action": "PUT", "Value": {"x": 1}}},
    "puts an attribute with a dot": {"a.b": {"Action": "PUT", "Value": 1}},
}
EXPECTED: list[dict[str, Any]] = [
    *[held("a", how, 1) for how in ("EQ", "NE", "LE", "LT", "GE", "GT")],
    *[
        held("a", "NOT_NULL"),
        held("z", "NULL"),
        held("b", "CONTAINS", "x"),
        held("b", "BEGINS_WITH", "x"),
    ],
    *[
        held("a", "IN", 1, 2),
        held("a", "BETWEEN", 0, 2),
        {"a": {"Value": 1}},
        {"z": {"Exists": False}},
    ],
    {"a": {"Value": 1, "Exists": True}, **held("b", "EQ", "x")},
]

LEGACY = [
    *[reads(f"has a key condition {keyed}", asked(keyed)) for keyed in KEYED],
    *[reads(f"has a key condition that is wrong: {keyed}", asked(keyed)) for keyed in WRONG],
    reads("has no key condition", call("query", KeyConditions={})),
    reads("has only a sort key", call("query", KeyConditions=held("c", "EQ", 3))),
    reads(
        "has both kinds of key conditions",
        asked({}, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": LONG}),
    ),
    reads("begins with a text", asked(held("c", "BEGINS_WITH", "00")), table="sorted"),
    reads("begins with bytes", asked(held("c", "BEGINS_WITH", b"00")), table="bytes"),
    reads("goes backwards in pages", asked({}, ScanIndexForward=False, Limit=5)),
    reads("goes on behind a key", asked({}, Limit=5, ExclusiveStartKey={"p": LONG, "c": 4})),
    reads(
        "is of an index",
        call("query", KeyConditions=held("g", "EQ", "a"), IndexName="by_g"),
        table="indexed",
    ),
    *[
        reads(f"lists attributes {wanted}", asked(held("c", "LT", 4), AttributesToGet=wanted))
        for wanted in (["t"], ["c", "n"], ["nothing"])
    ],
    reads("counts", asked(held("c", "LT", 4), Select="COUNT")),
    *[reads(f"filters {kept}", asked({}, KEPT, QueryFilter=kept)) for kept in FILTERED],
    *[
        reads(
            f"filters by one or the other, {how}",
            asked({}, KEPT, QueryFilter=FILTERED[-1], ConditionalOperator=how),
        )
        for how in ("AND", "OR")
    ],
    *[
        reads(
            f"scans and filters {kept}",
            call("scan", ScanFilter=kept),
            table="scanned",
            differs="" if "GT" in str(kept) else "scanned",
        )
        for kept in (held("p", "EQ", "g1"), held("c", "GT", 5), held("c", "LT", 7))
    ],
    *[written(name, updated(changes)) for name, changes in CHANGES.items()],
    written("changes nothing", updated({})),
    written(
        "says it both ways",
        updated(SET, UpdateExpression="SET b = :v", ExpressionAttributeValues={":v": 1}),
    ),
    *[
        written(f"expects {kept}, in {what}", step)
        for kept in EXPECTED
        for what, step in {
            "an update": updated(SET, Expected=kept),
            "a put": put({"a": 9}, Expected=kept),
            "a delete": delete(Expected=kept),
        }.items()
    ][::2],
    written(
        "expects one or the other", put({"a": 9}, Expected=EXPECTED[-1], ConditionalOperator="OR")
    ),
    written("expects nothing, whatever joins it", put({"a": 9}, ConditionalOperator="OR")),
    written("expects beside an expression", update("SET a = :v", {":v": 2}, Expected=EXPECTED[0])),
]
