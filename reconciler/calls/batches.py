"""Calls of many items, one after the other or at once, beside those of other tables. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.calls.known import check_known
from reconciler.calls.reads import taken_in, widened
from reconciler.calls.steps import Answer, Parameters, Request, Steps, Writer
from reconciler.calls.writes import write

Writers = Mapping[str, Writer]  # by the table, as the call names it
_LATER = {
    *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"),
    *("InternalServerError", "TransactionConflictException"),
}
_TWICE = {
    "Code": "ValidationException",
    "Message": "Provided list of item keys contains duplicates",
}


def get_many(asked: Parameters, writers: Writers) -> Steps:
    """Carry out a BatchGetItem."""
    check_known("BatchGetItem", asked)
    wanted = asked["RequestItems"]
    for table in writers:
        check_known("Keys", wanted[table])
    sent = {name: widened(each) if name in writers else each for name, each in wanted.items()}
    answer = yield Request("BatchGetItem", {**asked, "RequestItems": sent})
    if answer.code:
        return answer
    responses = dict(answer.parsed.get("Responses", {}))
    unprocessed = dict(answer.parsed.get("UnprocessedKeys", {}))
    for table, writer in writers.items():
        if table in responses:
            views = [taken_in(item, sent[table], writer) for item in responses[table]]
            responses[table] = [view for view in views if view is not None]
        if table in unprocessed:  # as the caller asked, for the caller sends it again
            unprocessed[table] = {**wanted[table], "Keys": unprocessed[table]["Keys"]}
    return answer.with_(Responses=responses, UnprocessedKeys=unprocessed)


def get_together(asked: Parameters, writers: Writers) -> Steps:
    """Carry out a TransactGetItems."""
    check_known("TransactGetItems", asked)
    gets = [each["Get"] for each in asked["TransactItems"]]
    for get in gets:
        if get["TableName"] in writers:
            check_known("Get", get)
    sent = [{"Get": widened(get) if get["TableName"] in writers else get} for get in gets]
    answer = yield Request("TransactGetItems", {**asked, "TransactItems": sent})
    if answer.code:
        return answer
    responses = [
        _told(response, get, writers.get(get["TableName"]))
        for response, get in zip(answer.parsed.get("Responses", []), gets, strict=True)
    ]
    return answer.with_(Responses=responses)


def _told(response: Mapping[str, Any], get: Parameters, writer: Writer | None) -> Any:
    if writer is None or "Item" not in response:
        return response
    view = taken_in(response["Item"], get, writer)
    rest = {name: part for name, part in response.items() if name != "Item"}
    return rest if view is None else {**rest, "Item": view}


def write_many(asked: Parameters, writers: Writers) -> Steps:
    """Carry out a BatchWriteItem: one write after the other, then those of other tables at once.

    What DynamoDB does not take now is left unprocessed, with all that would have come after it.
    """
    check_known("BatchWriteItem", asked)
    wanted: Mapping[str, Sequence[Any]] = asked["RequestItems"]
    ours = [(table, each) for table in writers for each in wanted[table]]
    names = [(table, writers[table].name_of(_item(each))) for table, each in ours]
    if len(set(names)) < len(names):
        return Answer({"Error": _TWICE, "ResponseMetadata": {"HTTPStatusCode": 400}})
    answer = Answer({"UnprocessedItems": {}})
    for number, (table, each) in enumerate(ours):
        operation, parameters = next(iter(each.items()))
        operation = operation.removesuffix("Request") + "Item"
        found = yield from write(operation, {"TableName": table, **parameters}, writers[table])
        if found.code in _LATER and number:
            return answer.with_(UnprocessedItems=_rest(ours[number:], wanted, writers))
        if found.code:
            return found
        answer = answer.with_(ResponseMetadata=found.parsed.get("ResponseMetadata"))
    others = {table: each for table, each in wanted.items() if table not in writers}
    if not others:
        return answer
    return (yield Request("BatchWriteItem", {**asked, "RequestItems": others}))


def _item(request: Mapping[str, Any]) -> Any:
    (parameters,) = request.values()
    return parameters.get("Item") or parameters["Key"]


def _rest(
    ours: Sequence[tuple[str, Any]], wanted: Mapping[str, Any], writers: Writers
) -> dict[str, list[Any]]:
    rest = {table: list(each) for table, each in wanted.items() if table not in writers}
    for table, each in ours:
        rest.setdefault(table, []).append(each)
    return rest
