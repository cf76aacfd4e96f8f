"""A keyed write, from a caller's request to every region, as a Step Functions workflow.

It validates, writes, announces and confirms: Validate, Write, Announce, Confirm. The execution's
name is the idempotency key, so a second start is the first, and however often a step runs, the
write counts once. What is refused ends as Refused, with the reason. What was taken and is not done,
NotWritten, NotAnnounced or NotConfirmed, is counted first, by the state machine itself: the alarm
does not depend on the function that failed.
HAZARD if NotWritten were told as refused: its last try may have been carried out.
Limits: a name is 80 characters, without blanks and brackets, and stays taken for 90 days after its
execution. An announcement may come twice. Histories carry the write: encrypt them.
Source: Amazon States Language (states-language.net); Step Functions guide, "Integrating AWS
services"; API Reference, StartExecution.
"""

from dataclasses import dataclass
from typing import Any

from reconciler.deployment import telemetry
from reconciler.deployment.states import TRANSIENT, choice, invocation, retry
from reconciler.deployment.wiring import METRICS_NAMESPACE

# A keyed write in doubt is simply made again, as is one that others kept from being made.
_RETRY = retry(*TRANSIENT, "Contention", "OutcomeUnknown", "States.Timeout")
_UNDONE = {
    "NotWritten": "whether it was carried out nobody knows: make it again, with the same key",
    "NotAnnounced": "it is carried out, and was not announced",
    "NotConfirmed": "it is carried out, and not every region has shown it in time",
}


@dataclass(frozen=True)
class Workflow:
    """How long a write may take to every region, and how often the workflow looks."""

    confirm_seconds: int = 900
    pause_seconds: int = 20
    function_timeout_seconds: int = 60


WORKFLOW = Workflow()


@dataclass(frozen=True)
class Called:
    """What the workflow calls, and of which table and region what is not done is counted."""

    function: str
    table: str
    region: str
    partition: str = "aws"


def definition(called: Called, settings: Workflow = WORKFLOW) -> dict[str, Any]:
    """Return the state machine, of type STANDARD: its executions' names are taken once."""
    no_problem = {"Variable": "$.step.problem", "StringEquals": ""}
    begin = {"name.$": "$$.Execution.Name", "write.$": "$"}
    states = {
        "Begin": {"Type": "Pass", "Parameters": begin, "Next": "Validate"},
        "Validate": _call(called, settings, "validate", "NotWritten") | {"Next": "Valid"},
        "Valid": choice([{**no_problem, "Next": "Write"}], "Refused"),
        "Write": _call(called, settings, "write", "NotWritten") | {"Next": "Written"},
        "Written": choice([{**no_problem, "Next": "Announce"}], "Refused"),
        "Announce": _call(called, settings, "announce", "NotAnnounced") | {"Next": "Confirm"},
        "Confirm": _call(called, settings, "confirm", "NotConfirmed") | {"Next": "Confirmed"},
        "Confirmed": choice(
            [
                {"Variable": "$.seen.missing", "NumericEquals": 0, "Next": "Done"},
                {"Variable": "$.seen.is_late", "BooleanEquals": True, "Next": "CountNotConfirmed"},
            ],
            "Pause",
        ),
        "Pause": {"Type": "Wait", "Seconds": settings.pause_seconds, "Next": "Confirm"},
        "Done": {"Type": "Succeed"},
        "Refused": {"Type": "Fail", "Error": "Refused", "CausePath": "$.step.problem"},
    }
    for end, cause in _UNDONE.items():
        states[f"Count{end}"] = _count(called, end)
        states[end] = {"Type": "Fail", "Error": end, "Cause": cause}
    return {
        "Comment": "A keyed write, carried out once and confirmed in every region",
        "StartAt": "Begin",
        "States": states,
    }


_RESULTS = {
    "validate": ("$.step", ["problem"]),
    "write": ("$.step", ["problem", "at_ms"]),
    "announce": ("$.announced", ["event_id"]),
    "confirm": ("$.seen", ["missing", "is_late"]),
}


def _call(called: Called, settings: Workflow, action: str, undone: str) -> dict[str, Any]:
    path, names = _RESULTS[action]
    payload = {"action": action, "confirm_seconds": settings.confirm_seconds, "case.$": "$"}
    catch = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": f"Count{undone}"}
    return {
        "Type": "Task",
        "Resource": invocation(called.partition),
        "Parameters": {"FunctionName": called.function, "Payload": payload},
        "ResultSelector": {f"{name}.$": f"$.Payload.{name}" for name in names},
        "ResultPath": path,
        "TimeoutSeconds": settings.function_timeout_seconds + 30,
        "Retry": [_RETRY],
        "Catch": [catch],
    }


def _count(called: Called, end: str) -> dict[str, Any]:
    """Return a state that counts a write as unfinished, whatever else fails."""
    dimensions = {"table": called.table, "region": called.region}
    measured = {
        "MetricName": telemetry.WRITES_UNFINISHED,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Unit": "Count",
        "Value": 1,
    }
    return {
        "Type": "Task",
        "Resource": f"arn:{called.partition}:states:::aws-sdk:cloudwatch:putMetricData",
        "Parameters": {"Namespace": METRICS_NAMESPACE, "MetricData": [measured]},
        "ResultPath": None,
        "TimeoutSeconds": 60,
        "Retry": [retry("States.ALL")],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": end}],
        "Next": end,
    }
