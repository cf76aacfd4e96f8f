"""The network flag: functions that cannot leave, and a way to each service that they call."""

import json
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest

from infra.arns import Arns
from infra.endpoints import behind_interfaces
from infra.network import cidr
from infra.settings import Settings
from tests.infra.stacks import ACCOUNT, PLAIN, REGIONS, SCENES, Stacks, synthesised
from tests.infra.test_permissions import of_roles

EU = "eu-west-1"
FUNCTION, ENDPOINT = "AWS::Lambda::Function", "AWS::EC2::VPCEndpoint"
LOOKUP = "parties-lookup-stream-eu-west-1"
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
# What Lambda does in a function's name, from its own network, what keys are used for by others, and
# what is asked of other regions, which a network of one has no way to: then nothing is summed up.
NOT_THROUGH_THE_NETWORK = {
    "CodeAttachesNothing",
    "EncryptQuestions",
    "FindStreams",
    "KnowReplicas",
    "LambdaAttaches",
    "ReadByKey",
    "SendTraces",
    "UseKeys",
    "WorkQueues",
    "WriteLogs",
}
ADDRESS = "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"
OF_STREAMS = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}


def with_network(*regions: str, **more: Any) -> Settings:
    options = {**PLAIN, "regions": regions, "network": True, **more}
    return Settings.model_validate_json(json.dumps(options))


def endpoints(stacks: Stacks) -> dict[str, dict[str, Any]]:
    """Return a region's endpoints by service."""
    found = stacks.all("reconciler", ENDPOINT).values()
    return {each["ServiceName"].removeprefix(f"com.amazonaws.{EU}."): each for each in found}


def let_through(stacks: Stacks) -> dict[str, list[str]]:
    """Return the resources that each endpoint leads to."""
    return {
        service: each["PolicyDocument"]["Statement"][0]["Resource"]
        for service, each in endpoints(stacks).items()
    }


def inside(stacks: Stacks) -> list[dict[str, Any]]:
    """Return the functions of a region, without the one that runs at deployments."""
    found = stacks.all("reconciler", FUNCTION).values()
    return [each for each in found if each["FunctionName"] != LOOKUP]


def group(stacks: Stacks, description: str) -> tuple[str, dict[str, Any]]:
    """Return the id and the properties of a security group."""
    groups = stacks.all("reconciler", "AWS::EC2::SecurityGroup").items()
    [(name, found)] = [
        (f"{name}.GroupId", each)
        for name, each in groups
        if each["GroupDescription"].startswith(description)
    ]
    return name, found


# Addresses


@pytest.mark.parametrize("regions", [REGIONS[:2], REGIONS])
def test_each_region_has_addresses_of_its_own(regions: list[str]) -> None:
    settings = with_network(*regions)
    networks = [cidr(settings, region) for region in regions]

    assert all(each.is_private and each.prefixlen == 16 for each in networks)
    assert len({each.network_address for each in networks}) == len(regions)


def test_a_region_that_is_added_at_the_end_does_not_move_the_others() -> None:
    two, three = with_network(*REGIONS[:2]), with_network(*REGIONS)

    for region in REGIONS[:2]:
        assert cidr(three, region) == cidr(two, region)


def test_addresses_that_are_named_stay_when_a_region_between_goes() -> None:
    named = {region: f"192.168.{number}.0/24" for number, region in enumerate(REGIONS)}
    first, _, last = REGIONS
    before = with_network(*REGIONS, network_cidrs=named)
    after = with_network(first, last, network_cidrs={first: named[first], last: named[last]})

    assert str(cidr(before, last)) == str(cidr(after, last)) == named[last]


@pytest.mark.parametrize("region", REGIONS[:2])
def test_a_network_has_the_region_s_addresses_in_two_zones(options: Stacks, region: str) -> None:
    addresses = cidr(options.settings, region)
    subnets = options.all("reconciler", "AWS::EC2::Subnet", region).values()

    assert options.one("reconciler", "AWS::EC2::VPC", region)["CidrBlock"] == str(addresses)
    halves = {str(half) for half in addresses.subnets()}
    assert {each["CidrBlock"] for each in subnets} == halves
    zones = [each["AvailabilityZone"] for each in subnets]
    assert zones == [{"Fn::Select": [zone, {"Fn::GetAZs": ""}]} for zone in (0, 1)]


# No way out


