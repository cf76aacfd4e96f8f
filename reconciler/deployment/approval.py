"""A person's decision about a parked loss, as a Step Functions workflow.

It asks, waits for the answer, asks others when none comes in time, and ends with the row closed, by
the answer or by anybody else, or as Expired with the row still parked. An answer that cannot be
carried out is not lost in silence: the question comes again and says why. A decided item is not in
the workflow's hands: every step reads the row, and every step may run twice.
Limits: a name stays taken for 90 days after its execution, so a loss that expired is decided with
the command line. Histories carry the item's key and the answer: encrypt them if those are secret.
Source: Amazon States Language (states-language.net); Step Functions guide, "Wait for a callback
with task token" and "Handle Lambda service exceptions"; API Reference, StartExecution.
"""

from dataclasses import dataclass
from typing import Any

from reconciler.deployment.states import TRANSIENT, choice, invocation, retry

_RETRY = retry(*TRANSIENT)
_CATCH = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "NextRound"}


@dataclass(frozen=True)
class Approval:
    """The workflow in which a person decides a parked loss: who is asked how often, how long.

    A schedule starts it for every parked row: each `sweep_minutes`, with the same name.
    """

    sweep_minutes: int = 5
    decision_seconds: int = 86_400
    escalations: int = 2
    function_timeout_seconds: int = 60


APPROVAL = Approval()


@dataclass(frozen=True)
class CalledArns:
    """What the workflow calls: the function, and the topics of the first and of later questions.

    partition: theirs, which the names of Step Functions' own integrations say, too.
    """

    function: str
    decisions_topic: str
    escalations_topic: str
    partition: str = "aws"

    @property
    def invoke(self) -> str:
        """The ARN of the integration that calls the function."""
        return invocation(self.partition)


def definition(arns: CalledArns, settings: Approval = APPROVAL) -> dict[str, Any]:
    """Return the state machine, of type STANDARD: Look, Ask or Escalate, Apply, and again."""
    next_round = _again("States.MathAdd($.round, 1)", "$.failure.Error") | {"Next": "Rounds"}
    last_look = settings.escalations + 1
    return {
        "Comment": "A person decides a parked loss",
        "StartAt": "Look",
        "States": {
            "Look": _call(arns, settings, "look", "$.found") | {"Next": "Whom"},
            "Whom": choice(
                [
                    _closed_unless("$.found.waits"),
                    {"Variable": "$.round", "NumericEquals": 0, "Next": "Ask"},
                    _up_to(settings.escalations, "Escalate"),
                ],
                "Expired",
            ),
            "Ask": _wait(arns, arns.decisions_topic, settings, "notify"),
            "Escalate": _wait(arns, arns.escalations_topic, settings, "escalate"),
            "Apply": _call(arns, settings, "apply", "$.applied") | {"Next": "Applied"},
            "Applied": choice([_closed_unless("$.applied.waits")], "SameRound"),
            "SameRound": _again("$.round", "$.applied.problem"),
            "NextRound": next_round,
            "Rounds": choice([_up_to(last_look, "Look")], "Expired"),
            "Closed": {"Type": "Succeed"},
            "Expired": {
                "Type": "Fail",
                "Error": "Expired",
                "Cause": "nobody decided; the row stays parked: reconciler conflicts resolve",
            },
        },
    }


def _closed_unless(path: str) -> dict[str, Any]:
    return {"Variable": path, "BooleanEquals": False, "Next": "Closed"}


def _up_to(rounds: int, following: str) -> dict[str, Any]:
    return {"Variable": "$.round", "NumericLessThanEquals": rounds, "Next": following}


def _call(arns: CalledArns, settings: Approval, action: str, result: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": arns.invoke,
        "Parameters": {
            "FunctionName": arns.function,
            "Payload": {"action": action, "case.$": "$"},
        },
        "ResultSelector": {"waits.$": "$.Payload.waits", "problem.$": "$.Payload.problem"},
        "ResultPath": result,
        "TimeoutSeconds": settings.function_timeout_seconds + 30,
        "Retry": [_RETRY],
        "Catch": [_CATCH],
    }


def _wait(arns: CalledArns, topic: str, settings: Approval, action: str) -> dict[str, Any]:
    """Return a state that asks, and waits for whoever has the token."""
    payload = {
        "action": action,
        "topic_arn": topic,
        "decision_seconds": settings.decision_seconds,
        "token.$": "$$.Task.Token",
        "case.$": "$",
    }
    return {
        "Type": "Task",
        "Resource": f"{arns.invoke}.waitForTaskToken",
        "Parameters": {"FunctionName": arns.function, "Payload": payload},
        "ResultPath": "$.answer",
        "TimeoutSeconds": settings.decision_seconds,
        "Retry": [_RETRY],
        "Catch": [_CATCH],
        "Next": "Apply",
    }


def _again(number: str, problem: str) -> dict[str, Any]:
    kept = {f"{name}.$": f"$.{name}" for name in ("conflict_id", "item_key")}
    return {
        "Type": "Pass",
        "Parameters": kept | {"round.$": number, "problem.$": problem},
        "Next": "Look",
    }
