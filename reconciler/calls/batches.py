"""Calls of many items, one after the other or at once, beside those of other tables. Pure."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from reconciler.calls.known import check_known
from reconciler.calls.reads import taken_in, widened
from reconciler.calls.steps import Answer, Parameters, Request, Steps, Writer, given_image
from reconciler.calls.writes import NOTHING, check_put, write
from reconciler.values.size import check_size
from reconciler.values.wire import Image, Wire, canonical_image

Writers = Mapping[str, Writer]  # by the table, as the call names it
_LATER = {
    *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"),
    *("InternalServerError", "TransactionConflictException"),
}
_MOST_REQUESTS = 25
_INVALID = "ValidationException"
_EMPTY: list[Wire] = [{"S": ""}, {"B": b""}]
_NO_KEY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot"
    " contain an empty string value."
)


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
    """Carry out a BatchWriteItem: what is of other tables at once, then one write after the other.

    What has to be read first is read at once. One request that DynamoDB would refuse, or that is
    refused here, refuses all, before anything is written. What it does not take now is left
    unprocessed, with all that would have come after it.
    """
    check_known("BatchWriteItem", asked)
    wanted: Mapping[str, Sequence[Any]] = asked["RequestItems"]
    ours = [(table, each) for table in writers for each in wanted[table]]
    refusal = _refused(ours, wanted, writers)
    known = refusal or (yield from _read_at_once(ours, wanted, writers))
    if isinstance(known, Answer):
        return known
    for table, each in ours:
        if "PutRequest" in each:
            check_put(_item(each), writers[table], known.get(table, NOTHING))
    answer, others = Answer(), {table: wanted[table] for table in wanted.keys() - writers.keys()}
    if others:
        answer = yield Request("BatchWriteItem", {**asked, "RequestItems": others})
        if answer.code:
            return answer
    left = dict(answer.parsed.get("UnprocessedItems", {}))
    for number, (table, each) in enumerate(ours):
        operation, parameters = next(iter(each.items()))
        operation = operation.removesuffix("Request") + "Item"
        asked_for = {"TableName": table, **parameters}
        found = yield from write(operation, asked_for, writers[table], known.get(table, NOTHING))
        if found.code in _LATER and (number or others):
            for name, later in ours[number:]:
                left.setdefault(name, []).append(later)
            break
        if found.code:
            return found
        answer = answer.with_(ResponseMetadata=found.parsed.get("ResponseMetadata"))
    return answer.with_(UnprocessedItems=left)


def _refused(
    ours: Sequence[tuple[str, Any]], wanted: Mapping[str, Sequence[Any]], writers: Writers
) -> Answer | None:
    """Return what DynamoDB says of a batch that it refuses as it is; ItemTooLarge."""
    if sum(map(len, wanted.values())) > _MOST_REQUESTS:
        return _error("Too many items requested for the BatchWriteItem call")
    names = [(table, writers[table].name_of(_item(each))) for table, each in ours]
    if len(set(names)) < len(names):
        return _error("Provided list of item keys contains duplicates")
    for table, each in ours:
        item = given_image(_item(each))
        if "PutRequest" in each:
            check_size(item)
        for name in writers[table].schema.key:
            if item[name] in _EMPTY:
                return _error(f"{_NO_KEY} Key: {name}")
    return None


def _error(message: str) -> Answer:
    error = {"Code": _INVALID, "Message": message}
    return Answer({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}})


def _read_at_once(
    ours: Sequence[tuple[str, Any]], wanted: Mapping[str, Sequence[Any]], writers: Writers
) -> Generator[Request, Answer, dict[str, dict[str, Image | None]] | Answer]:
    """Return the items that nobody saw, by table and name, unless the batch is of one alone.

    If their keys are none, the refusal. HAZARD if that came when its turn did: what comes before
    would be written. What DynamoDB does not answer now, each write looks at for itself. Items that
    are new cost one call more than if nothing were read, items that are there one each less.
    """
    unseen: dict[str, dict[str, Image]] = {}
    for table, each in ours:
        name = writers[table].name_of(_item(each))
        if writers[table].seen.last(name) is None:
            unseen.setdefault(table, {})[name] = writers[table].key_of(_item(each))
    if not unseen or sum(map(len, wanted.values())) < 2:
        return {}
    asked: dict[str, Any] = {
        table: {"Keys": list(keys.values()), "ConsistentRead": True}
        for table, keys in unseen.items()
    }
    answer = yield Request("BatchGetItem", {"RequestItems": asked})
    if answer.code == _INVALID:
        return answer
    left = {} if not answer.code else asked
    left = {**left, **answer.parsed.get("UnprocessedKeys", {})}
    known: dict[str, dict[str, Image | None]] = {}
    for table, keys in unseen.items():
        late = {writers[table].name_of(key) for key in left.get(table, {}).get("Keys", ())}
        known[table] = dict.fromkeys(name for name in keys if name not in late)
        for item in answer.parsed.get("Responses", {}).get(table, ()):
            known[table][writers[table].name_of(item)] = canonical_image(item)
    return known


def _item(request: Mapping[str, Any]) -> Any:
    (parameters,) = request.values()
    return parameters.get("Item") or parameters["Key"]
