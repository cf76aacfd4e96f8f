"""Transactions: each action, alone and beside others, held and cancelled; and reads."""

from typing import Any

from tests.local.operations.steps import P, Step, Story, get, put, story, together

ONE: dict[str, Any] = {"p": f"{P}1", "a": 1, "n": 5, "s": {"x"}, "m": {"f": 1}}
K = [{"p": f"{P}{number}"} for number in range(5)]
YES, NO = "attribute_exists(p)", "attribute_not_exists(p)"
ADDED: dict[str, Any] = {
    "UpdateExpression": "SET a = a + :v, n = n + :v, b = :v ADD s :s",
    "ExpressionAttributeValues": {":v": 1, ":s": {"y"}},
}
ACTIONS: dict[str, dict[str, Any]] = {
    "Put": {"Item": {"p": f"{P}1", "b": 2, "n": 1}},
    "Update": {
        "Key": K[1],
        "UpdateExpression": "SET b = :v ADD n :v",
        "ExpressionAttributeValues": {":v": 1},
    },
    "Delete": {"Key": K[1]},
    "ConditionCheck": {"Key": K[1]},
}
THERE: dict[str, list[Step]] = {
    "what is there": [put(ONE)],
    "nothing": [],
    "what was deleted": [put(ONE), together(("Delete", {"Key": K[1]}))],
}
SHOWS = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def conditions_of(action: dict[str, Any]) -> dict[str, dict[str, Any]]:
    values = {**action.get("ExpressionAttributeValues", {}), ":w": 1}
    either = {"ConditionExpression": f"{NO} OR a = :w", "ExpressionAttributeValues": values}
    return {
        "unconditional": {},
        "if it is there": {"ConditionExpression": YES, **SHOWS},
        "if it is not there": {"ConditionExpression": NO},
        "if it is not there, or a value is": {**either, **SHOWS},
    }


def then(name: str, *steps: Step, differs: str = "") -> Story:
    return story(name, *steps, get(key=K[1]), get(key=K[2]), differs=differs)