def test_nothing_leads_out_of_the_network(options: Stacks) -> None:
    resources = options.template(f"parties-reconciler-{EU}")["Resources"].values()
    kinds = {each["Type"] for each in resources if each["Type"].startswith("AWS::EC2::")}

    assert kinds == {
        "AWS::EC2::FlowLog",
        "AWS::EC2::RouteTable",  # without an AWS::EC2::Route, it has what the gateways add
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
    }
    tied = options.all("reconciler", "AWS::EC2::SubnetRouteTableAssociation").values()
    [routes] = options.all("reconciler", "AWS::EC2::RouteTable")
    subnets = options.all("reconciler", "AWS::EC2::Subnet")
    assert {each["SubnetId"]: each["RouteTableId"] for each in tied} == dict.fromkeys(
        subnets, routes
    )


def test_every_function_is_in_both_subnets_and_behind_its_security_group(options: Stacks) -> None:
    subnets = options.all("reconciler", "AWS::EC2::Subnet")
    functions, _ = group(options, "functions")

    assert len(inside(options)) >= 4
    for each in inside(options):
        assert set(each["VpcConfig"]["SubnetIds"]) == set(subnets), each["FunctionName"]
        assert each["VpcConfig"]["SecurityGroupIds"] == [functions]
    looks_up = options.one("reconciler", FUNCTION, FunctionName=LOOKUP)
    assert "VpcConfig" not in looks_up


@pytest.mark.parametrize("scene", [name for name in SCENES if name != "options"])
def test_there_is_no_network_unasked(scene: str) -> None:
    for _, template in synthesised(scene).templates():
        for each in template["Resources"].values():
            assert not each["Type"].startswith("AWS::EC2::")
            assert "VpcConfig" not in each.get("Properties", {})


def test_functions_may_only_call_the_endpoints_and_nobody_may_call_functions(
    options: Stacks,
) -> None:
    functions, its = group(options, "functions")
    called, _ = group(options, "endpoints")

    lists = [f"looked-up:PrefixLists.{number}.PrefixListId" for number in (0, 1)]
    to_gateways = [{**HTTPS, "DestinationPrefixListId": each} for each in lists]
    assert its["SecurityGroupEgress"] == to_gateways
    assert "SecurityGroupIngress" not in its
    to_endpoints = {**HTTPS, "GroupId": functions, "DestinationSecurityGroupId": called}
    assert options.one("reconciler", "AWS::EC2::SecurityGroupEgress") == to_endpoints


def test_endpoints_take_calls_of_the_functions_alone_and_make_none(options: Stacks) -> None:
    functions, _ = group(options, "functions")
    called, its = group(options, "endpoints")

    assert its["SecurityGroupIngress"] == [{**HTTPS, "SourceSecurityGroupId": functions}]
    assert its["SecurityGroupEgress"] == [{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}]
    for each in endpoints(options).values():
        if each["VpcEndpointType"] == "Interface":
            assert each["SecurityGroupIds"] == [called]


def test_the_lists_of_addresses_that_are_looked_up_are_those_of_the_gateways(
    options: Stacks,
) -> None:
    asked = [
        json.loads(each["Create"]) for each in options.all("reconciler", "Custom::AWS").values()
    ]
    [lists] = [each for each in asked if each["action"] == "DescribeManagedPrefixLists"]

    gateways = {
        each["ServiceName"]
        for each in endpoints(options).values()
        if each["VpcEndpointType"] == "Gateway"
    }
    [found] = lists["parameters"]["Filters"]
    assert (found["Name"], set(found["Values"])) == ("prefix-list-name", gateways)
    assert len(lists["outputPaths"]) == len(gateways)


# Ways in


def test_whatever_a_function_may_call_has_an_endpoint_that_lets_it_through(
    options: Stacks,
) -> None:
    through, checked = let_through(options), set()

    roles = {each["Role"].removesuffix(".Arn") for each in inside(options)}
    for each in of_roles("options"):
        if EU not in each.stack or each.holder not in roles or each.sid in NOT_THROUGH_THE_NETWORK:
            continue
        for action in each.actions:
            service = "dynamodb-streams" if action in OF_STREAMS else action.partition(":")[0]
            service = "monitoring" if service == "cloudwatch" else service
            for resource in each.resources:
                ways = through.get(service, [])
                assert any(fnmatchcase(resource, way) for way in ways), (each.sid, resource)
            checked.add(service)
    assert checked == set(through)


