"""A stream record as AWS Lambda shows it to a function, made of one that GetRecords returned."""

import base64
from collections.abc import Mapping
from typing import Any


def lambda_record(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """Return a record of GetRecords as Lambda shows it to a function.

    Binary values are base64 text, times are seconds since the epoch, and the stream is named.
    Source: AWS Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", example event.
    """
    change = dict(record["dynamodb"])
    if "ApproximateCreationDateTime" in change:
        change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    for part in ("Keys", "NewImage", "OldImage"):
        if part in change:
            change[part] = _as_text(change[part])
    shown = {**record, "dynamodb": change, "eventSourceARN": stream_arn}
    if who := record.get("userIdentity"):
        shown["userIdentity"] = {"type": who["Type"], "principalId": who["PrincipalId"]}
    return shown


def _as_text(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _as_text(inner) for name, inner in value.items()}
        case list():
            return [_as_text(element) for element in value]
    return value
