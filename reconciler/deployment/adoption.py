"""The adoption of a large table as a Step Functions Distributed Map: many segments at once.

Prepare checks what is asked and lists the segments; each is an execution of its own, in which Adopt
goes on from where it stopped until the segment is done; Sum adds the counts. How far a segment is
stands in its execution alone, and what is done shows in the items: a step that runs twice changes
nothing more.
No failed segment is tolerated: the map fails, the others stop where they are, and a redrive of the
execution goes on with all of them. A tolerated one would end in success, which cannot be redriven.
Limits: an execution has 25,000 events, about 3,500 invocations or 24 days of one segment. A redrive
is possible for 14 days.
Source: Amazon States Language (states-language.net); Step Functions guide, "Using Map state in
Distributed mode", "Setting failure thresholds", "Redriving Map Runs", "Service quotas".
"""

from dataclasses import dataclass
from typing import Any

from reconciler.deployment.states import TRANSIENT, choice, invocation, retry

LABEL = "Segments"  # part of what the executions of segments are called
_RETRY = retry(*TRANSIENT, "Contention", "States.Timeout")


@dataclass(frozen=True)
class Adoption:
    """How long an invocation may take, and how much of that is left for what it looks at again."""

    function_timeout_seconds: int = 900
    reserve_seconds: int = 300


ADOPTION = Adoption()


def definition(
    function: str, partition: str = "aws", settings: Adoption = ADOPTION
) -> dict[str, Any]:
    """Return the state machine, of type STANDARD: its executions' names are taken once."""

    def call(action: str, *names: str) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": invocation(partition),
            "Parameters": {
                "FunctionName": function,
                "Payload": {"action": action, "case.$": "$"},
            },
            "ResultSelector": {f"{name}.$": f"$.Payload.{name}" for name in names},
            "TimeoutSeconds": settings.function_timeout_seconds + 30,
            "Retry": [_RETRY],
        }

    no_problem = {"Variable": "$.step.problem", "StringEquals": "", "Next": "Adopt"}
    nothing_left = {"Variable": "$.left", "NumericEquals": 0, "Next": "Done"}
    prepare = call("prepare", "problem", "segments", "at_once")
    begin = {"asked.$": "$"}  # whatever the input is, what is known stands beside it
    states = {
        "Begin": {"Type": "Pass", "Parameters": begin, "Next": "Prepare"},
        "Prepare": prepare | {"ResultPath": "$.step", "Next": "Prepared"},
        "Prepared": choice([no_problem], "Refused"),
        "Adopt": _map(call("adopt", "after", "is_done", "counts")),
        "Sum": call("sum", "stamped", "managed", "gone", "left") | {"Next": "Summed"},
        "Summed": choice([nothing_left], "ItemsLeft"),
        "Done": {"Type": "Succeed"},
        "ItemsLeft": {"Type": "Succeed"},
        "Refused": {"Type": "Fail", "Error": "Refused", "CausePath": "$.step.problem"},
    }
    return {
        "Comment": "Metadata for each item from before the library",
        "StartAt": "Begin",
        "States": states,
    }


def _map(adopt: dict[str, Any]) -> dict[str, Any]:
    """Return the state that goes through all segments."""
    done = {"Variable": "$.step.is_done", "BooleanEquals": True, "Next": "Counts"}
    segment = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Segment",
        "States": {
            "Segment": adopt | {"ResultPath": "$.step", "Next": "Went"},
            "Went": choice([done], "Segment"),
            "Counts": {"Type": "Pass", "Parameters": {"counts.$": "$.step.counts"}, "End": True},
        },
    }
    return {
        "Type": "Map",
        "Label": LABEL,
        "ItemsPath": "$.step.segments",
        "MaxConcurrencyPath": "$.step.at_once",
        "ToleratedFailureCount": 0,
        "ItemProcessor": segment,
        "ResultPath": "$.counted",
        "Next": "Sum",
    }
