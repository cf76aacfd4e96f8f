"""What becomes of a call: the steps in its place, or nothing, where it is none of ours. Pure.

Only calls that name a table of the library's are looked at. Of these, what reads and writes items
is known; PartiQL, and whatever is new to this release, is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.calls.batches import get_many, get_together, write_many
from reconciler.calls.reads import get, page
from reconciler.calls.steps import Parameters, Steps, Writer, table_of
from reconciler.calls.taking import only_takes, take
from reconciler.calls.transactions import write_together
from reconciler.calls.updates import update
from reconciler.calls.writes import write
from reconciler.errors import InvalidInput

_STATEMENTS = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
_OF_ONE: Mapping[str, Callable[[Parameters, Writer], Steps]] = {
    "GetItem": get,
    "UpdateItem": lambda asked, writer: (take if only_takes(asked) else update)(asked, writer),
    "PutItem": lambda asked, writer: write("PutItem", asked, writer),
    "DeleteItem": lambda asked, writer: write("DeleteItem", asked, writer),
    "Query": lambda asked, writer: page("Query", asked, writer),
    "Scan": lambda asked, writer: page("Scan", asked, writer),
}
_OF_MANY: Mapping[str, Callable[[Parameters, Mapping[str, Writer]], Steps]] = {
    "BatchGetItem": get_many,
    "BatchWriteItem": write_many,
    "TransactGetItems": get_together,
    "TransactWriteItems": write_together,
}
# Of tables, not of items.
_OF_TABLES = (
    *("Create", "Describe", "List", "Tag", "Untag", "Enable", "Disable", "Export", "Restore"),
    *("UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "UpdateContributorInsights"),
    *("UpdateKinesisStreamingDestination", "UpdateGlobalTable", "DeleteTable", "DeleteBackup"),
    *("DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"),
)


def steps_of(operation: str, asked: Parameters, writers: Mapping[str, Writer]) -> Steps | None:
    """Return the steps that take a call's place; None if it is to be left as it is.

    `writers` are those of the library's tables, by name. InvalidInput for what is not known; steps
    raise it, too, before their first request.
    """
    named = {
        name: writers[table_of(name)]
        for name in _tables_in(operation, asked)
        if table_of(name) in writers
    }
    if operation in _STATEMENTS:
        said = str(asked.get("Statement", "")) + str(asked.get("Statements", ""))
        said += str(asked.get("TransactStatements", ""))
        named = {name: writer for name, writer in writers.items() if name in said}
    if not named or operation.startswith(_OF_TABLES):
        return None
    _check_each_is_one(operation, asked)
    if _lacks_a_key(operation, asked, named):
        return None
    if operation in _OF_ONE:
        (writer,) = named.values()
        return _OF_ONE[operation](asked, writer)
    if operation in _OF_MANY:
        return _OF_MANY[operation](asked, named)
    raise InvalidInput(
        f"{operation} on {', '.join(sorted(named))} is not known to the reconciler, and would write"
        " or show what it does not account for: use the calls of items, such as UpdateItem"
    )


def _check_each_is_one(operation: str, asked: Parameters) -> None:
    """Raise InvalidInput if a part of a call is none or several of what it may be.

    HAZARD if one of several were carried out: nobody would miss the others.
    """
    if operation.startswith("Transact"):
        parts = asked["TransactItems"]
    elif operation == "BatchWriteItem":
        parts = [request for each in asked["RequestItems"].values() for request in each]
    else:
        return
    if any(len(part) != 1 for part in parts):
        raise InvalidInput(f"{operation}: each of its parts is one action or request: split it")


def _lacks_a_key(operation: str, asked: Parameters, named: Mapping[str, Writer]) -> bool:
    """Return whether a write does not name its item, for which DynamoDB refuses it."""
    for table, parameters in _writes_in(operation, asked):
        key = {*named[table].schema.key} if table in named else set()
        given = parameters.get("Item") or parameters.get("Key") or {}
        if not key <= given.keys() or ("Item" not in parameters and key and key != given.keys()):
            return True
    return False


def _writes_in(operation: str, asked: Parameters) -> list[tuple[str, Any]]:
    """Return the table and the parameters of each write of a call."""
    if operation == "TransactWriteItems":
        return [
            (each["TableName"], each) for item in asked["TransactItems"] for each in item.values()
        ]
    if operation == "BatchWriteItem":
        return [
            (table, each)
            for table, requests in asked["RequestItems"].items()
            for request in requests
            for each in request.values()
        ]
    is_write = operation in ("PutItem", "UpdateItem", "DeleteItem")
    return [(asked["TableName"], asked)] if is_write else []


def _tables_in(operation: str, asked: Parameters) -> list[str]:
    if operation.startswith("Transact"):
        actions: list[Any] = [
            action for each in asked.get("TransactItems", []) for action in each.values()
        ]
        return [action["TableName"] for action in actions]
    if operation.startswith("Batch"):
        items = asked.get("RequestItems", {})
        return list(items)
    return [asked["TableName"]] if "TableName" in asked else []
