"""Which calls are known, and what of them: anything else is refused before it is sent. Pure.

HAZARD if what is not known were let through: it may write around the library.
"""

from reconciler.calls.steps import Parameters
from reconciler.errors import InvalidInput

_CONDITION = (
    *("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"),
    "ReturnValuesOnConditionCheckFailure",
)
_WRITE = (
    *(*_CONDITION, "TableName", "ReturnValues"),
    *("ReturnConsumedCapacity", "ReturnItemCollectionMetrics"),
)
_READ = (
    *("ProjectionExpression", "ExpressionAttributeNames", "AttributesToGet"),
    *("ConsistentRead", "ReturnConsumedCapacity", "TableName"),
)
_PAGED = (
    *(*_READ, "IndexName", "Limit", "ExclusiveStartKey", "Select", "FilterExpression"),
    *("ExpressionAttributeValues", "ConditionalOperator"),
)
_KNOWN = {
    "PutItem": {*_WRITE, "Item"},
    "DeleteItem": {*_WRITE, "Key"},
    "UpdateItem": {*_WRITE, "Key", "UpdateExpression"},
    "GetItem": {*_READ, "Key"},
    "Keys": {*_READ, "Keys"},
    "Get": {*_READ, "Key"},
    "Query": {*_PAGED, "KeyConditionExpression", "KeyConditions", "QueryFilter"}
    | {"ScanIndexForward"},
    "Scan": {*_PAGED, "ScanFilter", "Segment", "TotalSegments"},
    "Put": {*_CONDITION, "TableName", "Item"},
    "Delete": {*_CONDITION, "TableName", "Key"},
    "Update": {*_CONDITION, "TableName", "Key", "UpdateExpression"},
    "ConditionCheck": {*_CONDITION, "TableName", "Key"},
    "BatchWriteItem": {"RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"},
    "BatchGetItem": {"RequestItems", "ReturnConsumedCapacity"},
    "TransactGetItems": {"TransactItems", "ReturnConsumedCapacity"},
    "TransactWriteItems": {"TransactItems", "ReturnConsumedCapacity", "ClientRequestToken"}
    | {"ReturnItemCollectionMetrics"},
}
_INSTEAD = {
    "Expected": "ConditionExpression",
    "AttributeUpdates": "UpdateExpression",
    "ConditionalOperator": "ConditionExpression",
}


def check_known(operation: str, asked: Parameters) -> None:
    """Raise InvalidInput if a call has parameters of which nobody knows here what they do."""
    for name in sorted(asked.keys() - _KNOWN[operation]):
        instead = f": say it with {_INSTEAD[name]}" if name in _INSTEAD else ""
        raise InvalidInput(f"{operation}: {name} is not known on a table of the library's{instead}")
