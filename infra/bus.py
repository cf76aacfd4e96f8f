"""A region's bus, its archive, and the rules that lead from it to the resolver's queues.

An event that cannot be delivered is tried again for as long as EventBridge can, then goes to the
rules' dead letters. The archive keeps a copy of every event, for a replay.
Source: EventBridge guide, "Rule targets", "Dead-letter queues", "Archives".
"""

from collections.abc import Mapping

from aws_cdk.aws_events import CfnArchive, CfnEventBus, CfnRule
from aws_cdk.aws_sqs import CfnQueue
from constructs import Construct

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import RULE_TARGET, rule_pattern

ARCHIVE_DAYS = 90


class Bus(Construct):
    """One region's event bus with its archive and its two rules, one for each role."""

    def __init__(self, scope: Construct, names: Names, queues: Mapping[str, CfnQueue]) -> None:
        super().__init__(scope, "Bus")
        bus = CfnEventBus(self, "Resource", name=names.bus)
        CfnArchive(
            self,
            "Archive",
            source_arn=bus.attr_arn,
            retention_days=ARCHIVE_DAYS,
        )
        for role, queue in (("home", names.home_queue), ("witness", names.witness_queue)):
            self._rule(bus, role, queues[queue], queues[names.rules_dlq])

    def _rule(self, bus: CfnEventBus, role: str, queue: CfnQueue, dead_letters: CfnQueue) -> None:
        target = CfnRule.TargetProperty(
            id=f"{role}-queue",
            arn=queue.attr_arn,
            retry_policy=CfnRule.RetryPolicyProperty(
                maximum_retry_attempts=RULE_TARGET.maximum_retry_attempts,
                maximum_event_age_in_seconds=RULE_TARGET.maximum_event_age_seconds,
            ),
            dead_letter_config=CfnRule.DeadLetterConfigProperty(arn=dead_letters.attr_arn),
        )
        CfnRule(
            self,
            role,
            name=role,
            event_bus_name=bus.ref,
            event_pattern=rule_pattern(role),
            state="ENABLED",
            targets=[target],
        )
