"""The limits of DynamoDB that moto does not know: a batch's length, an item's depth and size.

What is in the request is looked at before moto sees it; what an update makes of an item afterwards,
and it is taken back if DynamoDB would not hold it. So a refusal leaves nothing.
Source: DynamoDB developer guide, "Quotas and constraints"; API reference, BatchWriteItem,
TransactWriteItems (CancellationReasons).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.dynamodb.models.dynamo_type import LimitedSizeDict

from reconciler.errors import InvalidInput, ItemTooLarge
from reconciler.local.server.answers import Answer, dynamodb_error
from reconciler.local.server.stored_items import Savepoint
from reconciler.values.size import check_size

_MOST_IN_BATCH = 25
_TOO_DEEP = "Nesting Levels have exceeded supported limits"
_TOO_LARGE = "Item size has exceeded the maximum allowed size"
_TOO_LARGE_UPDATED = "Item size to update has exceeded the maximum allowed size"

Request = Mapping[str, Any]
Write = tuple[str, Mapping[str, Any]]  # a table, and an item or at least its key
Ask = Callable[[], Answer]  # carries the request out


def lift_moto_s_limit() -> None:
    """Let moto in this process hold any item: its own limit is lower, and ends transactions."""
    LimitedSizeDict.__setitem__ = dict.__setitem__  # type: ignore[method-assign]  # moto's


def held_to_limits(operation: str, request: Request, region: str, ask: Ask) -> Answer:
    """Carry a request out, or answer as DynamoDB refuses it."""
    match operation:
        case "PutItem":
            found = complaint(request.get("Item"))
            return dynamodb_error("ValidationException", found) if found else ask()
        case "BatchWriteItem":
            found = _complaint_about_batch(request)
            return dynamodb_error("ValidationException", found) if found else ask()
        case "UpdateItem":
            complaints, answer = _updated([_write({operation: request})], region, ask)
            return (
                dynamodb_error("ValidationException", complaints[0]) if any(complaints) else answer
            )
        case "TransactWriteItems":
            return _transacted(request, region, ask)
    return ask()


def complaint(item: Any, *, updated: bool = False) -> str:
    """Return what DynamoDB says of an item that it does not hold, nothing if it does."""
    try:
        check_size(item or {})
    except ItemTooLarge:
        return _TOO_LARGE_UPDATED if updated else _TOO_LARGE
    except InvalidInput:
        return _TOO_DEEP
    except (TypeError, ValueError, AttributeError):
        pass  # no item at all: moto says so
    return ""


def _complaint_about_batch(request: Request) -> str:
    writes = [write for of_table in request["RequestItems"].values() for write in of_table]
    if len(writes) > _MOST_IN_BATCH:
        return "Too many items requested for the BatchWriteItem call"
    puts = [write["PutRequest"]["Item"] for write in writes if "PutRequest" in write]
    return next(filter(None, map(complaint, puts)), "")


def _updated(writes: Sequence[Write], region: str, ask: Ask) -> tuple[list[str], Answer]:
    """Carry writes out; take all back, with complaints in their places, if one went too far."""
    before = Savepoint(region)
    for write in writes:
        before.keep(*write)
    answer = ask()
    if not answer.succeeded:
        before.restore()  # moto leaves the key of an absent item behind that it could not update
        return [], answer
    complaints = [complaint(before.now(*write), updated=True) for write in writes]
    if any(complaints):
        before.restore()
    return complaints, answer


def _transacted(request: Request, region: str, ask: Ask) -> Answer:
    actions = request["TransactItems"]
    complaints = [complaint(action.get("Put", {}).get("Item")) for action in actions]
    if any(complaints):
        return _cancelled(complaints)
    if not any("Update" in action for action in actions):
        return ask()
    complaints, answer = _updated([_write(action) for action in actions], region, ask)
    return _cancelled(complaints) if any(complaints) else answer


def _write(action: Mapping[str, Any]) -> Write:
    [request] = action.values()
    return request["TableName"], request.get("Item") or request.get("Key", {})


def _cancelled(complaints: Sequence[str]) -> Answer:
    codes = ["ValidationError" if complaint else "None" for complaint in complaints]
    reasons = [
        {"Code": code, **({"Message": complaint} if complaint else {})}
        for code, complaint in zip(codes, complaints, strict=True)
    ]
    message = (
        "Transaction cancelled, please refer cancellation reasons for specific reasons"
        f" [{', '.join(codes)}]"
    )
    return dynamodb_error(
        "TransactionCanceledException", message, Message=message, CancellationReasons=reasons
    )
