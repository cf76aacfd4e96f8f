"""Resolvers that break a rule, for clouds that must then show what is lost."""

import json
from typing import Any

from handlers.resolve import handler as resolve


def resolve_nothing(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take every message off the queue and do nothing about it."""
    return {"batchItemFailures": []}


def resolve_as_witness_only(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Behave like regions whose home resolvers are gone: only witnesses repair."""
    witnessed = [
        record
        for record in event["Records"]
        if json.loads(record["body"])["detail"]["role"] == "witness"
    ]
    return (
        resolve({"Records": witnessed}, context) if witnessed else resolve_nothing(event, context)
    )
