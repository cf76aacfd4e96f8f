"""A region's network that its functions cannot leave.

It has two subnets in two zones, without a way to the internet or to another network; endpoints lead
to the services that the functions call. A log keeps who spoke with whom.
Limit: what Lambda does in a function's name does not pass through here. From its own network it
reads the streams and queues, sets batches aside, writes logs (metrics are lines of them) and sends
traces. Keys are used by the services that they encrypt for.
Source: Lambda guide, "Giving Lambda functions access to resources in an Amazon VPC", "Using source
function ARN to control function access behavior" (what Lambda calls outside of a function's
environment); VPC guide, "Logging IP traffic using VPC Flow Logs".
"""

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any, cast

from aws_cdk import Fn, RemovalPolicy, Tags
from aws_cdk.aws_ec2 import (
    CfnFlowLog,
    CfnRouteTable,
    CfnSecurityGroup,
    CfnSecurityGroupEgress,
    CfnSubnet,
    CfnSubnetRouteTableAssociation,
    CfnVPC,
)
from aws_cdk.aws_lambda import CfnFunction
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from infra.arns import Arns
from infra.endpoints import Endpoints, Place
from infra.function import Function
from infra.permissions import allow
from infra.role import role
from infra.settings import Settings

FIRST = IPv4Network("10.64.0.0/16")
_HTTPS: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
_NOWHERE = CfnSecurityGroup.EgressProperty(ip_protocol="-1", cidr_ip="127.0.0.1/32")


def cidr(settings: Settings, region: str) -> IPv4Network:
    """Return a region's addresses: those that were named, or the next ones at each next place."""
    if settings.network_cidrs:
        return settings.network_cidrs[region]
    before = settings.regions.index(region) * FIRST.num_addresses
    return IPv4Network((int(FIRST.network_address) + before, FIRST.prefixlen))


class Network(Construct):
    """A VPC without a way out, but to `prefix_lists`: the addresses of DynamoDB and S3."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        arns: Arns,
        stream_arn: str,
        prefix_lists: Sequence[str],
    ) -> None:
        super().__init__(scope, "Network")
        self._arns = arns
        Tags.of(self).add("Name", arns.names.of("network"))
        addresses = cidr(settings, arns.names.region)
        self._vpc = CfnVPC(
            self,
            "Vpc",
            cidr_block=str(addresses),
            enable_dns_hostnames=True,
            enable_dns_support=True,
        )
        routes = CfnRouteTable(self, "Routes", vpc_id=self._vpc.ref)
        halves = enumerate(addresses.subnets(prefixlen_diff=1))
        self._subnets = [self._subnet(zone, half, routes).ref for zone, half in halves]
        self._functions, called = self._groups(prefix_lists)
        place = Place(self._vpc.ref, routes.ref, self._subnets, called.attr_group_id)
        self.environment = Endpoints(self, settings, arns, stream_arn, place).environment
        self._log()

    def keep(self, function: Function) -> None:
        """Put a function in here. It comes after all of it, so it never runs without a way."""
        made = cast(CfnFunction, function.function.node.default_child)
        made.vpc_config = CfnFunction.VpcConfigProperty(
            subnet_ids=self._subnets,
            security_group_ids=[self._functions.attr_group_id],
        )
        function.function.node.add_dependency(self)

    def _subnet(self, zone: int, addresses: IPv4Network, routes: CfnRouteTable) -> CfnSubnet:
        subnet = CfnSubnet(
            self,
            f"Subnet{zone}",
            vpc_id=self._vpc.ref,
            cidr_block=str(addresses),
            availability_zone=Fn.select(zone, Fn.get_azs()),
            map_public_ip_on_launch=False,
        )
        CfnSubnetRouteTableAssociation(
            self, f"Routes{zone}", subnet_id=subnet.ref, route_table_id=routes.ref
        )
        return subnet

    def _groups(self, prefix_lists: Sequence[str]) -> tuple[CfnSecurityGroup, CfnSecurityGroup]:
        """Return who may call and who may be called: HTTPS alone, one way alone."""
        functions = CfnSecurityGroup(
            self,
            "Functions",
            vpc_id=self._vpc.ref,
            group_description="functions: out to the endpoints",
            security_group_egress=[
                CfnSecurityGroup.EgressProperty(destination_prefix_list_id=each, **_HTTPS)
                for each in prefix_lists
            ],
        )
        caller = functions.attr_group_id
        called = CfnSecurityGroup(
            self,
            "Called",
            vpc_id=self._vpc.ref,
            group_description="endpoints: in from the functions",
            security_group_ingress=[
                CfnSecurityGroup.IngressProperty(source_security_group_id=caller, **_HTTPS)
            ],
            security_group_egress=[_NOWHERE],  # no rule at all would mean everywhere
        )
        CfnSecurityGroupEgress(
            self,
            "FunctionsToEndpoints",
            group_id=caller,
            destination_security_group_id=called.attr_group_id,
            **_HTTPS,
        )
        return functions, called

    def _log(self) -> None:
        """Log the flows, for 30 days."""
        name = f"/aws/vpc/{self._arns.names.of('network')}"
        log = LogGroup(
            self,
            "Log",
            log_group_name=name,
            retention=RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        may = allow("WriteFlowLog", actions, self._arns.of("logs", f"log-group:{name}:*"))
        source = self._arns.of("ec2", "vpc-flow-log/*")
        writer = role(log, "vpc-flow-logs.amazonaws.com", [may], source=source)
        CfnFlowLog(
            self,
            "Flows",
            resource_id=self._vpc.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=log.log_group_name,
            deliver_logs_permission_arn=writer.role_arn,
        )
