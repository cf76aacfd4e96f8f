"""The security-relevant part of the templates, as one document to compare."""

from collections.abc import Iterator
from typing import Any

from tests.infra.stacks import Stacks

PARTS = {
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns"),
    "AWS::KMS::Key": ("KeyPolicy", "EnableKeyRotation", "MultiRegion"),
    "AWS::KMS::ReplicaKey": ("KeyPolicy",),
    "AWS::SQS::Queue": ("KmsMasterKeyId", "MessageRetentionPeriod", "RedrivePolicy"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument",),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::SNS::TopicPolicy": ("PolicyDocument",),
    "AWS::S3::Bucket": (
        "BucketEncryption",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "VersioningConfiguration",
    ),
    "AWS::S3::BucketPolicy": ("PolicyDocument",),
    "AWS::DynamoDB::Table": ("SSESpecification", "DeletionProtectionEnabled"),
    "AWS::DynamoDB::GlobalTable": ("SSESpecification", "Replicas"),
    "AWS::Lambda::Permission": ("Action", "FunctionName", "Principal", "SourceArn"),
    "AWS::ApiGatewayV2::Authorizer": ("AuthorizerType", "IdentitySource", "JwtConfiguration"),
    "AWS::ApiGatewayV2::Route": ("AuthorizationType", "AuthorizerId", "RouteKey"),
    "AWS::ApiGatewayV2::Stage": ("AccessLogSettings", "DefaultRouteSettings"),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", "PrivateDnsEnabled", "ServiceName"),
    "AWS::EC2::SecurityGroup": ("SecurityGroupEgress", "SecurityGroupIngress"),
    "AWS::EC2::SecurityGroupEgress": ("DestinationSecurityGroupId", "FromPort", "GroupId"),
    "AWS::StepFunctions::StateMachine": ("EncryptionConfiguration", "LoggingConfiguration"),
}


def security(stacks: Stacks) -> dict[str, Any]:
    """Return the properties that say who may do what, each under its path from its stack on."""
    entries = [
        entry
        for stack, template in stacks.templates()
        for name, resource in template["Resources"].items()
        if resource["Type"] in PARTS
        for entry in _of_resource(f"{stack}/{name}", resource)
    ]
    document = dict(entries)
    assert len(document) == len(entries)  # no path stands for two properties
    return document


def _of_resource(where: str, resource: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield f"{where}/kept", resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    for part in PARTS[resource["Type"]]:
        if part in resource["Properties"]:
            yield from _entries(f"{where}/{part}", resource["Properties"][part])


def _entries(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value, or those in it; statements go by their names, so that one more moves none."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _entries(f"{where}/{name}", each)
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for number, each in enumerate(value):
            named = each.get("Sid", number) if isinstance(each, dict) else number
            yield from _entries(f"{where}/{named}", each)
    else:
        yield where, value
