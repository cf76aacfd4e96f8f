"""Handlers that a test plugs into the local cloud's workers; they write what they were given.

A record or message whose text holds "report" is reported as failed; one that holds "raise"
makes the handler raise. Every line on standard output is one JSON document.
"""

import json
import os
import sys
from typing import Any

import boto3

from reconciler.deployment.wiring import DETAIL_TYPE, EVENT_SOURCE

SHOWN = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_PROFILE",
    "RECONCILER_TABLE",
    "RECONCILER_PARKED_QUEUE_URL",
    "POWERTOOLS_SERVICE_NAME",
)


def _note(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")


def _send(record: dict[str, Any]) -> None:
    entry = {
        "Source": EVENT_SOURCE,
        "DetailType": DETAIL_TYPE,
        "Detail": json.dumps({"role": "home", "new": record["dynamodb"].get("NewImage")}),
        "EventBusName": os.environ["RECONCILER_BUS"],
    }
    boto3.client("events").put_events(Entries=[entry])


def detect(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send every record whose new image has an attribute `announce` to the bus."""
    _note(detect=event, function=context.function_name, arn=context.invoked_function_arn)
    _note(environment={name: os.environ.get(name) for name in SHOWN})
    for record in event["Records"]:
        text = json.dumps(record["dynamodb"]["Keys"])
        if "raise" in text:
            raise ValueError(text)
        if "report" in text:
            number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
        if "announce" in record["dynamodb"].get("NewImage", {}):
            _send(record)
    return {"batchItemFailures": []}


def refuse(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fail, whatever comes."""
    raise ValueError("not today")


def resolve(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Report or raise as the message says."""
    _note(resolve=event, remaining=context.get_remaining_time_in_millis())
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    if any("raise" in body for body in bodies.values()):
        raise ValueError("asked to")
    failed = [name for name, body in bodies.items() if "report" in body]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
