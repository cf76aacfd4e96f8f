"""The workflow in which people decide parked losses: `reconciler.deployment.approval` in a stack.

A schedule starts it for every parked row. It asks through two topics, to which people subscribe,
and waits for whoever answers. Histories carry the item's key and the answer, so they are encrypted
under the pipeline's key, and the log of steps has none of that.
Source: Step Functions guide, "Data at rest encryption in Step Functions", "Using CloudWatch Logs to
log execution history", "Creating an IAM role for your state machine".
"""

import json

from aws_cdk import Aws, RemovalPolicy
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_logs import LogGroup, RetentionDays
from aws_cdk.aws_stepfunctions import CfnStateMachine
from constructs import Construct

from infra.acknowledged import acknowledge_untraced
from infra.arns import Arns
from infra.function import Function
from infra.permissions import workflow
from infra.role import role
from infra.schedule import run_every
from infra.topic import topic
from reconciler.deployment import approval
from reconciler.deployment.approval import APPROVAL

_DATA_KEY_SECONDS = 300


class ApprovalWorkflow(Construct):
    """The state machine, its topics and its schedule; `function` is what every step calls."""

    def __init__(
        self, scope: Construct, arns: Arns, key: CfnKey, function: Function, *, tracing: bool
    ) -> None:
        super().__init__(scope, "Approval")
        names = arns.names
        self._arns, self._key, self._tracing = arns, key, tracing
        decisions = topic(self, "Decisions", names.decisions_topic, key, [])
        escalations = topic(self, "Escalations", names.escalations_topic, key, [])
        machine = self._machine(
            approval.CalledArns(
                function.function.function_arn, decisions.ref, escalations.ref, Aws.PARTITION
            )
        )
        start = {"action": "start", "state_machine_arn": arns.approval}
        run_every(self, APPROVAL.sweep_minutes, function, names.approve_function, start)
        self.outputs = {
            "ApproveFunction": names.approve_function,
            "ApprovalStateMachine": machine.ref,
            "DecisionsTopic": decisions.ref,
            "EscalationsTopic": escalations.ref,
        }

    def _machine(self, called: approval.CalledArns) -> CfnStateMachine:
        name = self._arns.names.approval_state_machine
        log = LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{name}",  # AWS's prefix: one policy for all
            retention=RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        may = workflow(self._arns, self._key.attr_arn, tracing=self._tracing)
        runs_as = role(self, "states.amazonaws.com", may, source=self._arns.approval)
        machine = CfnStateMachine(
            self,
            "Machine",
            state_machine_name=name,
            state_machine_type="STANDARD",
            definition_string=json.dumps(approval.definition(called)),
            role_arn=runs_as.role_arn,
            logging_configuration={
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": log.log_group_arn}}],
                "includeExecutionData": False,
                "level": "ALL",
            },
            tracing_configuration={"enabled": self._tracing},
            encryption_configuration={
                "type": "CUSTOMER_MANAGED_KMS_KEY",
                "kmsKeyId": self._key.attr_arn,
                "kmsDataKeyReusePeriodSeconds": _DATA_KEY_SECONDS,
            },
        )
        if not self._tracing:
            acknowledge_untraced(machine)
        return machine
