"""What only AWS knows when a stack is deployed, asked for by a function of one call.

Behaviour: the function may make that call and write its log, and nothing else. A stream's ARN is
looked up in its own region, because the owner's stack knows its own only; the table's key, by its
alias, in the owner's. The answer is asked for again when the question changes.
Source: CDK, AwsCustomResource; DynamoDB API, DescribeTable; KMS API, DescribeKey.
"""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk.aws_iam import PolicyDocument, Role, ServicePrincipal
from aws_cdk.aws_logs import LogGroup, RetentionDays
from aws_cdk.custom_resources import (
    AwsCustomResource,
    AwsSdkCall,
    PhysicalResourceId,
)
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.arns import Arns
from infra.permissions import EXCEPTIONS, Statement, allow, write_logs


def stream_arn(scope: Construct, arns: Arns) -> str:
    """Return the ARN of the stream that the table's replica in this region has now."""
    names = arns.names
    may = allow("DescribeTable", ["dynamodb:DescribeTable"], arns.table)
    answer = "Table.LatestStreamArn"
    call = AwsSdkCall(
        service="DynamoDB",
        action="DescribeTable",
        parameters={"TableName": names.table},
        region=names.region,
        output_paths=[answer],
        physical_resource_id=PhysicalResourceId.of(f"{names.table}-stream"),
    )
    return _asked(scope, arns, "stream", call, may).get_response_field(answer)


def key_arn(scope: Construct, arns: Arns, alias: str, region: str) -> str:
    """Return the ARN of the key that `alias` names in `region`, which may be another one."""
    every = f"arn:{Aws.PARTITION}:kms:{region}:{Aws.ACCOUNT_ID}:key/*"
    named = {"StringEquals": {"kms:RequestAlias": alias}}
    may = {**allow("DescribeKey", ["kms:DescribeKey"], every), "Condition": named}
    answer = "KeyMetadata.Arn"
    call = AwsSdkCall(
        service="KMS",
        action="DescribeKey",
        parameters={"KeyId": alias},
        region=region,
        output_paths=[answer],
        physical_resource_id=PhysicalResourceId.of(f"{arns.names.table}-key"),
    )
    return _asked(scope, arns, "key", call, may).get_response_field(answer)


def _asked(
    scope: Construct, arns: Arns, what: str, call: AwsSdkCall, may: Statement
) -> AwsCustomResource:
    lookup, function = Construct(scope, "Lookup"), arns.names.of(f"lookup-{what}")
    log = LogGroup(
        lookup,
        "Log",
        log_group_name=f"/aws/lambda/{function}",
        retention=RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    statements = [may, write_logs(arns, function)]
    document = {"Version": "2012-10-17", "Statement": statements}
    role = Role(
        lookup,
        "Role",
        assumed_by=ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={"work": PolicyDocument.from_json(document)},
    )
    acknowledge(role, statements, EXCEPTIONS)
    return AwsCustomResource(
        lookup,
        "Call",
        function_name=function,
        install_latest_aws_sdk=False,
        log_group=log,
        on_update=call,
        role=role.without_policy_updates(),
    )
