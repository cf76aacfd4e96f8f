"""The HTTP door: where it is asked for, its function answers behind an API of each region."""

import json
from typing import Any

import pytest

from handlers.api_settings import ApiSettings
from handlers.settings import read_as
from reconciler.api.paths import PATHS
from tests.infra.stacks import ACCOUNT, CALLBACK, PLAIN, REGIONS, SCENES, Stacks, synthesised
from tests.infra.test_permissions import granted, of_roles
from tests.infra.test_settings import refusal

EU = REGIONS[1]
NAME = f"parties-api-{EU}"
SCENE = SCENES["options"]["api"]
IAM = {"table_schema": {"attributes": {"loyalty": "counter_pn"}}, "authorizer": "iam"}
ZONED = {"name": "a.example", "hosted_zone": "Z1"}
FUNCTION = "AWS::Lambda::Function"
HEALTH = {"GET /health", "GET /health/live"}


def of_gateway(stacks: Stacks, kind: str) -> list[dict[str, Any]]:
    return list(stacks.all("reconciler", f"AWS::ApiGatewayV2::{kind}").values())


def environment(scene: str, name: str) -> dict[str, str]:
    made = synthesised(scene).one("reconciler", FUNCTION, FunctionName=name)
    variables: dict[str, str] = made["Environment"]["Variables"]
    return variables | {"AWS_REGION": EU}


def test_an_api_sends_every_request_to_its_function_and_nobody_else_may_run_it() -> None:
    options = synthesised("options")
    [integration] = of_gateway(options, "Integration")
    [api] = options.all("reconciler", "AWS::ApiGatewayV2::Api")
    made = options.one("reconciler", FUNCTION, FunctionName=NAME)

    assert integration["IntegrationType"] == "AWS_PROXY"
    assert integration["PayloadFormatVersion"] == "2.0"
    assert made["Handler"] == "handlers.api.handler"
    assert made["ReservedConcurrentExecutions"] == SCENE["concurrency"]
    assert made["Timeout"] * 1_000 < integration["TimeoutInMillis"] <= 30_000
    called = integration["IntegrationUri"]
    permission = options.one("reconciler", "AWS::Lambda::Permission", FunctionName=called)
    assert permission["Principal"] == "apigateway.amazonaws.com"
    source = f"arn:aws:execute-api:{EU}:{ACCOUNT}:{api}.ApiId/*"
    assert permission["SourceArn"] == source


def test_without_warm_starts_the_api_calls_the_function_itself() -> None:
    resources = Stacks({**PLAIN, "api": IAM})
    [integration] = of_gateway(resources, "Integration")
    assert integration["IntegrationUri"] == f"arn:aws:lambda:{EU}:{ACCOUNT}:function:{NAME}"


@pytest.mark.parametrize(("scene", "kind"), [("options", "JWT"), ("aws-owned", "AWS_IAM")])
def test_every_route_but_those_of_health_has_the_authorizer(scene: str, kind: str) -> None:
    stacks = synthesised(scene)
    authorizers = [each["Name"] for each in of_gateway(stacks, "Authorizer")]
    for route in of_gateway(stacks, "Route"):
        wanted = "NONE" if route["RouteKey"] in HEALTH else kind
        assert route["AuthorizationType"] == wanted, route["RouteKey"]
        assert [route.get("AuthorizerId")] == (authorizers if wanted == "JWT" else [None])


def test_each_path_of_the_door_is_a_route_and_nothing_else_is() -> None:
    every = {f"{method} {path}" for path, methods in PATHS.items() for method in methods}
    routes = {route["RouteKey"] for route in of_gateway(synthesised("aws-owned"), "Route")}
    assert routes == every


def test_a_table_without_parties_has_no_routes_for_them_and_is_not_scanned() -> None:
    routes = {route["RouteKey"] for route in of_gateway(synthesised("options"), "Route")}

    assert "POST /write" in routes
    assert not [route for route in routes if "tmf" in route]
    assert "dynamodb:Scan" not in granted("options", "ApiRole")
    may = granted("aws-owned", "ApiRole")
    assert "dynamodb:Scan" in may
    table = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties-dev"
    assert f"{table}/index/by-status" in may["dynamodb:Query"]
    assert f"{table}/index/by-keys" not in may["dynamodb:Query"]


