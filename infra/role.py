"""Roles: the one service that assumes a role, and what it may do, inline.

A wildcard among resources must have its reason in `EXCEPTIONS`. `source` is the ARN, or the ARNs,
of all that the service may act for, so that nobody else's can make it act here.
Source: IAM guide, "The confused deputy problem".
"""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk.aws_iam import PolicyDocument, Role, ServicePrincipal
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.permissions import EXCEPTIONS, Statement


def role(
    scope: Construct,
    service: str,
    statements: Sequence[Statement],
    *,
    source: str | Sequence[str] = "",
    name: str | None = None,
) -> Role:
    """Make the role that a service such as "lambda.amazonaws.com" assumes."""
    account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    conditions = account | {"ArnLike": {"aws:SourceArn": source}} if source else None
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    made = Role(
        scope,
        "Role",
        role_name=name,
        assumed_by=ServicePrincipal(service, conditions=conditions),
        inline_policies={"work": PolicyDocument.from_json(document)},
    )
    acknowledge(made, statements, EXCEPTIONS)
    return made
