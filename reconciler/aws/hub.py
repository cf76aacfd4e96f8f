"""Subscriptions as rules of a bus, each with one API destination that the deployment made.

The rule is all that there is of a subscription. Every step may be made twice.
Source: EventBridge API Reference, PutRule, PutTargets, DescribeApiDestination; quotas;
EventBridge guide, "Dead-letter queues".
"""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import RULE_TARGET, hub_rule
from reconciler.errors import Unavailable

_TARGET = "callback"


class EventBridgeHub:
    """The subscriptions of one region; EventBridge delivers in the name of `role_arn`."""

    def __init__(self, names: Names, role_arn: str, events: Any) -> None:
        self._names = names
        self._role_arn = role_arn
        self._client = events

    def subscribe(self, identifier: str, callback: str, pattern: Mapping[str, Any]) -> bool:
        """Let a callback be sent events; return whether the deployment knows it."""
        destination = self._destination(callback)
        if destination is None:
            return False
        rule = {"EventBusName": self._names.events_bus}
        with idempotent("PutRule"):
            self._client.put_rule(
                Name=hub_rule(identifier), EventPattern=json.dumps(pattern), State="ENABLED", **rule
            )
        target = {
            "Id": _TARGET,
            "Arn": destination,
            "RoleArn": self._role_arn,
            "InputPath": "$.detail",  # the event alone, without EventBridge's envelope
            "RetryPolicy": {
                "MaximumRetryAttempts": RULE_TARGET.maximum_retry_attempts,
                "MaximumEventAgeInSeconds": RULE_TARGET.maximum_event_age_seconds,
            },
            "DeadLetterConfig": {"Arn": self._dead_letters(destination)},
        }
        with idempotent("PutTargets"):
            answer = self._client.put_targets(Rule=hub_rule(identifier), Targets=[target], **rule)
        if answer["FailedEntryCount"]:
            raise Unavailable(f"PutTargets: {answer['FailedEntries']}", call="PutTargets")
        return True

    def unsubscribe(self, identifier: str) -> bool:
        """Send a callback nothing more; return whether there was such a subscription."""
        rule = {"EventBusName": self._names.events_bus}
        name = hub_rule(identifier)
        with idempotent("RemoveTargets"):
            try:
                self._client.remove_targets(Rule=name, Ids=[_TARGET], **rule)
            except self._client.exceptions.ResourceNotFoundException:
                return False
        with idempotent("DeleteRule"):
            self._client.delete_rule(Name=name, **rule)
        return True

    def _dead_letters(self, destination: str) -> str:
        """Return the ARN of the dead letters, which are where the destination is."""
        _, partition, _, region, account, _ = destination.split(":", maxsplit=5)
        return f"arn:{partition}:sqs:{region}:{account}:{self._names.hub_dlq}"

    def _destination(self, callback: str) -> str | None:
        with idempotent("DescribeApiDestination"):
            try:
                told = self._client.describe_api_destination(Name=self._names.hook(callback))
            except self._client.exceptions.ResourceNotFoundException:
                return None
        return str(told["ApiDestinationArn"]) if told["InvocationEndpoint"] == callback else None
