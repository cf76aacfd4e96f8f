"""The ARNs of one region's resources, of their names alone.

A policy that is written by name can be read without its stack, and ties no two resources together.
Source: Service Authorization Reference, resource types of each service.
"""

from dataclasses import dataclass, replace

from aws_cdk import Aws

from reconciler.deployment.names import Names
from reconciler.deployment.tables import LEDGER_STATE_INDEX
from reconciler.deployment.wiring import hub_rule


@dataclass(frozen=True)
class Arns:
    """What policies call the resources of one region."""

    names: Names

    def of(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this region and account."""
        return f"arn:{Aws.PARTITION}:{service}:{self.names.region}:{Aws.ACCOUNT_ID}:{resource}"

    @property
    def table(self) -> str:
        return self.of("dynamodb", f"table/{self.names.table}")

    @property
    def table_in_any_region(self) -> str:
        return f"arn:{Aws.PARTITION}:dynamodb:*:{Aws.ACCOUNT_ID}:table/{self.names.table}"

    @property
    def ledger(self) -> str:
        return self.of("dynamodb", f"table/{self.names.ledger}")

    @property
    def ledger_by_state(self) -> str:
        return f"{self.ledger}/index/{LEDGER_STATE_INDEX}"

    @property
    def bus(self) -> str:
        return self.of("events", f"event-bus/{self.names.bus}")

    @property
    def events_bus(self) -> str:
        return self.of("events", f"event-bus/{self.names.events_bus}")

    @property
    def hub_rules(self) -> str:
        """The ARN of all rules of subscriptions, which are made at run time."""
        return self.of("events", f"rule/{self.names.events_bus}/{hub_rule('*')}")

    @property
    def hooks(self) -> str:
        """The ARN of all API destinations of callbacks: EventBridge ends each with an id."""
        return self.of("events", f"api-destination/{self.names.stem}-hook-*")

    @property
    def decisions(self) -> str:
        return self.of("sns", self.names.decisions_topic)

    @property
    def escalations(self) -> str:
        return self.of("sns", self.names.escalations_topic)

    @property
    def approval(self) -> str:
        return self.state_machine(self.names.approval_state_machine)

    @property
    def bucket(self) -> str:
        return f"arn:{Aws.PARTITION}:s3:::{self.names.evidence_bucket}"

    @property
    def jobs(self) -> str:
        return self.of("dynamodb", f"table/{self.names.jobs}")

    @property
    def ingest_bucket(self) -> str:
        return f"arn:{Aws.PARTITION}:s3:::{self.names.ingest_bucket}"

    @property
    def ingest_rule(self) -> str:
        return self.of("events", f"rule/{self.names.ingest_queue}")

    def state_machine(self, name: str) -> str:
        """Return the ARN of a state machine."""
        return self.of("states", f"stateMachine:{name}")

    def in_region(self, region: str) -> "Arns":
        """Return those of another region."""
        return Arns(replace(self.names, region=region))

    def rule(self, role: str) -> str:
        """Return the ARN of the bus's rule for `role`, "home" or "witness"."""
        return self.of("events", f"rule/{self.names.bus}/{role}")

    def queue(self, name: str) -> str:
        """Return the ARN of a queue."""
        return self.of("sqs", name)

    def objects(self, prefix: str) -> str:
        """Return the ARN of the evidence bucket's objects under a prefix."""
        return f"{self.bucket}/{prefix}*"

    def function(self, name: str) -> str:
        """Return the ARN of a function, whatever its version."""
        return self.of("lambda", f"function:{name}")

    def log_group(self, function: str) -> str:
        """Return the ARN of a function's log group and all its streams."""
        return self.of("logs", f"log-group:/aws/lambda/{function}:*")
