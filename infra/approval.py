"""The workflow in which people decide parked losses: `reconciler.deployment.approval` in a stack.

A schedule starts it for every parked row. It asks through two topics, to which people subscribe,
and waits for whoever answers.
"""

from aws_cdk import Aws
from aws_cdk.aws_kms import CfnKey
from constructs import Construct

from infra.arns import Arns
from infra.function import Function
from infra.schedule import run_every
from infra.state_machine import Kind, Machine, state_machine
from infra.topic import topic
from reconciler.deployment import approval
from reconciler.deployment.approval import APPROVAL


class ApprovalWorkflow(Construct):
    """The state machine, its topics and its schedule; `function` is what every step calls."""

    def __init__(
        self, scope: Construct, arns: Arns, key: CfnKey, function: Function, *, tracing: bool
    ) -> None:
        super().__init__(scope, "Approval")
        names = arns.names
        decisions = topic(self, "Decisions", names.decisions_topic, key, [])
        escalations = topic(self, "Escalations", names.escalations_topic, key, [])
        called = approval.CalledArns(
            function.function.function_arn, decisions.ref, escalations.ref, Aws.PARTITION
        )
        machine = state_machine(
            self,
            Kind(arns, key, tracing),
            Machine(names.approval_state_machine, names.approve_function),
            approval.definition(called),
        )
        start = {"action": "start", "state_machine_arn": arns.approval}
        run_every(self, APPROVAL.sweep_minutes, function, names.approve_function, start)
        self.outputs = {
            "ApproveFunction": names.approve_function,
            "ApprovalStateMachine": machine.ref,
            "DecisionsTopic": decisions.ref,
            "EscalationsTopic": escalations.ref,
        }
