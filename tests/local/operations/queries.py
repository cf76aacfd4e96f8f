"""Queries and scans: key conditions, order, pages, what is selected, indexes and segments."""

from decimal import Decimal
from typing import Any

from tests.local.operations.filled import LONG, WORDS
from tests.local.operations.steps import P, Step, Story, call, delete, get, put, query, story

SORTS: dict[str, Any] = {
    "numbers": lambda n: n,
    "sorted": lambda n: f"{n:03}",
    "bytes": lambda n: f"{n:03}".encode(),
}


def asked(name: str, *steps: Step, table: str = "numbers", differs: str = "") -> Story:
    return story(f"a query {name}", *steps, table=table, differs=differs)


def of_rows(
    text: str = "p = :p",
    values: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
    **more: Any,
) -> Step:
    return query(text, values, names, of=LONG, **more)


KEYED = {
    "c = :c": 1,
    "c < :c": 1,
    "c <= :c": 1,
    "c > :c": 1,
    "c >= :c": 1,
    "c BETWEEN :c AND :d": 2,
    "begins_with(c, :c)": 1,
}
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "p = :p AND p = :p": ({}, {}),
    "p < :p": ({}, {}),
    "c = :c": ({":c": 3}, {}),
    "p = :p AND a < :c": ({":c": 3}, {}),
    "p = :p AND c < :c AND c > :d": ({":c": 3, ":d": 1}, {}),
    "p = :p AND dog(c, :c)": ({":c": 3}, {}),
    "#p = :p": ({}, {"#q": "p"}),
    "": ({}, {}),
}
PAGES: list[dict[str, Any]] = [{"Limit": limit} for limit in (1, 2, 3, 7, 12, 17, 10_000)]
FROM = [Decimal("-3"), 0, 5, Decimal("7.5"), 11, 80]
SELECTED: dict[str, dict[str, Any]] = {
    "all": {"Select": "ALL_ATTRIBUTES"},
    "a count": {"Select": "COUNT"},
    "a count of a page": {"Select": "COUNT", "Limit": 5},
    "some by a projection": {"Select": "SPECIFIC_ATTRIBUTES", "ProjectionExpression": "t, i"},
    "some by a list": {"Select": "SPECIFIC_ATTRIBUTES", "AttributesToGet": ["t", "c"]},
    "what an index projects": {"Select": "ALL_PROJECTED_ATTRIBUTES"},
    "some that it does not name": {"Select": "SPECIFIC_ATTRIBUTES"},
    "what nobody knows": {"Select": "UNKNOWN"},
    "a count in small letters": {"Select": "count"},
    "all and some": {"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "t"},
}
INDEXED: list[tuple[str, Step]] = [
    ("of an index by another key", query("g = :g", {":g": "a"}, IndexName="by_g")),
    (
        "of an index by another key, backwards and in pages",
        query("g = :g", {":g": "b"}, IndexName="by_g", ScanIndexForward=False, Limit=2),
    ),
    (
        "of an index by another key and the sort key",
        query("g = :g AND c > :c", {":g": "a", ":c": "02"}, IndexName="by_g"),
    ),
    (
        "of an index, projected",
        query("g = :g", {":g": "c"}, IndexName="by_g", ProjectionExpression="n, p"),
    ),
    (
        "of an index, filtered",
        query("g = :g", {":g": "c", ":c": 3}, IndexName="by_g", FilterExpression="n > :c"),
    ),
    ("of an index, counted", query("g = :g", {":g": "c"}, IndexName="by_g", Select="COUNT")),
    (
        "of an index with what it projects",
        query("g = :g", {":g": "c"}, IndexName="by_g", Select="ALL_PROJECTED_ATTRIBUTES"),
    ),
    ("of an index of the same partition", query("p = :p", of=LONG, IndexName="by_l")),
    (
        "of an index of the same partition, in order",
        query("p = :p AND l < :l", {":l": "5"}, of=LONG, IndexName="by_l", ConsistentRead=True),
    ),
    ("of an index that is not there", query("g = :g", {":g": "a"}, IndexName="nothing")),
    ("of an index by a key that is not its own", query("p = :p", of=LONG, IndexName="by_g")),
    (
        "of an index, consistent",
        query("g = :g", {":g": "a"}, IndexName="by_g", ConsistentRead=True),
    ),
]
SCANS: dict[str, dict[str, Any]] = {
    "all": {},
    "consistently": {"ConsistentRead": True},
    "a page": {"Limit": 4},
    "a page behind an item": {"Limit": 4, "ExclusiveStartKey": {"p": "g2", "c": 7}},
    "a projection": {"ProjectionExpression": "a"},
    "a projection of the key": {"ProjectionExpression": "p, c"},
    "a projection of what is not there": {"ProjectionExpression": "nothing"},
    "a list of attributes": {"AttributesToGet": ["c", "a"]},
    "a count": {"Select": "COUNT"},
    "a count of a page": {"Select": "COUNT", "Limit": 3},
    "all attributes": {"Select": "ALL_ATTRIBUTES"},
    "what no index projects": {"Select": "ALL_PROJECTED_ATTRIBUTES"},
    "what it does not name": {"Select": "SPECIFIC_ATTRIBUTES"},
    "what nobody knows": {"Select": "UNKNOWN"},
    "no items": {"Limit": 0},
    "a segment too many": {"TotalSegments": 3, "Segment": 3},
    "a segment of none": {"Segment": 1},
    **{f"segment {n} of 3": {"TotalSegments": 3, "Segment": n} for n in range(3)},
    "the only segment": {"TotalSegments": 1, "Segment": 0},
}

QUERIES = [
    *[
        asked(
            f"where {text}, of {table}, {'down' if down else 'up'}",
            of_rows(
                f"p = :p AND {text}",
                dict(zip((":c", ":d"), map(make, (4, 7)[:count]), strict=False)),
                ScanIndexForward=not down,
            ),
            table=table,
        )
        for table, make in SORTS.items()
        for text, count in KEYED.items()
        for down in (len(text) % 2 == 0,)
        if not (table == "numbers" and text.startswith("begins"))
    ],
    *[
        asked(f"is written {text!r}", of_rows(text, {":c": 3}))
        for text in (
            "p=:p AND c=:c",
            "  p  =  :p  and  c  >  :c  ",
            "c = :c AND p = :p",
            "(p = :p) AND (c > :c)",
            "p = :p aNd c bEtWeEn :c AnD :c",
        )
    ],
    asked("has names", of_rows("#p = :p AND #c = :c", {":c": 3}, {"#p": "p", "#c": "c"})),
    *[
        asked(f"is wrong: {text!r}", of_rows(text, values, names))
        for text, (values, names) in WRONG.items()
    ],
    asked("has a key of another type", of_rows("p = :p AND c = :c", {":c": "x"})),
    asked("has a value too many", of_rows("p = :p", {":q": 3})),
    asked("finds nothing", query()),
    asked(
        "of a table that is not there",
        Step(
            "query",
            {
                "TableName": "nowhere",
                "KeyConditionExpression": "p = :p",
                "ExpressionAttributeValues": {":p": P},
            },
        ),
    ),
    asked("of a table without a sort key", put({"a": 1}), query(), table="single"),
    *[
        asked(
            f"in pages of {page['Limit']}, {'down' if down else 'up'}",
            of_rows(ScanIndexForward=not down, **page),
            differs="page" if page["Limit"] == len(WORDS) else "",
        )
        for page in PAGES
        for down in (False, True)
    ],
    asked("in a page of none", of_rows(Limit=0)),
    *[
        asked(
            f"behind {start}, {'down' if down else 'up'}",
            of_rows(ExclusiveStartKey={"p": LONG, "c": start}, Limit=5, ScanIndexForward=not down),
            differs="page" if (start, down) == (5, True) else "",
        )
        for start in FROM
        for down in (False, True)
    ],
    *[asked(f"selects {what}", of_rows(**given)) for what, given in SELECTED.items()],
    *[asked(name, step, table="indexed") for name, step in INDEXED],
    asked(
        "of what was put, deleted and put again",
        put({"c": 1}),
        put({"c": 2}),
        put({"c": 3}),
        delete(key={"c": 2}),
        query(),
        put({"c": 2, "a": 1}),
        query(Limit=2),
    ),
    *[
        story(f"a scan shows {what}", call("scan", **given), table="scanned")
        for what, given in SCANS.items()
    ],
    story(
        "what a query showed is put with one more",
        put({"c": 1, "n": 1}),
        query(),
        put({"c": 1, "n": 2}),
        get(key={"c": 1}),
        table="numbers",
    ),
]
