"""The notation of stories: operations on one table, in order, whose answers are compared.

"<p>" in any text is the partition that a story has for itself. A step's key is that partition, and
what `key` adds to it. Values are Python's, as a resource takes them.
"""

from dataclasses import dataclass
from typing import Any

P = "<p>"
Values = dict[str, Any]


Case = tuple[str, Values]  # an expression, and its values


@dataclass(frozen=True)
class Step:
    """One call of a client; "TABLE" in its parameters is the story's table."""

    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Story:
    """What is done, in order, on the items of one partition.

    `differs` names why our answers are others, on purpose; `wire`: values are in wire form.
    """

    name: str
    steps: tuple[Step, ...]
    table: str
    differs: str
    wire: bool

    def writes(self) -> bool:
        return any(step.operation in WRITES for step in self.steps)

    def __str__(self) -> str:
        return self.name


WRITES = ("put_item", "update_item", "delete_item", "batch_write_item", "transact_write_items")


def cases(*each: Case) -> tuple[Case, ...]:
    return each


def story(
    name: str, *steps: Step, table: str = "single", differs: str = "", wire: bool = False
) -> Story:
    return Story(name, steps, table, differs, wire)


def listed(values: Values) -> str:
    """Return values as a story's name has them: a set of texts has another order in each process,
    and a story one name in all of them."""
    told = (sorted(each) if isinstance(each, set) else each for each in values.values())
    return ", ".join(map(repr, told))


def call(operation: str, **parameters: Any) -> Step:
    """Return a call on the story's table, its other parameters as they are."""
    return Step(operation, {"TableName": "TABLE", **parameters})


def expressed(when: str, values: Values | None, names: dict[str, str] | None) -> dict[str, Any]:
    """Return a condition with its placeholders, as the parameters of a write."""
    given = {
        "ConditionExpression": when,
        "ExpressionAttributeValues": values,
        "ExpressionAttributeNames": names,
    }
    return {name: part for name, part in given.items() if part}


def put(
    item: Values,
    when: str = "",
    values: Values | None = None,
    names: dict[str, str] | None = None,
    **more: Any,
) -> Step:
    return call("put_item", Item={"p": P, **item}, **expressed(when, values, names), **more)


def update(
    text: str,
    values: Values | None = None,
    names: dict[str, str] | None = None,
    *,
    when: str = "",
    key: Values | None = None,
    **more: Any,
) -> Step:
    given = {"UpdateExpression": text, **expressed(when, values, names), **more}
    return call("update_item", Key={"p": P, **(key or {})}, **given)


def delete(
    when: str = "",
    values: Values | None = None,
    names: dict[str, str] | None = None,
    *,
    key: Values | None = None,
    **more: Any,
) -> Step:
    given = {**expressed(when, values, names), **more}
    return call("delete_item", Key={"p": P, **(key or {})}, **given)


def get(*, key: Values | None = None, **more: Any) -> Step:
    return call("get_item", Key={"p": P, **(key or {})}, ConsistentRead=True, **more)


def query(
    text: str = "p = :p",
    values: Values | None = None,
    names: dict[str, str] | None = None,
    *,
    of: Any = P,
    **more: Any,
) -> Step:
    """Return a query of a partition, whose value is :p."""
    given = {":p": of, **(values or {})} if ":p" in text else values
    parts = {"ExpressionAttributeValues": given, "ExpressionAttributeNames": names}
    held = {name: part for name, part in parts.items() if part}
    return call("query", KeyConditionExpression=text, **held, **more)


def together(*actions: tuple[str, dict[str, Any]], **more: Any) -> Step:
    """Return a transaction of writes, each on the story's table unless it names another."""
    items = [{kind: {"TableName": "TABLE", **given}} for kind, given in actions]
    return Step("transact_write_items", {"TransactItems": items, **more})


def batch(*requests: tuple[str, Values], table: str = "TABLE") -> Step:
    """Return a batch of writes: ("put", item) and ("delete", key)."""
    return Step("batch_write_item", {"RequestItems": {table: [request(*r) for r in requests]}})


def request(kind: str, given: Values) -> dict[str, Any]:
    if kind == "put":
        return {"PutRequest": {"Item": given}}
    return {"DeleteRequest": {"Key": given}}
