"""The security-relevant part of the templates, as one document to compare.

Write it anew after a change that is meant: `.venv/bin/python -m tests.infra.security`; then read
the difference.
"""

import json
from pathlib import Path
from typing import Any

from tests.infra.stacks import Stacks, synthesised

SNAPSHOT = Path(__file__).parent / "security.json"
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
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", "PrivateDnsEnabled", "ServiceName"),
    "AWS::EC2::SecurityGroup": ("SecurityGroupEgress", "SecurityGroupIngress"),
    "AWS::EC2::SecurityGroupEgress": ("DestinationSecurityGroupId", "FromPort", "GroupId"),
    "AWS::StepFunctions::StateMachine": ("EncryptionConfiguration", "LoggingConfiguration"),
}


def security(stacks: Stacks) -> dict[str, Any]:
    """Return, by stack and resource, the properties that say who may do what."""
    return {
        f"{stack}/{name}": {
            "kept": resource.get("DeletionPolicy") == "RetainExceptOnCreate",
            **{
                part: resource["Properties"][part]
                for part in PARTS[resource["Type"]]
                if part in resource["Properties"]
            },
        }
        for stack, template in stacks.templates()
        for name, resource in template["Resources"].items()
        if resource["Type"] in PARTS
    }


def document() -> str:
    """Return the document for the deployment that has most options."""
    return json.dumps(security(synthesised("options")), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(document())
