"""The ways from a network to the services that its functions call.

An endpoint lets this account through, to this deployment's resources only; which calls are made
there is for the functions' roles to say. DynamoDB and S3 have gateways, which cost nothing; the
others have an interface in each subnet, which answers to the service's own name.
Limit: DynamoDB's gateway does not serve its streams, and the endpoint that does has no private
name. So the functions are told its address, in `environment`.
Source: PrivateLink guide, "Gateway endpoints", "Endpoint policies"; DynamoDB guide, "AWS
PrivateLink for DynamoDB Streams"; SDKs and Tools guide, "Service-specific endpoints".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, Fn
from aws_cdk.aws_ec2 import CfnVPCEndpoint
from constructs import Construct

from infra.arns import Arns
from infra.settings import Settings

GATEWAYS = ("dynamodb", "s3")
STREAMS = "dynamodb-streams"
METRICS = "monitoring"
_ACTIONS_OF = {STREAMS: "dynamodb", METRICS: "cloudwatch"}


@dataclass(frozen=True)
class Place:
    """Where endpoints stand, by the ids of the VPC and of its parts."""

    vpc: str
    routes: str
    subnets: Sequence[str]
    group: str


def behind_gateways(settings: Settings, arns: Arns) -> dict[str, list[str]]:
    """Return the resources behind the gateways, by service."""
    tables = [arns.table, arns.ledger, arns.ledger_by_state]
    buckets = [arns.bucket, arns.objects("")]
    if settings.ingest_schema:
        tables += [arns.jobs]
        buckets += [arns.ingest_bucket, f"{arns.ingest_bucket}/*"]
    return dict(zip(GATEWAYS, (tables, buckets), strict=True))


def behind_interfaces(settings: Settings, arns: Arns, stream_arn: str) -> dict[str, list[str]]:
    """Return the resources behind the other endpoints, by service."""
    letters = list(map(arns.queue, arns.names.dead_letter_queues()))
    if settings.ingest_schema:
        letters.append(arns.queue(arns.names.ingest_queue))
    called = {"sqs": letters, "events": [arns.bus]}
    if settings.redrive_minutes:
        called[STREAMS] = [stream_arn]
    if settings.approval:
        called |= {"sns": [arns.decisions, arns.escalations], "states": [arns.approval]}
    if settings.api and settings.api.callbacks:
        called["events"] += [arns.events_bus, arns.hub_rules, arns.hooks]
    if settings.api:
        called[METRICS] = ["*"]  # metrics are no resources
    return called


class Endpoints(Construct):
    """The endpoints of a network, and the addresses that its functions must be told."""

    def __init__(
        self, scope: Construct, settings: Settings, arns: Arns, stream_arn: str, place: Place
    ) -> None:
        super().__init__(scope, "Endpoints")
        self._region, self._place = arns.names.region, place
        for service, resources in behind_gateways(settings, arns).items():
            self._gateway(service, resources)
        interfaces = behind_interfaces(settings, arns, stream_arn)
        made = {name: self._interface(name, resources) for name, resources in interfaces.items()}
        self.environment = _told(made[STREAMS]) if STREAMS in made else {}

    def _gateway(self, service: str, resources: Sequence[str]) -> None:
        CfnVPCEndpoint(
            self,
            service,
            vpc_id=self._place.vpc,
            vpc_endpoint_type="Gateway",
            service_name=service_name(self._region, service),
            route_table_ids=[self._place.routes],
            policy_document=_lets_through(service, resources),
        )

    def _interface(self, service: str, resources: Sequence[str]) -> CfnVPCEndpoint:
        return CfnVPCEndpoint(
            self,
            service,
            vpc_id=self._place.vpc,
            vpc_endpoint_type="Interface",
            service_name=service_name(self._region, service),
            subnet_ids=list(self._place.subnets),
            security_group_ids=[self._place.group],
            private_dns_enabled=service != STREAMS,
            policy_document=_lets_through(service, resources),
        )


def service_name(region: str, service: str) -> str:
    """Return what endpoints, and the lists of the gateways' addresses, call a service."""
    return f"com.amazonaws.{region}.{service}"


def _lets_through(service: str, resources: Sequence[str]) -> dict[str, Any]:
    prefix = _ACTIONS_OF.get(service, service)
    statement = {
        "Sid": "LetsThisDeploymentThrough",
        "Effect": "Allow",
        "Principal": "*",
        "Action": f"{prefix}:*",
        "Resource": list(resources),
        "Condition": {"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _told(streams: CfnVPCEndpoint) -> dict[str, str]:
    """Return the address of the streams' endpoint, as the SDK takes it from the environment."""
    regional = Fn.select(0, streams.attr_dns_entries)  # "zone:name"; those of the zones follow
    address = Fn.select(1, Fn.split(":", regional))
    return {"AWS_ENDPOINT_URL_DYNAMODB_STREAMS": f"https://{address}"}
