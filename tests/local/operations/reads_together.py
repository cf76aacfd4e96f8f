"""Reads of several items at once: by batches, and in transactions."""

from typing import Any

from tests.local.operations.batches import EIGHT, KEYS, SORTED, SORTED_KEYS, deletes, puts, read
from tests.local.operations.steps import P, Step, call, get, put, story, together, update
from tests.local.operations.transactions import ONE, K


def reads(*gets: dict[str, Any]) -> Step:
    return Step(
        "transact_get_items",
        {"TransactItems": [{"Get": {"TableName": "TABLE", **given}} for given in gets]},
    )


READS_TOGETHER = [
    story("some of what a batch reads is there", put({}), read([{"p": P}, *KEYS])),
    story("nothing of what a batch reads is there", read(KEYS)),
    story("a batch reads no table", Step("batch_get_item", {"RequestItems": {}})),
    story("a batch reads no key", read([])),
    story("a batch reads a key twice", read([KEYS[0], KEYS[0]])),
    story("a batch reads a hundred and one keys", read([{"p": f"{P}{n}"} for n in range(101)])),
    story("a batch reads a key of another type", read([{"p": 1}])),
    story("a batch reads a key that is too much", read([{"p": P, "c": "1"}])),
    story(
        "a batch reads what was deleted, updated and put",
        puts(EIGHT),
        deletes(KEYS[:3]),
        call(
            "update_item",
            Key=KEYS[3],
            UpdateExpression="SET a = :v",
            ExpressionAttributeValues={":v": "new"},
        ),
        puts([{"p": KEYS[1]["p"], "z": 1}]),
        read(KEYS),
    ),
    *[
        story(
            f"a batch reads {', '.join(wanted)} by {how}",
            puts(SORTED[:3]),
            deletes(SORTED_KEYS[:1]),
            read(
                SORTED_KEYS[:3], **{how: wanted if how == "AttributesToGet" else ", ".join(wanted)}
            ),
            table="sorted",
        )
        for wanted in (["p"], ["p", "c"], ["a"], ["c", "b"], ["nothing"])
        for how in ("AttributesToGet", "ProjectionExpression")
    ],
    *[
        story(
            f"a batch reads {text}, with names {sorted(names)}",
            puts(SORTED[:3]),
            read(
                SORTED_KEYS[:3],
                ProjectionExpression=text,
                **({"ExpressionAttributeNames": names} if names else {}),
            ),
            table="sorted",
        )
        for text, names in (
            ("#p", {"#p": "p"}),
            ("#p", {"#p": "p", "#q": "q"}),
            ("#p, #q", {"#p": "p"}),
            ("a.x", {}),
            ("a.y[0], b", {}),
            ("#a.#x", {"#a": "a", "#x": "x"}),
            ("b, b", {}),
        )
    ],
    story(
        "a batch reads by both ways to say what",
        puts(SORTED[:1]),
        read(SORTED_KEYS[:1], ProjectionExpression="a", AttributesToGet=["b"]),
        table="sorted",
    ),
    story("one is read that a batch put", puts(EIGHT[:1]), get(key=KEYS[0])),
    story("one item is read in a transaction", put(ONE), reads({"Key": K[1]})),
    story("what is not there is read in a transaction", reads({"Key": K[1]})),
    story(
        "what is there, deleted and never was is read in a transaction",
        put(ONE),
        put(K[2]),
        together(("Delete", {"Key": K[2]})),
        reads(*[{"Key": key} for key in K[1:4]]),
    ),
    *[
        story(
            f"a transaction reads {text}, with names {sorted(names)}",
            put(ONE),
            reads(
                {
                    "Key": K[1],
                    "ProjectionExpression": text,
                    **({"ExpressionAttributeNames": names} if names else {}),
                }
            ),
        )
        for text, names in (
            ("a, n", {}),
            ("m.f, s", {}),
            ("#a, #n", {"#a": "a", "#n": "n"}),
            ("#a, #n", {"#a": "a"}),
            ("#a", {"#a": "a", "#q": "q"}),
            ("nothing", {}),
        )
    ],
    story("a transaction reads an item twice", put(ONE), reads({"Key": K[1]}, {"Key": K[1]})),
    story(
        "a transaction reads a hundred and one",
        reads(*[{"Key": {"p": f"{P}{n}"}} for n in range(101)]),
    ),
    story("a transaction reads nothing", Step("transact_get_items", {"TransactItems": []})),
    story(
        "a transaction reads two tables",
        put(ONE),
        reads({"Key": K[1]}, {"TableName": "TABLE:second", "Key": K[1]}),
    ),
    story(
        "what was read in a transaction is updated",
        put(ONE),
        reads({"Key": K[1]}),
        update("SET n = n + :v", {":v": 1}, key=K[1]),
        put(ONE),
        get(key=K[1]),
    ),
]
