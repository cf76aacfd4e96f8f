"""Filters and projections of reads: each function and comparison, nested paths, what is wrong."""

from typing import Any

from tests.local.operations.filled import KEPT, LONG, row
from tests.local.operations.steps import (
    Case,
    Step,
    Story,
    Values,
    call,
    cases,
    delete,
    get,
    listed,
    put,
    query,
    story,
)

SEEN = row(2)
FILTERED: list[Case] = [
    *[
        (f"{name} = :v", {":v": SEEN[name]})
        for name in ("i", "t", "b", "l", "m", "q", "s", "flag", "n", "deep")
    ],
    *[
        (f"{name} {how} :v", {":v": SEEN[name]})
        for name in ("i", "t", "b", "n")
        for how in ("<>", "<", "<=", ">", ">=")
    ],
    *[
        (f"{name} BETWEEN :v AND :w", {":v": low, ":w": high})
        for name, low, high in (("i", 2, 7), ("t", "bee", "elk"), ("b", b"bee", b"elk"))
    ],
    *[(f"{name} IN (:v, :w)", {":v": SEEN[name], ":w": row(7)[name]}) for name in ("i", "t", "b")],
    *cases(
        (":v = i", {":v": 2}),
        (":v < i", {":v": 5}),
        ("i > n", {}),
        ("  i   =   :v ", {":v": 2}),
    ),
    *cases(("r = :v", {":v": row(3)["r"]}), ("r <> :v", {":v": row(3)["r"]})),
    *cases(
        ("attribute_exists(r)", {}),
        ("attribute_not_exists(r)", {}),
        ("attribute_exists(deep.a[0].x)", {}),
    ),
    *[("attribute_type(r, :v)", {":v": kind}) for kind in ("S", "N", "B", "L", "M")],
    *cases(
        ("begins_with(t, :v)", {":v": "c"}),
        ("begins_with(b, :v)", {":v": b"c"}),
        ("contains(t, :v)", {":v": "o"}),
    ),
    *cases(
        ("contains(l, :v)", {":v": 2}),
        ("contains(q, :v)", {":v": 101}),
        ("contains(s, :v)", {":v": "owl"}),
    ),
    *cases(("contains(b, :v)", {":v": b"o"})),
    *cases(
        ("i = :v OR i = :w or t = :t", {":v": 2, ":w": 7, ":t": "elk"}),
        ("i > :v AND t < :t", {":v": 2, ":t": "d"}),
    ),
    ("NOT (i > :v OR flag = :w) AND n < :x", {":v": 6, ":w": True, ":x": 4}),
    ("i < :v OR i > :w AND flag = :x", {":v": 2, ":w": 5, ":x": True}),
    ("(i < :v OR i > :w) AND flag = :x", {":v": 2, ":w": 5, ":x": True}),
    ("deep.b = :v", {":v": "cat"}),
    ("deep.a[0].x > :v", {":v": 5}),
    ("m.kind = :v", {":v": "odd"}),
]
# Of these, what was deleted is not left out by the filter, but by us, who know how many.
TRUE_OF_NOTHING = ("<>", "attribute_not_exists")
PROJECTED: list[tuple[str, dict[str, str]]] = [
    *[
        (text, {})
        for text in ("a", "c", "p, c", "b, a", "nothing", "l[0]", "l[9]", "d.x", "d.y[1]", "d.none")
    ],
    *[
        (text, {})
        for text in (
            "d.x, d.y[0], d.y[2].z",
            "l[1], l[0]",
            "d, a",
            "a,b,c",
            " a , b ",
            "m.f, s, n",
            "d.y[2]",
        )
    ],
    *[
        ("#a", {"#a": "a"}),
        ("#d.#x", {"#d": "d", "#x": "x"}),
        ("#a", {"#b": "a"}),
        ("#a", {"#a": "a", "#b": "b"}),
    ],
    *[("#dot", {"#dot": "e.f"}), ("#r", {"#r": "_rec"}), ("#r, a", {"#r": "_rec_ttl"})],
    *[(text, {}) for text in ("a, a", "d, d.x", "d.x, d", "d.y[0], d.y[0]", "d.x, d[1]", "")],
]
WHOLE = {
    "c": "1",
    "a": "x",
    "b": "y",
    "l": [1, 2, {"z": 3}],
    "d": {"x": 1, "y": [4, 5, {"z": 6}]},
    "n": 7,
    "s": {"u", "v"},
    "m": {"f": 1, "g": {"h": 2}},
    "e.f": 8,
}