def test_tokens_are_those_of_the_issuer_for_the_audience() -> None:
    [authorizer] = of_gateway(synthesised("options"), "Authorizer")

    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    jwt = {"Issuer": SCENE["issuer"], "Audience": SCENE["audience"]}
    assert authorizer["JwtConfiguration"] == jwt


def test_the_stage_throttles_and_logs_no_paths_no_callers_and_no_bodies() -> None:
    [stage] = of_gateway(synthesised("options"), "Stage")

    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    limits = {"ThrottlingRateLimit": SCENE["rate"], "ThrottlingBurstLimit": SCENE["burst"]}
    assert stage["DefaultRouteSettings"] == limits
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert logged["route"] == "$context.routeKey"
    for told in ("path", "identity", "claims", "body", "message", "sourceIp"):
        assert told.lower() not in json.dumps(logged).lower()
    group = f"/aws/vendedlogs/apis/{NAME}"
    kept = synthesised("options").one("reconciler", "AWS::Logs::LogGroup", LogGroupName=group)
    assert kept["RetentionInDays"] == 30


@pytest.mark.parametrize(
    ("scene", "name", "authorizer", "kinds"),
    [
        ("options", NAME, "jwt", ("S", "N")),
        ("aws-owned", f"parties-api-{EU}-dev", "iam", ("S",)),
    ],
)
def test_the_function_takes_what_it_is_told(
    scene: str, name: str, authorizer: str, kinds: tuple[str, ...]
) -> None:
    settings = read_as(ApiSettings, environment(scene, name))

    deployed = synthesised(scene).settings
    assert settings.item_schema.table == deployed.names(EU).table
    assert settings.item_schema.ttl_attribute == deployed.ttl_attribute
    assert settings.key_kinds == kinds
    assert len(settings.keys.names) == len(kinds)
    assert settings.access.authorizer == authorizer
    assert settings.keys_required == (scene == "options")
    assert bool(settings.events_role) == (scene == "aws-owned")
    listed = [index.name for index in settings.indexes]
    assert listed == (
        ["by-status"] if scene == "aws-owned" else []
    )  # others show keys, or serve no list


def test_no_other_function_is_told_of_the_door() -> None:
    for made in synthesised("options").all("reconciler", FUNCTION).values():
        told = made.get("Environment", {}).get("Variables", {})
        assert ("RECONCILER_API_AUTHORIZER" in told) == (made["FunctionName"] == NAME)


def test_its_function_may_read_and_write_items_read_losses_and_metrics_and_no_more() -> None:
    may = granted("options", "ApiRole")

    table = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"
    ledger = f"{table}-ledger-{EU}"
    beside = ("ec2", "kms", "logs", "xray")
    assert {action: r for action, r in may.items() if not action.startswith(beside)} == {
        "cloudwatch:GetMetricData": ["*"],
        "dynamodb:DescribeTable": [table],
        "dynamodb:GetItem": [table],
        "dynamodb:PutItem": [table],
        "dynamodb:Query": [ledger, f"{ledger}/index/by-state"],
        "dynamodb:UpdateItem": [table],
        "s3:GetObject": [f"arn:aws:s3:::parties-evidence-{EU}/conflicts/*"],
    }


def test_answers_of_5xx_and_failures_of_the_function_are_alarmed_and_the_address_told() -> None:
    options = synthesised("options")
    alarm = options.one(
        "reconciler", "AWS::CloudWatch::Alarm", AlarmName=f"parties-api-errors-{EU}"
    )
    [api] = options.all("reconciler", "AWS::ApiGatewayV2::Api")

    [query] = alarm["Metrics"]
    metric = query["MetricStat"]["Metric"]
    assert (metric["Namespace"], metric["MetricName"]) == ("AWS/ApiGateway", "5xx")
    assert metric["Dimensions"] == [{"Name": "ApiId", "Value": f"{api}.ApiId"}]
    name = f"parties-function-errors-api-{EU}"
    assert options.one("reconciler", "AWS::CloudWatch::Alarm", AlarmName=name)
    outputs = options.template(options.stack("reconciler"))["Outputs"]
    assert outputs["ApiUrl"]["Value"] == f"https://{EU}.api.parties.example"
    assert outputs["ApiFunction"]["Value"] == NAME


