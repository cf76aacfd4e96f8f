"""What only AWS knows when a stack is deployed, asked for by a function of its own.

The function may make its stack's calls and write its log, and nothing else. It is never in a
network of ours: it runs at deployments only, reads no data, and must answer CloudFormation in a
bucket of AWS's. The answer is asked for again when the question changes.
Source: CDK, AwsCustomResource; DynamoDB API, DescribeTable; KMS API, DescribeKey; EC2 API,
DescribeManagedPrefixLists.
"""

from collections.abc import Sequence

from aws_cdk import Aws, RemovalPolicy
from aws_cdk.aws_logs import LogGroup, RetentionDays
from aws_cdk.custom_resources import (
    AwsCustomResource,
    AwsSdkCall,
    PhysicalResourceId,
)
from constructs import Construct

from infra.arns import Arns
from infra.copies import Peer
from infra.endpoints import GATEWAYS, service_name
from infra.keys import copies_alias
from infra.permissions import Statement, allow, write_logs
from infra.role import role
from infra.settings import Settings
from reconciler.deployment.names import Names

_KEY = "KeyMetadata.Arn"


def of_region(
    scope: Construct, settings: Settings, arns: Arns
) -> tuple[str, Sequence[str], Peer | None]:
    """Return the ARN of the stream that the table's replica in this region has now.

    And, for a network, the ids of the lists of DynamoDB's and S3's addresses there; and, if S3
    copies this region's objects, where to.
    """
    peer = settings.copies.get(arns.names.region)
    may = [allow("DescribeTable", ["dynamodb:DescribeTable"], arns.table)]
    if settings.network:
        may.append(allow("FindPrefixLists", ["ec2:DescribeManagedPrefixLists"], "*"))
    if peer:
        may.append(_describe_key(copies_alias(settings.names(peer)), peer))
    lookup = _Lookup(scope, arns, "stream", may)
    stream = _stream_arn(lookup, arns, settings.stream_lookup)
    lists = _prefix_lists(lookup, arns) if settings.network else ()
    return stream, lists, _peer(lookup, settings.names(peer)) if peer else None


def key_arn(scope: Construct, arns: Arns, alias: str, region: str) -> str:
    """Return the ARN of the key that `alias` names in `region`, which may be another one."""
    lookup = _Lookup(scope, arns, "key", [_describe_key(alias, region)])
    call = _asks_key(alias, region, f"{arns.names.table}-key")
    arn: str = lookup.ask("Call", call).get_response_field(_KEY)
    return arn


def _describe_key(alias: str, region: str) -> Statement:
    every = f"arn:{Aws.PARTITION}:kms:{region}:{Aws.ACCOUNT_ID}:key/*"
    named = {"StringEquals": {"kms:RequestAlias": alias}}
    return {**allow("DescribeKey", ["kms:DescribeKey"], every), "Condition": named}


def _asks_key(alias: str, region: str, answered: str) -> AwsSdkCall:
    return AwsSdkCall(
        service="KMS",
        action="DescribeKey",
        parameters={"KeyId": alias},
        region=region,
        output_paths=[_KEY],
        physical_resource_id=PhysicalResourceId.of(answered),
    )


class _Lookup(Construct):
    """A stack's function, which asks all of the stack's questions."""

    def __init__(
        self, scope: Construct, arns: Arns, what: str, statements: Sequence[Statement]
    ) -> None:
        super().__init__(scope, "Lookup")
        self._function = arns.names.of(f"lookup-{what}")
        self._log = LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{self._function}",
            retention=RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        may = [*statements, write_logs(arns, self._function)]
        self._role = role(self, "lambda.amazonaws.com", may)

    def ask(self, question: str, call: AwsSdkCall) -> AwsCustomResource:
        return AwsCustomResource(
            self,
            question,
            function_name=self._function,
            install_latest_aws_sdk=False,
            log_group=self._log,
            on_update=call,
            role=self._role.without_policy_updates(),
        )


def _stream_arn(lookup: _Lookup, arns: Arns, number: int) -> str:
    """Return what the lookup of this number found; another number asks again."""
    names, answer = arns.names, "Table.LatestStreamArn"
    call = AwsSdkCall(
        service="DynamoDB",
        action="DescribeTable",
        parameters={"TableName": names.table},
        region=names.region,
        output_paths=[answer],
        physical_resource_id=PhysicalResourceId.of(f"{names.table}-stream-{number}"),
    )
    arn: str = lookup.ask("Call", call).get_response_field(answer)
    return arn


def _peer(lookup: _Lookup, there: Names) -> Peer:
    """Return the other region, with the key that it has for copies."""
    call = _asks_key(copies_alias(there), there.region, f"{there.table}-copies-key")
    return Peer(there.region, lookup.ask("CopiesKey", call).get_response_field(_KEY))


def _prefix_lists(lookup: _Lookup, arns: Arns) -> list[str]:
    """Return both lists; their order is not known and does not matter."""
    names = arns.names
    lists = [service_name(names.region, service) for service in GATEWAYS]
    answers = [f"PrefixLists.{number}.PrefixListId" for number in range(len(lists))]
    call = AwsSdkCall(
        service="EC2",
        action="DescribeManagedPrefixLists",
        parameters={"Filters": [{"Name": "prefix-list-name", "Values": lists}]},
        region=names.region,
        output_paths=answers,
        physical_resource_id=PhysicalResourceId.of(f"{names.table}-prefix-lists"),
    )
    found = lookup.ask("PrefixLists", call)
    return list(map(found.get_response_field, answers))