def filtered(text: str, values: Values, number: int) -> Story:
    ways: list[dict[str, Any]] = [
        {},
        {"ScanIndexForward": False},
        {"ProjectionExpression": "c, t"},
        {"Select": "COUNT"},
    ]
    more = ways[number % 4]
    shown = f"{text} [{listed(values)[:40]}]"
    return story(
        f"a filter of a query: {shown}",
        query("p = :p", values, of=LONG, FilterExpression=text, **more),
        table="numbers",
        differs="" if any(part in text for part in TRUE_OF_NOTHING) else "scanned",
    )


def projected(text: str, names: dict[str, str]) -> Story:
    more: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    read: list[Step] = [
        put(WHOLE),
        get(key={"c": "1"}, ProjectionExpression=text, **more),
        query("p = :p", None, names or None, ProjectionExpression=text),
        delete(key={"c": "1"}),
        get(key={"c": "1"}, ProjectionExpression=text, **more),
    ]
    return story(f"a projection shows {text!r}, with names {names}", *read, table="sorted")


FILTERS = [
    *[filtered(*case, number) for number, case in enumerate(FILTERED)],
    *[
        story(f"a filter is of a size: {text}", step, table="numbers")
        for text in ("size(t) > :v", "size(m) = :v", "size(s) <> :v")
        for step in [query("p = :p", {":v": 2}, of=KEPT, FilterExpression=text)]
    ],
    story(
        "a filter is of the key",
        query("p = :p", of=LONG, FilterExpression="p = :p"),
        table="numbers",
    ),
    story(
        "a filter of a page, which is of what is left of deleted items, too",
        query("p = :p", {":v": 2}, of=LONG, FilterExpression="i < :v", Limit=6),
        table="numbers",
        differs="filtered page",
    ),
    story(
        "a filter and a key condition share a name",
        query(
            "#p = :p AND c > :c",
            {":c": 2, ":v": 5},
            {"#p": "p", "#i": "i"},
            of=LONG,
            FilterExpression="#i < :v",
        ),
        table="numbers",
        differs="scanned",
    ),
    *[
        story(
            f"a filter of a scan: {text} {more}",
            call("scan", FilterExpression=text, ExpressionAttributeValues=values, **more),
            table="scanned",
            differs="scanned",
        )
        for text, values, more in (
            ("n = :v", {":v": 1}, {}),
            ("p = :v", {":v": "g1"}, {}),
            ("c > :v AND a < :w", {":v": 4, ":w": "7"}, {}),
            ("n = :v", {":v": 1}, {"ProjectionExpression": "a"}),
            ("n = :v", {":v": 1}, {"Select": "COUNT"}),
        )
    ],
    *[projected(*case) for case in PROJECTED],
    *[
        story(
            f"a read lists attributes: {wanted}",
            put(WHOLE),
            get(key={"c": "1"}, AttributesToGet=wanted),
            query("p = :p", AttributesToGet=wanted),
            table="sorted",
        )
        for wanted in (
            ["a"],
            ["c", "a"],
            ["p", "c"],
            ["nothing"],
            ["a", "a"],
            ["s", "n", "m"],
            ["e.f"],
        )
    ],
    story(
        "a read lists no attributes",
        put(WHOLE),
        get(key={"c": "1"}, AttributesToGet=[]),
        table="sorted",
    ),
    story(
        "a read lists attributes and has a projection",
        put(WHOLE),
        get(key={"c": "1"}, AttributesToGet=["a"], ProjectionExpression="a"),
        table="sorted",
    ),
]
