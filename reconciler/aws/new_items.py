"""Items that are not there yet, many in a call, over the DynamoDB API.

PartiQL's INSERT is the one conditional write that comes in batches without being a transaction. It
is refused where there is an item, alone, and costs what a put does; in a transaction each item
costs twice that, and one that is refused would refuse all beside it.
Source: DynamoDB guide, "PartiQL insert statements" (DuplicateItemException), "Running batch
operations with PartiQL"; API reference, BatchExecuteStatement; botocore guide, "Events".
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from reconciler.aws.clients import translated
from reconciler.aws.whole_replica import DynamoReplica
from reconciler.values.wire import Image, to_json

_CALL = "dynamodb.BatchExecuteStatement"
_STATEMENTS = "statements"  # of the call, in its context


class DynamoNewItems(DynamoReplica):
    """The items of one table, looked for and inserted many in a call.

    The SDK would walk each item twice, to check and to encode it, which takes longer than all else
    here; they are in DynamoDB's own form, so they are encoded beside it.
    """

    def __init__(self, table: str, dynamodb: Any) -> None:
        super().__init__(table, dynamodb)
        events = dynamodb.meta.events
        events.register(f"provide-client-params.{_CALL}", _set_aside, "set aside")
        events.register(f"before-call.{_CALL}", _encode, "encode")

    def insert(self, images: Sequence[Image]) -> list[bool]:
        """Write items where there are none, each by itself; return which are written."""
        statements = [
            {"Statement": _insert(self._table, tuple(image)), "Parameters": list(image.values())}
            for image in images
        ]
        with translated("BatchExecuteStatement"):
            answer: Any = self._client.batch_execute_statement(Statements=statements)
        return ["Error" not in each for each in answer["Responses"]]


def _set_aside(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    context[_STATEMENTS] = params["Statements"]
    return {"Statements": [{"Statement": "-"}]}  # what the SDK gets to see


def _encode(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = to_json({"Statements": context.pop(_STATEMENTS)}).encode()


@cache
def _insert(table: str, names: tuple[str, ...]) -> str:
    """Return the statement that inserts an item with attributes of these names."""
    fields = ", ".join("'" + name.replace("'", "''") + "': ?" for name in names)
    return f'INSERT INTO "{table}" VALUE {{{fields}}}'
