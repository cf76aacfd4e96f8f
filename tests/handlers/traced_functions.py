"""Runs both functions, traced, as `python -m`: the X-Ray SDK patches boto3 for its whole process.

The environment says where the X-Ray daemon listens. What AWS answers is written here, for only the
trace is of interest; and an event's TraceHeader is handed on as EventBridge and SQS do.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from botocore.client import BaseClient

from handlers import detect, resolve
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from tests.builders import assign, written
from tests.handlers.streams import WINNER, batch, lost, record

DETECTING = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
RESOLVING = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1"
ORPHAN = "Root=1-5759e988-000000000000000000000001"
UNSAMPLED = f"{ORPHAN};Parent=53995c3f42cd8ad8;Sampled=0"
UNTRACED = (UNSAMPLED, ORPHAN, f"{ORPHAN};Sampled=1", "nonsense", "Root;Sampled=1", "")

ANOTHER = record(2, written(assign("name", "Bob"), at=1_500), WINNER)
ENTRIES: list[dict[str, Any]] = []  # of PutEvents
NUMBERS = count(1)


def answer(_: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
    if operation == "PutEvents":
        ENTRIES.extend(parameters["Entries"])
        return {"Entries": [{"EventId": "e"} for _ in parameters["Entries"]]}
    table = {"TableId": "t", "CreationDateTime": datetime(2026, 1, 1, tzinfo=UTC)}
    known = {"GetItem": {"Item": WINNER}, "Query": {"Items": []}, "DescribeTable": {"Table": table}}
    return known.get(operation, {})


def detected(trace: str, *records: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Detect a batch in an invocation with this trace; return the entries that it sent."""
    os.environ["_X_AMZN_TRACE_ID"] = trace
    ENTRIES.clear()
    assert detect.handler(batch(*records), None) == {"batchItemFailures": []}
    return list(ENTRIES)


def delivered(entry: Mapping[str, Any], header: str | None) -> dict[str, Any]:
    """Return an event as SQS delivers it under a header."""
    carried = {"AWSTraceHeader": header} if header else {}
    event = {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
    return {
        "messageId": f"m{next(NUMBERS)}",
        "body": json.dumps(event),
        "attributes": {"ApproximateReceiveCount": "1", **carried},
    }


def resolved(*messages: Mapping[str, Any]) -> None:
    os.environ["_X_AMZN_TRACE_ID"] = RESOLVING
    assert resolve.handler(batch(*messages), None) == {"batchItemFailures": []}


def main() -> None:
    BaseClient._make_api_call = answer  # type: ignore[attr-defined]  # the stubs leave it out
    names = Names("parties", os.environ["AWS_REGION"])
    os.environ.update(function_environment(names, parked_queue_url="unused"))
    sent = detected(DETECTING, lost(1), ANOTHER)
    resolved(*(delivered(entry, entry["TraceHeader"]) for entry in sent))
    untraced = [entry for trace in UNTRACED for entry in detected(trace, lost(3))]
    resolved(*(delivered(untraced[0], header) for header in UNTRACED))
    sys.stdout.write(json.dumps([entry.get("TraceHeader") for entry in untraced]))


if __name__ == "__main__":
    main()