TRANSACTIONS = [
    *[
        then(
            f"a transaction of one {kind} of {where}, {said}",
            *before,
            together((kind, {**given, **condition})),
        )
        for where, before in THERE.items()
        for kind, given in ACTIONS.items()
        for said, condition in conditions_of(given).items()
        if condition or kind != "ConditionCheck"
    ],
    then("a check has no condition", put(ONE), together(("ConditionCheck", {"Key": K[1]}))),
    then(
        "an update of what is there changes several types",
        put(ONE),
        together(("Update", {"Key": K[1], **ADDED})),
        together(("Update", {"Key": K[1], **ADDED})),
    ),
    then(
        "an update of what is not there adds to nothing",
        together(("Update", {"Key": K[1], **ADDED})),
    ),
    then(
        "three actions hold",
        together(
            ("Put", {"Item": ONE}),
            ("Put", {"Item": {**K[2], "a": "x"}, "ConditionExpression": NO}),
            ("ConditionCheck", {"Key": K[3], "ConditionExpression": NO}),
        ),
    ),
    then(
        "the last of three does not hold",
        together(
            ("Put", {"Item": ONE}),
            ("Put", {"Item": K[2], "ConditionExpression": NO}),
            ("ConditionCheck", {"Key": K[3], "ConditionExpression": YES}),
        ),
    ),
    then(
        "the first of three does not hold",
        put({**K[2], "a": 1}),
        together(
            ("Put", {"Item": ONE, "ConditionExpression": YES, **SHOWS}),
            ("Delete", {"Key": K[2]}),
            (
                "Update",
                {"Key": K[3], **ACTIONS["Update"], "ConditionExpression": YES} | {"Key": K[3]},
            ),
        ),
    ),
    then(
        "two of four do not hold, and both are told",
        put(ONE),
        together(
            ("Put", {"Item": K[0]}),
            ("Put", {"Item": ONE, "ConditionExpression": NO, **SHOWS}),
            ("ConditionCheck", {"Key": K[3], "ConditionExpression": YES}),
            ("Delete", {"Key": K[2], "ConditionExpression": NO}),
        ),
    ),
    *[
        then(
            f"one item is in it twice: {first} and {second}",
            put(ONE),
            together(
                (first, {**ACTIONS[first], "ConditionExpression": YES}),
                (second, {**ACTIONS[second], "ConditionExpression": YES}),
            ),
        )
        for first, second in (
            ("Put", "Put"),
            ("Put", "ConditionCheck"),
            ("Update", "Delete"),
            ("Delete", "Delete"),
            ("ConditionCheck", "ConditionCheck"),
            ("Update", "Update"),
        )
    ],
    story(
        "two tables are in it",
        together(
            ("Put", {"Item": {"p": P, "a": 1}}),
            (
                "Put",
                {
                    "TableName": "TABLE:sorted",
                    "Item": {"p": P, "c": "1"},
                    "ConditionExpression": NO,
                },
            ),
        ),
        get(),
        Step("get_item", {"TableName": "TABLE:sorted", "Key": {"p": P, "c": "1"}}),
    ),
    story(
        "two tables are in it and it is cancelled",
        together(
            ("Put", {"Item": {"p": P, "a": 1}}),
            (
                "Put",
                {
                    "TableName": "TABLE:sorted",
                    "Item": {"p": P, "c": "1"},
                    "ConditionExpression": YES,
                },
            ),
        ),
        get(),
    ),
    then("nothing is in it", Step("transact_write_items", {"TransactItems": []})),
    story(
        "a hundred puts are in it",
        together(*[("Put", {"Item": {"p": P, "c": f"{n:02}", "n": n}}) for n in range(100)]),
        table="sorted",
    ),
    story(
        "a hundred and one puts are in it",
        together(*[("Put", {"Item": {"p": P, "c": f"{n:02}"}}) for n in range(101)]),
        table="sorted",
    ),
    then(
        "keys of another type are in it",
        together(("Put", {"Item": {"p": 7}}), ("Put", {"Item": ONE})),
    ),
    then("a key is missing in it", together(("Put", {"Item": {"x": 7}}), ("Put", {"Item": ONE}))),
    then(
        "an item too large is in it",
        together(("Put", {"Item": {**ONE, "a": "x" * 450_000}})),
        differs="size",
    ),
    then(
        "a table that is not there is in it",
        together(("Put", {"Item": ONE}), ("Put", {"TableName": "nowhere", "Item": ONE})),
    ),
    *[
        then(
            f"a placeholder of it is wrong: {when}, {sorted(more)}",
            put(ONE),
            together(("Put", {"Item": ONE, "ConditionExpression": when, **more})),
        )
        for when, more in (
            ("attribute_exists(p)", {"ExpressionAttributeNames": {"#x": "x"}}),
            ("attribute_exists(p)", {"ExpressionAttributeValues": {":x": 7}}),
        )
    ],
    *[
        then(
            f"a refusal in it shows {shows}",
            put(ONE),
            together(
                (
                    "Update",
                    {
                        "Key": K[1],
                        **ADDED,
                        "ConditionExpression": "a = :v AND n = :v",
                        "ReturnValuesOnConditionCheckFailure": shows,
                    },
                )
            ),
        )
        for shows in ("ALL_OLD", "NONE", "none")
    ],
    *[
        then(
            f"a transaction with {what} is made twice",
            put(ONE),
            *[together(("Update", {"Key": K[1], **ADDED}), ClientRequestToken=f"{P}<twin>{token}")]
            * 2,
            differs=differs,
        )
        for what, token, differs in (("any token", "token", "token"),)
    ],
    then(
        "a token is too long",
        together(("Put", {"Item": ONE}), ClientRequestToken="<twin>" + "x" * 37),
    ),
    then(
        "a token is given to another transaction",
        together(("Put", {"Item": ONE}), ClientRequestToken=f"{P}<twin>"),
        together(("Put", {"Item": K[2]}), ClientRequestToken=f"{P}<twin>"),
    ),
    then(
        "capacity of a transaction is asked for",
        together(("Put", {"Item": ONE}), ReturnConsumedCapacity="TOTAL"),
    ),
]
