"""The global table, with all its replicas, in one stack of one region.

What DynamoDB does not copy between replicas (point-in-time recovery, deletion protection, tags,
Contributor Insights) is said of every replica. The stream shows both images from the start, for
with more than one replica it cannot be changed.
Source: CloudFormation, AWS::DynamoDB::GlobalTable; DynamoDB guide, "Best practices for managing
global tables".
"""

from collections.abc import Mapping

from aws_cdk import CfnOutput, CfnTag, RemovalPolicy, Stack
from aws_cdk.aws_dynamodb import CfnGlobalTable
from constructs import Construct

from infra.settings import Settings
from reconciler.deployment.table_document import Index, Key
from reconciler.deployment.tables import BOTH_IMAGES, EXPIRY_ATTRIBUTE

RECOVERY_DAYS = 35  # the most that DynamoDB keeps


class Table(Construct):
    """The table of `settings`; `keys` are the ARNs of its KMS keys by region, empty for AWS's."""

    def __init__(self, scope: Construct, settings: Settings, keys: Mapping[str, str]) -> None:
        super().__init__(scope, "GlobalTable")
        table = CfnGlobalTable(
            self,
            "Resource",
            table_name=settings.names(settings.owner).table,
            billing_mode="PAY_PER_REQUEST",
            attribute_definitions=_attributes(settings),
            key_schema=_schema(settings.partition_key, settings.sort_key),
            global_secondary_indexes=[_index(each) for each in settings.indexes] or None,
            stream_specification={"streamViewType": BOTH_IMAGES},
            time_to_live_specification={
                "enabled": True,
                "attributeName": settings.ttl_attribute or EXPIRY_ATTRIBUTE,
            },
            sse_specification={"sseEnabled": True, "sseType": "KMS"} if keys else None,
            replicas=[_replica(settings, region, keys.get(region)) for region in settings.regions],
        )
        table.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        stack = Stack.of(self)
        CfnOutput(stack, "Table", value=table.ref)
        CfnOutput(stack, "Regions", value=",".join(settings.regions))


def _attributes(settings: Settings) -> list[CfnGlobalTable.AttributeDefinitionProperty]:
    keys = [settings.partition_key, settings.sort_key]
    for index in settings.indexes:
        keys += [index.partition_key, index.sort_key]
    kinds = {key.name: key.type for key in keys if key is not None}
    return [
        CfnGlobalTable.AttributeDefinitionProperty(attribute_name=name, attribute_type=kind)
        for name, kind in kinds.items()
    ]


def _schema(partition_key: Key, sort_key: Key | None) -> list[CfnGlobalTable.KeySchemaProperty]:
    keys = [(partition_key, "HASH")] + ([(sort_key, "RANGE")] if sort_key else [])
    return [
        CfnGlobalTable.KeySchemaProperty(attribute_name=key.name, key_type=role)
        for key, role in keys
    ]


def _index(index: Index) -> CfnGlobalTable.GlobalSecondaryIndexProperty:
    return CfnGlobalTable.GlobalSecondaryIndexProperty(
        index_name=index.name,
        key_schema=_schema(index.partition_key, index.sort_key),
        projection=CfnGlobalTable.ProjectionProperty(projection_type=index.projection),
    )


def _replica(
    settings: Settings, region: str, key: str | None
) -> CfnGlobalTable.ReplicaSpecificationProperty:
    return CfnGlobalTable.ReplicaSpecificationProperty(
        region=region,
        deletion_protection_enabled=True,
        point_in_time_recovery_specification={
            "pointInTimeRecoveryEnabled": True,
            "recoveryPeriodInDays": RECOVERY_DAYS,
        },
        contributor_insights_specification={"enabled": settings.contributor_insights},
        sse_specification={"kmsMasterKeyId": key} if key else None,
        tags=[CfnTag(key=n, value=value) for n, value in settings.tags.items()] or None,
    )