def test_what_is_said_not_to_go_through_the_network_is_said_of_roles_that_there_are() -> None:
    assert {each.sid for each in of_roles("options")} >= NOT_THROUGH_THE_NETWORK


def test_an_endpoint_lets_this_account_through_to_named_resources_of_this_deployment(
    options: Stacks,
) -> None:
    for service, each in endpoints(options).items():
        [statement] = each["PolicyDocument"]["Statement"]
        if service == "monitoring":  # metrics are no resources
            assert (statement["Action"], statement["Resource"]) == ("cloudwatch:*", ["*"])
            continue
        assert statement["Action"] == f"{service.removesuffix('-streams')}:*"
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
        for resource in statement["Resource"]:
            assert "parties" in resource or resource == "looked-up:Table.LatestStreamArn"
            buckets = [f"arn:aws:s3:::parties-{each}-{EU}/*" for each in ("evidence", "ingest")]
            assert "*" not in resource or resource in buckets


def test_dynamodb_and_s3_have_gateways_and_the_others_an_interface_in_each_zone(
    options: Stacks,
) -> None:
    subnets = set(options.all("reconciler", "AWS::EC2::Subnet"))
    [routes] = options.all("reconciler", "AWS::EC2::RouteTable")

    for service, each in endpoints(options).items():
        if service in ("dynamodb", "s3"):
            assert (each["VpcEndpointType"], each["RouteTableIds"]) == ("Gateway", [routes])
        else:
            assert (each["VpcEndpointType"], set(each["SubnetIds"])) == ("Interface", subnets)


def test_a_function_comes_after_the_endpoints_and_the_ways_to_them(options: Stacks) -> None:
    resources = options.template(f"parties-reconciler-{EU}")["Resources"]
    kinds = {ENDPOINT, "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SubnetRouteTableAssociation"}
    ways = {name for name, each in resources.items() if each["Type"] in kinds}

    assert {resources[name]["Type"] for name in ways} == kinds
    for each in resources.values():
        if "VpcConfig" in each.get("Properties", {}):
            assert ways <= set(each["DependsOn"])


def test_there_are_endpoints_only_for_what_is_deployed() -> None:
    def services(**more: Any) -> set[str]:
        settings = with_network(*REGIONS, **more)
        return set(behind_interfaces(settings, Arns(settings.names(EU)), "arn:stream"))

    assert services() == {"sqs", "events"}
    assert services(redrive_minutes=5) - services() == {"dynamodb-streams"}
    assert services(api=SCENES["options"]["api"]) - services() == {"monitoring"}
    assert services(approval=True) - services() == {"sns", "states"}


def test_endpoints_answer_to_the_services_names_save_that_of_the_streams(options: Stacks) -> None:
    found = endpoints(options)

    private = {service for service, each in found.items() if each.get("PrivateDnsEnabled")}
    assert private == set(found) - {"dynamodb", "s3", "dynamodb-streams"}


def test_the_redrive_is_told_the_address_of_the_streams_endpoint(options: Stacks) -> None:
    made = options.all("reconciler", ENDPOINT).items()
    [streams] = [name for name, each in made if each["ServiceName"].endswith("dynamodb-streams")]
    redrive = options.one("reconciler", FUNCTION, FunctionName="parties-redrive-eu-west-1")

    first = {"Fn::Select": [0, f"{streams}.DnsEntries"]}  # "zone:name", the regional one
    name = {"Fn::Select": [1, {"Fn::Split": [":", first]}]}
    assert redrive["Environment"]["Variables"][ADDRESS] == f"https://{name}"


def test_the_sdk_takes_that_address_for_the_streams_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "https://vpce-1-2.streams.dynamodb.eu-west-1.vpce.amazonaws.com"
    monkeypatch.setenv(ADDRESS, address)
    session = boto3.Session("x", "x", region_name=EU)

    assert session.client("dynamodbstreams").meta.endpoint_url == address
    assert "vpce" not in session.client("dynamodb").meta.endpoint_url


def test_flows_are_logged_for_30_days(options: Stacks) -> None:
    flows = options.one("reconciler", "AWS::EC2::FlowLog")
    [vpc] = options.all("reconciler", "AWS::EC2::VPC")
    group = options.one(
        "reconciler", "AWS::Logs::LogGroup", LogGroupName="/aws/vpc/parties-network-eu-west-1"
    )

    assert (flows["ResourceId"], flows["TrafficType"]) == (vpc, "ALL")
    assert group["RetentionInDays"] == 30
