"""Findings of cdk-nag that are meant, each with its reason, where it is found."""

from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, Aws, Stack, Validations
from constructs import IConstruct

from infra.permissions import Statement

END = "nothing reads it by itself, so nothing fails: a redrive works it off, or a person"
OPEN = "checks that route traffic cannot sign; the answer has no item"
ANYWHERE = "who may call is decided by the tokens, not by the country"
LOGGED = (
    "the doors log each request, without paths, which hold items' keys; CloudFront would log them"
)
UNTRACED = "X-Ray is an option of the deployment, `tracing`, and here it is off"
STACK_REASONS = {
    "AwsSolutions-L1": "Python 3.13 is supported to 2029-06, and its wheels are those packaged",
    "AwsSolutions-S1": "who reads evidence is seen by CloudTrail's data events, if they are on",
}


def acknowledge_stack(stack: Stack) -> None:
    """Acknowledge what holds for a whole stack."""
    for rule, reason in STACK_REASONS.items():
        Validations.of(stack).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_end(queue: IConstruct) -> None:
    """Acknowledge that a queue has no dead letters behind it."""
    rule = Acknowledgment(id="AwsSolutions-SQS3", reason=END)
    Validations.of(queue).acknowledge(rule)


def acknowledge_untraced(machine: IConstruct) -> None:
    """Acknowledge that a state machine sends no traces."""
    rule = Acknowledgment(id="AwsSolutions-SF2", reason=UNTRACED)
    Validations.of(machine).acknowledge(rule)


def acknowledge_open(route: IConstruct) -> None:
    """Acknowledge that a route has no authorizer."""
    rule = Acknowledgment(id="AwsSolutions-APIG4", reason=OPEN)
    Validations.of(route).acknowledge(rule)


def acknowledge_edge(distribution: IConstruct) -> None:
    """Acknowledge that a distribution serves every country and logs nothing."""
    for rule, reason in (("AwsSolutions-CFR1", ANYWHERE), ("AwsSolutions-CFR3", LOGGED)):
        Validations.of(distribution).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge(
    construct: IConstruct, statements: Sequence[Statement], reasons: Mapping[str, str]
) -> None:
    """Acknowledge the wildcards of a role's statements; each must have a reason, by its Sid."""
    for statement in statements:
        for resource in statement["Resource"]:
            if "*" in resource:
                finding = f"AwsSolutions-IAM5[Resource::{_as_found(resource)}]"
                reason = reasons[statement["Sid"]]
                Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def _as_found(arn: str) -> str:
    """Return an ARN as cdk-nag writes it: a pseudo parameter by its name in angle brackets."""
    for token, name in ((Aws.PARTITION, "Partition"), (Aws.ACCOUNT_ID, "AccountId")):
        arn = arn.replace(token, f"<AWS::{name}>")
    return arn