def test_without_a_name_of_its_own_the_api_is_called_by_that_of_api_gateway() -> None:
    plain = synthesised("aws-owned")
    [api] = plain.all("reconciler", "AWS::ApiGatewayV2::Api")

    outputs = plain.template(plain.stack("reconciler"))["Outputs"]
    assert outputs["ApiUrl"]["Value"] == f"{api}.ApiEndpoint"


@pytest.mark.parametrize("scene", ["three", "existing"])
def test_there_is_no_door_unasked(scene: str) -> None:
    for _, template in synthesised(scene).templates():
        kinds = {each["Type"] for each in template["Resources"].values()}
        assert not [kind for kind in kinds if "ApiGateway" in kind]
    assert not [each for each in of_roles(scene) if "ApiRole" in each.holder]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"authorizer": "none"}, "api.authorizer: iam or jwt"),
        ({"authorizer": "jwt"}, "api.issuer, api.audience: a jwt authorizer needs both"),
        ({"issuer": "https://a/"}, "api.issuer, api.audience: only with"),
        ({"issuer": "http://a/"}, "api.issuer: the https address"),
        ({"scope_prefix": "a b"}, "api.scope_prefix: "),
        ({"rate": 0}, "api.rate: "),
        ({"concurency": 5}, "api.concurency: there is no such setting; did you mean concurrency?"),
        ({"domain": ZONED}, "api.domain: needs the authorizer jwt"),
        ({"domain": {**ZONED, "name": "API"}}, "api.domain.name: a name in small letters, such"),
        ({"domain": {"name": "a.example"}}, "api.domain.hosted_zone: is missing; the id of a pub"),
        ({"domain": {**ZONED, "firewal": True}}, "did you mean firewall?"),
        ({"domain": {**ZONED, "rate": 9}}, "api.domain.rate: from 10 to"),
        ({"concurrency": 901}, "api.concurrency: 901 of the 900 that can be reserved"),
        ({"callbacks": [CALLBACK]}, "api.callbacks: only for a table of parties"),
        ({"callbacks": [CALLBACK, CALLBACK]}, "api.callbacks: two have https://crm.example.org"),
        ({"callbacks": [{**CALLBACK, "url": "http://a.org/"}]}, "api.callbacks.0.url: an https"),
        ({"callbacks": [{**CALLBACK, "url": "https://10.0.0.1/"}]}, "api.callbacks.0.url: an "),
        ({"callbacks": [{**CALLBACK, "url": "https://a.org:8443/"}]}, "api.callbacks.0.url: an"),
        ({"callbacks": [{**CALLBACK, "url": "https://u@a.org/"}]}, "api.callbacks.0.url: an "),
        ({"callbacks": [{**CALLBACK, "url": "https://localhost/"}]}, "api.callbacks.0.url: an "),
        ({"callbacks": [{**CALLBACK, "secret": "a}}"}]}, "api.callbacks.0.secret: the name of"),
        ({"callbacks": [{"url": "https://a.org/"}]}, "api.callbacks.0.header: is missing; the na"),
        ({"table_schema": {"table": "x"}}, "api.table_schema: table: the deployment's own"),
        ({"table_schema": {"attributes": {"a": "sum"}}}, "api.table_schema: attributes.a.type: un"),
        ({"table_schema": {"attributes": {"id": "set_aw"}}}, "api.table_schema: attributes: 'id'"),
        ({"table_schema": {"key_lifetime_minutes": 2_000}}, "its keys live 2000 minutes; raise"),
        (
            {"table_schema": {"attributes": {"a" * 2_000: "set_aw"}}},
            "api.table_schema: it and custom_types are longer than 2000",
        ),
    ],
)
def test_what_is_wrong_with_a_door_is_named(changed: dict[str, Any], named: str) -> None:
    assert named in refusal(api={**IAM, **changed})


def test_a_door_without_an_authorizer_is_not_deployed() -> None:
    assert "api.authorizer: is missing; iam or jwt" in refusal(api={"table_schema": {}})


def test_a_firewall_is_not_deployed_where_there_is_no_cloudfront() -> None:
    jwt = {**IAM, "authorizer": "jwt", "issuer": "https://a/", "audience": ["a"]}
    api = {**jwt, "domain": {**ZONED, "firewall": True}}

    told = refusal(regions=["cn-north-1", "cn-northwest-1"], api=api)
    assert "api.domain.firewall: CloudFront is in the partition aws alone" in told
