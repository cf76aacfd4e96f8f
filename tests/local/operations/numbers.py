"""Numbers: their bounds, their digits, the ways to write one, and sums of them."""

from decimal import Decimal
from typing import Any

from tests.local.operations.steps import P, Step, call, get, put, query, story, update

BOUNDS = ("1e125", "9.99999999e125", "-1e125", "1e-130", "-1e-130", "1e100", "-1e-100")
DIGITS = (
    "3.1415926535897932384626433832795028841",
    "314159265358979323846.26433832795028841",
    "31415926535897932384626433832795028841e30",
)
BEYOND = ("1e126", "11e125", "-1e126", "1e-131", "0.9e-130", "1.0e100000000")
TOO_LONG = ("3.14159265358979323846264338327950288419", "314159265358979323846264338327950288419e9")
WAYS = {
    "007": "7",
    "001.23": "1.23",
    "00": "0",
    "+3": "3",
    "+0": "0",
    "1.0": "1",
    "1.10": "1.1",
    "100.000": "100",
    "0.10": "0.1",
    "1e3": "1000",
    "1E+3": "1000",
    "-3e2": "-300",
    "1.5e2": "150",
    "1e-3": "0.001",
    "123e-2": "1.23",
    "-0": "0",
    "-0.0": "0",
    "0e5": "0",
    ".5": "0.5",
    "-.5": "-0.5",
    "1e20": "1" + "0" * 20,
    "1e-20": "0." + "0" * 19 + "1",
}
NO_NUMBERS = ("NaN", "Infinity", "-Infinity", "dog", "-dog", " 1", "1 ", "", "1,5", "0x1", "1_000")
KEY = {"p": {"S": P}}


def wired(operation: str, key: dict[str, Any] = KEY, **more: Any) -> Step:
    where = {"Item": {**key, **more.pop("Item")}} if "Item" in more else {"Key": key}
    return call(operation, **where, **more)


def set_to(name: str, number: str) -> Step:
    given: dict[str, Any] = {"ExpressionAttributeValues": {":v": {"N": number}}}
    return wired("update_item", UpdateExpression=f"SET {name} = :v", **given)


def many(number: str) -> dict[str, Any]:
    return {"a": {"N": number}, "l": {"L": [{"N": number}]}, "q": {"NS": [number, "12345"]}}


def sorted_at(number: str) -> dict[str, Any]:
    return {**KEY, "c": {"N": number}}


NUMBERS = [
    *[
        story(
            f"a number is {number}",
            put({"a": Decimal(number)}),
            get(),
            update("SET b = :v", {":v": Decimal(number)}),
        )
        for number in (*BOUNDS, *DIGITS[:2])
    ],
    *[
        story(
            f"a number is beyond what there is: {number}",
            *(wired("put_item", Item={"a": {"N": number}}), set_to("a", number)),
            differs="value",
            wire=True,
        )
        for number in (*BEYOND, *TOO_LONG)
    ],
    *[
        story(f"a counter is put as {number}", put({"n": Decimal(number)}))
        for number in ("0", "-0", "1.50", "-12", "1e10", "0.001")
    ],
    *[
        story(
            f"a number is written as {number!r}",
            wired("put_item", Item={**many(number), "n": {"N": number}}),
            *(wired("get_item"), set_to("a", number), wired("get_item")),
            wire=True,
        )
        for number in WAYS
    ],
    *[
        story(
            f"no number is {number!r}",
            wired("put_item", Item={"a": {"N": number}}),
            set_to("a", number),
            differs="value",
            wire=True,
        )
        for number in NO_NUMBERS
    ],
    story(
        "a number is given as one, not as a text",
        wired("put_item", Item={"a": {"N": 123}}),
        set_to("a", 5),  # type: ignore[arg-type]  # on purpose
        wire=True,
    ),
    *[
        story(
            f"a sort key is {number}",
            put({"c": Decimal(number), "a": 1}),
            get(key={"c": Decimal(number)}),
            update("SET a = :v", {":v": 2}, key={"c": Decimal(number)}),
            table="numbers",
        )
        for number in (*BOUNDS[:4], *DIGITS[:2])
    ],
    *[
        story(
            f"a sort key is beyond what there is: {number}",
            wired("put_item", sorted_at(number), Item={"a": {"S": "x"}}),
            wired("get_item", sorted_at(number)),
            table="numbers",
            differs="value",
            wire=True,
        )
        for number in BEYOND
    ],
    *[
        story(
            f"a sort key of 1000 is written as {number!r}",
            wired("put_item", sorted_at("1000"), Item={"a": {"S": "first"}}),
            wired("get_item", sorted_at(number)),
            wired("put_item", sorted_at(number), Item={"a": {"S": "second"}}),
            wired("get_item", sorted_at("1000")),
            wired("delete_item", sorted_at(number)),
            table="numbers",
            wire=True,
        )
        for number in ("1e3", "1E+3", "1000.0", "001000", "+1000")
    ],
    *[
        story(
            f"{text} of {first} and {second}",
            put({"n": Decimal(first), "a": Decimal(first)}),
            update(f"SET b = {text}", {":v": Decimal(first), ":w": Decimal(second)}),
            update(f"SET a = {text.replace(':v', 'a')}", {":w": Decimal(second)}),
            update(f"SET n = {text.replace(':v', 'n')}", {":w": Decimal(second)}),
        )
        for text in (":v + :w", ":v - :w")
        for first, second in (
            ("1", "10000000000000000000000"),
            ("0.1", "0.2"),
            ("-1.5", "1.5"),
        )
    ],
    *[
        story(
            f"ADD {amount} to {first}",
            put({"n": Decimal(first), "a": Decimal(first)}),
            update("ADD n :v, a :v, q :v", {":v": Decimal(amount)}),
        )
        for first, amount in (("0.1", "0.2"), ("3", "-3"), ("5", "0"))
    ],
    story(
        "numbers are sorted by what they are",
        *[
            put({"c": Decimal(n)})
            for n in ("10", "9", "-1", "0.5", "1e2", "-20", "1.00000000000000000000000001")
        ],
        query(),
        query(ScanIndexForward=False),
        table="numbers",
    ),
    story(
        "numbers of a set are the same however they are written",
        wired("put_item", Item={"a": {"NS": ["1.0", "2", "30"]}, "s": {"NS": ["1.0", "2", "30"]}}),
        wired(
            "update_item",
            UpdateExpression="ADD a :v, s :v",
            ExpressionAttributeValues={":v": {"NS": ["1", "4"]}},
        ),
        wired(
            "update_item",
            UpdateExpression="DELETE a :v, s :v",
            ExpressionAttributeValues={":v": {"NS": ["2", "4"]}},
        ),
        wired("get_item"),
        wire=True,
    ),
]
