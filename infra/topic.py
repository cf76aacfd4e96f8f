"""An SNS topic, encrypted under the pipeline's key, that refuses plain HTTP.

Who may send to it is said where it is made; people subscribe to it by hand.
Source: SNS guide, "Encryption at rest", "Example cases for access control"; CloudWatch guide,
"Notifying users on alarm changes".
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_sns import CfnTopic, CfnTopicPolicy
from constructs import Construct

from infra.arns import Arns


def topic(
    scope: Construct, part: str, name: str, key: CfnKey, senders: Sequence[dict[str, Any]]
) -> CfnTopic:
    """Make a topic. senders: what its policy allows, each without its resource."""
    made = CfnTopic(scope, part, topic_name=name, kms_master_key_id=key.attr_arn)
    plain = {
        "Sid": "RefusesPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    statements = [{**each, "Resource": made.ref} for each in (plain, *senders)]
    CfnTopicPolicy(
        scope,
        f"{part}Policy",
        topics=[made.ref],
        policy_document={"Version": "2012-10-17", "Statement": statements},
    )
    return made


def alarms_topic(scope: Construct, arns: Arns, key: CfnKey) -> CfnTopic:
    """Make the topic that a region's alarms tell, and nothing else."""
    told = {
        "Sid": "IsToldOfAlarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Condition": {
            "ArnLike": {
                "aws:SourceArn": arns.of("cloudwatch", f"alarm:{arns.names.stem}-*"),
            },
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
        },
    }
    return topic(scope, "AlarmsTopic", arns.names.of("alarms"), key, [told])
