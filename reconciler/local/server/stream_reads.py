"""GetRecords of the streams of global tables, without moto's serialiser.

moto looks every member of every record up by its model, which takes 14 ms for what a worker reads
in a burst, while all others wait; and it knows no iterator that expired.
Source: Amazon DynamoDB Streams API reference, GetRecords.
"""

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodbstreams.models import dynamodbstreams_backends

from reconciler.local.provision import ACCOUNT
from reconciler.local.server.answers import Answer, dynamodb_document, dynamodb_error
from reconciler.local.server.limits import Ask
from reconciler.local.server.replica_shard import ReplicaShard

_MOST_RECORDS = 1_000


def read_records(request: Mapping[str, Any], region: str, ask: Ask) -> Answer:
    """Answer GetRecords; of the stream of a table that is not global with what `ask` answers."""
    backend = dynamodbstreams_backends[ACCOUNT][region]
    iterator = backend.shard_iterators.get(request["ShardIterator"])
    if iterator is None:
        return dynamodb_error("ExpiredIteratorException", "the iterator has expired")
    if not isinstance(iterator.stream_shard, ReplicaShard):
        return ask()
    try:
        found = backend.get_records(iterator.arn, request.get("Limit") or _MOST_RECORDS)
    except JsonRESTError as refusal:
        return dynamodb_error(refusal.error_type, refusal.message)
    return dynamodb_document(found)
