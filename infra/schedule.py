"""Functions that a schedule runs.

Lambda does not retry them, because the next run makes up for one that fails; they start cold; each
must be done before its next run, so that runs do not pile up.
Source: EventBridge guide, "Schedule expressions" (a rate of 1 has its unit in the singular).
"""

import json
from collections.abc import Mapping, Sequence

from aws_cdk.aws_events import CfnRule
from aws_cdk.aws_lambda import CfnPermission
from constructs import Construct

from infra.function import Function, Work
from infra.permissions import Statement


def scheduled(
    name: str, handler: str, timeout_seconds: int, statements: Sequence[Statement]
) -> Work:
    """Return the work of a function that a schedule runs."""
    return Work(name, handler, timeout_seconds, statements, retries=0, starts_warm=False)


def run_every(
    scope: Construct,
    minutes: int,
    function: Function,
    name: str,
    event: Mapping[str, str] | None = None,
) -> None:
    """Run a function every so many minutes, by a rule of its name on the default bus.

    event: what it is told; None: the schedule's own event.
    """
    arn, part = function.function.function_arn, function.node.id
    rule = CfnRule(
        scope,
        f"{part}Schedule",
        name=name,
        schedule_expression=f"rate({minutes} {'minute' if minutes == 1 else 'minutes'})",
        state="ENABLED",
        targets=[
            CfnRule.TargetProperty(
                id=part.lower(), arn=arn, input=json.dumps(event) if event else None
            )
        ],
    )
    CfnPermission(
        scope,
        f"{part}Permission",
        action="lambda:InvokeFunction",
        function_name=arn,
        principal="events.amazonaws.com",
        source_arn=rule.attr_arn,
    )
