"""A state machine of type STANDARD, with its role, its log, and a history that is encrypted.

Histories carry items' keys and what was asked, so they are encrypted under the pipeline's key, and
the log of steps has none of that.
Source: Step Functions guide, "Data at rest encryption in Step Functions", "Using CloudWatch Logs to
log execution history", "Creating an IAM role for your state machine".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aws_cdk import RemovalPolicy
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_logs import LogGroup, RetentionDays
from aws_cdk.aws_stepfunctions import CfnStateMachine
from constructs import Construct

from infra.acknowledged import acknowledge_untraced
from infra.arns import Arns
from infra.permissions import TRACES, Statement, allow, delivered
from infra.role import role

_DATA_KEY_SECONDS = 300
_DELIVERY_ACTIONS = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
]


class Machine(NamedTuple):
    """A state machine's name, that of the function that takes its steps, and its map's label.

    The executions of a Distributed Map are of a machine called like this one with the label behind.
    """

    name: str
    function: str
    label: str = ""

    def arns(self, arns: Arns) -> str | list[str]:
        """Return what executions of this machine are of."""
        own = arns.state_machine(self.name)
        return [own, f"{own}/{self.label}"] if self.label else own


@dataclass(frozen=True)
class Kind:
    """What state machines of one region have in common."""

    arns: Arns
    key: CfnKey
    tracing: bool


def state_machine(
    scope: Construct,
    kind: Kind,
    machine: Machine,
    definition: dict[str, Any],
    more: Sequence[Statement] = (),
) -> CfnStateMachine:
    """Make a state machine. more: what it may do beside calling its function."""
    log = LogGroup(
        scope,
        "Log",
        log_group_name=f"/aws/vendedlogs/states/{machine.name}",  # AWS's prefix: one policy for all
        retention=RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    may = _may_run(kind.arns, machine, kind.key.attr_arn, tracing=kind.tracing)
    source = machine.arns(kind.arns)
    runs_as = role(scope, "states.amazonaws.com", [*may, *more], source=source)
    made = CfnStateMachine(
        scope,
        "Machine",
        state_machine_name=machine.name,
        state_machine_type="STANDARD",
        definition_string=json.dumps(definition),
        role_arn=runs_as.role_arn,
        logging_configuration={
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": log.log_group_arn}}],
            "includeExecutionData": False,
            "level": "ALL",
        },
        tracing_configuration={"enabled": kind.tracing},
        encryption_configuration={
            "type": "CUSTOMER_MANAGED_KMS_KEY",
            "kmsKeyId": kind.key.attr_arn,
            "kmsDataKeyReusePeriodSeconds": _DATA_KEY_SECONDS,
        },
    )
    if not kind.tracing:
        acknowledge_untraced(made)
    return made


def _may_run(arns: Arns, of: Machine, key_arn: str, *, tracing: bool) -> list[Statement]:
    """Return what a state machine may do: its steps, its history and its log."""
    own = {"StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": of.arns(arns)}}
    history = allow("EncryptHistory", ["kms:Decrypt", "kms:GenerateDataKey"], key_arn)
    log = allow("EncryptLog", ["kms:GenerateDataKey"], key_arn)
    sampling = ["xray:GetSamplingRules", "xray:GetSamplingTargets"]
    return [
        allow("TakeSteps", ["lambda:InvokeFunction"], arns.function(of.function)),
        {**history, "Condition": own},
        {**log, "Condition": delivered(arns)},
        allow("DeliverLogs", _DELIVERY_ACTIONS, "*"),
        *([allow("SendTraces", [*TRACES, *sampling], "*")] if tracing else []),
    ]
