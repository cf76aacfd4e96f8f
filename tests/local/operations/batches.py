"""Batches: puts and deletes of several items and tables, what is wrong with one, and reads."""

from typing import Any

from tests.local.operations.steps import (
    P,
    Step,
    Story,
    batch,
    put,
    query,
    request,
    story,
)

EIGHT = [{"p": f"{P}{n}", "a": n, "b": f"b{n}", "n": n} for n in range(8)]
KEYS = [{"p": item["p"]} for item in EIGHT]
SORTED = [{"p": P, "c": f"{n}", "a": {"x": n, "y": [n]}, "b": "x"} for n in range(8)]
SORTED_KEYS = [{"p": P, "c": item["c"]} for item in SORTED]


def read(keys: list[dict[str, Any]], **more: Any) -> Step:
    asked = {"Keys": keys, "ConsistentRead": True, **more}
    return Step("batch_get_item", {"RequestItems": {"TABLE": asked}})


def puts(items: list[dict[str, Any]]) -> Step:
    return batch(*[("put", item) for item in items])


def deletes(keys: list[dict[str, Any]]) -> Step:
    return batch(*[("delete", key) for key in keys])


def wrong(name: str, *steps: Step, table: str = "single", differs: str = "") -> Story:
    return story(
        f"a batch has {name}",
        put({}) if table == "single" else put({"c": "1"}),
        *steps,
        read(KEYS[:3]) if table == "single" else query(),
        table=table,
        differs=differs,
    )


BATCHES = [
    story("eight items are put at once and read at once", puts(EIGHT), read(KEYS)),
    story(
        "eight items of one partition are put and read",
        puts(SORTED),
        read(SORTED_KEYS),
        read(SORTED_KEYS[::2]),
        table="sorted",
    ),
    story(
        "items that are there are replaced by a batch",
        puts(EIGHT),
        puts([{"p": each["p"], "z": 1} for each in EIGHT]),
        read(KEYS),
    ),
    story(
        "items are put, deleted and put again by batches",
        puts(EIGHT),
        deletes(KEYS),
        read(KEYS),
        puts(EIGHT[:3]),
        read(KEYS),
    ),
    story("a batch deletes what is not there", deletes(KEYS), read(KEYS)),
    story(
        "a batch puts one and deletes another",
        puts(EIGHT[:2]),
        batch(("put", EIGHT[2]), ("delete", KEYS[1])),
        read(KEYS),
    ),
    story(
        "twenty-five items are put by a batch",
        puts([{"p": P, "c": f"{n:02}"} for n in range(25)]),
        table="sorted",
    ),
    wrong("twenty-six puts", puts([{"p": f"{P}{n}"} for n in range(26)])),
    wrong("a hundred deletes", deletes([{"p": f"{P}{n}"} for n in range(100)])),
    wrong("one item twice", puts([EIGHT[0], EIGHT[0]])),
    wrong("one item put and deleted", batch(("delete", KEYS[0]), ("put", EIGHT[0])), differs="lax"),
    wrong("one delete twice", deletes([KEYS[0], KEYS[0]])),
    wrong("one sort key twice", puts([SORTED[0], SORTED[0]]), table="sorted"),
    wrong(
        "one sort key in two partitions",
        puts([SORTED[0], {"p": f"{P}x", "c": "0"}]),
        table="sorted",
    ),
    wrong("a key of another type in its middle", puts([EIGHT[0], {"p": 3}, EIGHT[1]])),
    wrong("an item without a key in its middle", puts([EIGHT[0], {"x": 1}, EIGHT[1]])),
    wrong("an empty key in its end", puts([EIGHT[0], {"p": ""}])),
    wrong(
        "an item too large in its end",
        puts([EIGHT[0], {"p": f"{P}1", "a": "x" * 450_000}]),
        differs="size",
    ),
    wrong("nothing to do", Step("batch_write_item", {"RequestItems": {}})),
    wrong("nothing to do in a table", Step("batch_write_item", {"RequestItems": {"TABLE": []}})),
    wrong(
        "a table that is not there",
        Step("batch_write_item", {"RequestItems": {"nowhere": [request("put", {"p": P})]}}),
    ),
    wrong(
        "a table that is not there beside one that is",
        Step(
            "batch_write_item",
            {
                "RequestItems": {
                    "TABLE": [request("put", EIGHT[1])],
                    "nowhere": [request("put", {"p": P})],
                }
            },
        ),
    ),
    wrong(
        "a request that is both",
        Step(
            "batch_write_item",
            {
                "RequestItems": {
                    "TABLE": [{**request("put", EIGHT[0]), **request("delete", KEYS[1])}]
                }
            },
        ),
        differs="malformed",
    ),
    story(
        "two tables have the same key",
        Step(
            "batch_write_item",
            {
                "RequestItems": {
                    "TABLE": [request("put", EIGHT[0])],
                    "TABLE:second": [request("put", {**EIGHT[0], "b": 2})],
                }
            },
        ),
        Step(
            "batch_get_item",
            {"RequestItems": {table: {"Keys": KEYS[:1]} for table in ("TABLE", "TABLE:second")}},
        ),
    ),
    story(
        "two tables of other keys are read",
        Step(
            "batch_write_item",
            {
                "RequestItems": {
                    "TABLE": [request("put", EIGHT[0])],
                    "TABLE:sorted": [request("put", SORTED[0])],
                }
            },
        ),
        Step(
            "batch_get_item",
            {
                "RequestItems": {
                    "TABLE": {"Keys": KEYS[:1], "ProjectionExpression": "a"},
                    "TABLE:sorted": {"Keys": SORTED_KEYS[:2], "AttributesToGet": ["b"]},
                }
            },
        ),
    ),
    *[
        story(
            f"a batch that writes says what it costs: {kind}",
            Step(
                "batch_write_item",
                {
                    "RequestItems": {"TABLE": [request("put", EIGHT[0])]},
                    "ReturnConsumedCapacity": kind,
                },
            ),
            differs="capacity",
        )
        for kind in ("TOTAL", "INDEXES")
    ],
    story(
        "a batch that reads says what it costs",
        puts(EIGHT[:1]),
        Step(
            "batch_get_item",
            {"RequestItems": {"TABLE": {"Keys": KEYS[:1]}}, "ReturnConsumedCapacity": "TOTAL"},
        ),
    ),
    story(
        "a number is one sort key however it is written",
        Step(
            "batch_write_item",
            {
                "RequestItems": {
                    "TABLE": [
                        request("put", {"p": {"S": P}, "c": {"N": n}}) for n in ("1000", "1e3")
                    ]
                }
            },
        ),
        table="numbers",
        differs="lax",
        wire=True,
    ),
]
