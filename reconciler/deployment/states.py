"""What the state machines of a deployment share: when a step is tried again, and choices.

Source: Amazon States Language (states-language.net); Step Functions guide, "Handle Lambda service
exceptions".
"""

from typing import Any

TRANSIENT = (
    "HistoryUnknown",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Unavailable",
    "UnknownWireVersion",
)


def retry(*errors: str) -> dict[str, Any]:
    """Return that a step is tried again for hours, ever less often."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxDelaySeconds": 900,
        "MaxAttempts": 24,
        "JitterStrategy": "FULL",
    }


def choice(choices: list[dict[str, Any]], otherwise: str) -> dict[str, Any]:
    """Return a state that goes on by the first choice that fits."""
    return {"Type": "Choice", "Choices": choices, "Default": otherwise}


def invocation(partition: str) -> str:
    """Return the ARN of the integration that calls a function."""
    return f"arn:{partition}:states:::lambda:invoke"
