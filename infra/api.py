"""The HTTP door of one region: an API Gateway HTTP API in front of its function.

Each path of the door is a route of its own, so that callers' policies can tell them apart. All but
those of health have the authorizer; the function is closed without one all the same. The access log
has routes instead of paths, which hold items' keys, and nothing of bodies or callers.
HAZARD if anybody else could invoke the function: it believes what it is told of a caller.
With a domain of its own, it is called by that alone (`infra.domain`).
Source: API Gateway guide, "Working with HTTP APIs", "Customize HTTP API access logs".
"""

import json
from collections.abc import Iterator, Sequence

from aws_cdk import RemovalPolicy
from aws_cdk.aws_apigatewayv2 import CfnApi, CfnAuthorizer, CfnIntegration, CfnRoute, CfnStage
from aws_cdk.aws_lambda import CfnPermission
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from infra.acknowledged import acknowledge_open
from infra.api_settings import Api, indexes_served, indexes_text
from infra.arns import Arns
from infra.domain import DoorName
from infra.function import Function, Work
from infra.permissions import EVIDENCE_PREFIX, Statement, allow, in_bucket, know_replica
from infra.schema_settings import definition, schema_text
from infra.settings import Settings
from reconciler.api.paths import OF_HUB, OF_PARTIES, PATHS
from reconciler.api.tmf632.party import holds_parties
from reconciler.deployment.table_document import Index
from reconciler.deployment.wiring import API_HANDLER
from reconciler.item.schema import Schema

_SECONDS = 29  # less than API Gateway waits
_WAITS_MS = 30_000  # the most there is
_OPEN = ("/health", "/health/live")
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "functionMs": "$context.integrationLatency",
    "functionStatus": "$context.integrationStatus",
    "refused": "$context.error.responseType",
}


def may_serve(settings: Settings, door: Api, arns: Arns) -> list[Statement]:
    """Return what the door's function may do."""
    items = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    if _has_parties(settings, door):
        items.append("dynamodb:Scan")
    served = [f"{arns.table}/index/{index.name}" for index in _indexes(settings, door)]
    return [
        know_replica(arns),
        allow("ServeItems", items, arns.table),
        *([allow("ServeLists", ["dynamodb:Query"], *served)] if served else []),
        allow("ReadLosses", ["dynamodb:Query"], arns.ledger, arns.ledger_by_state),
        in_bucket("ReadEvidence", ["s3:GetObject"], arns.objects(EVIDENCE_PREFIX)),
        allow("ReadMetrics", ["cloudwatch:GetMetricData"], "*"),
    ]


def door_environment(settings: Settings, door: Api) -> dict[str, str]:
    """Return the environment of the door's function, beside what every function has."""
    keys = (settings.partition_key, settings.sort_key)
    return {
        "RECONCILER_SCHEMA": schema_text(settings, door),
        "RECONCILER_KEY_TYPES": ",".join(key.type for key in keys if key is not None),
        "RECONCILER_API_AUTHORIZER": door.authorizer,
        "RECONCILER_API_SCOPE_PREFIX": door.scope_prefix,
        "RECONCILER_API_KEYS_REQUIRED": "on" if door.keys_required else "off",
        "RECONCILER_API_INDEXES": indexes_text(_indexes(settings, door)),
    }


def serving(door: Api, arns: Arns, statements: Sequence[Statement]) -> Work:
    """Return the work of the door's function."""
    name = arns.names.api_function
    return Work(name, API_HANDLER, _SECONDS, statements, concurrency=door.concurrency)


class HttpApi(Construct):
    """The API, its stage, its routes and its authorizer; `function` answers all requests."""

    def __init__(
        self, scope: Construct, settings: Settings, door: Api, arns: Arns, function: Function
    ) -> None:
        super().__init__(scope, "Door")
        name = arns.names.http_api
        self._door = door
        # Behind a WAF, its own address would be a way round it.
        self._api = CfnApi(
            self,
            "Http",
            name=name,
            protocol_type="HTTP",
            disable_execute_api_endpoint=True if door.domain else None,
        )
        self.id = self._api.attr_api_id
        self._authorizer = self._jwt() if door.authorizer == "jwt" else None
        integration = CfnIntegration(
            self,
            "Integration",
            api_id=self.id,
            integration_type="AWS_PROXY",
            integration_uri=function.arn,
            payload_format_version="2.0",
            timeout_in_millis=_WAITS_MS,
        )
        CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.arn,
            principal="apigateway.amazonaws.com",
            source_arn=arns.of("execute-api", f"{self.id}/*"),
        )
        for method, path in _routes(settings, door):
            self._route(method, path, integration)
        url = self._address(self._stage(name), settings, arns.names.region)
        self.outputs = {"ApiFunction": arns.names.api_function, "ApiUrl": url}

    def _address(self, stage: CfnStage, settings: Settings, region: str) -> str:
        """Make the names that the door may have; return the address of this region's."""
        domain = self._door.domain
        if domain is None:
            address: str = self._api.attr_api_endpoint
            return address
        others = [each for each in settings.regions if each != region]
        DoorName(self, domain, stage, region, others)
        return f"https://{domain.of(region)}"

    def _jwt(self) -> CfnAuthorizer:
        jwt = CfnAuthorizer.JWTConfigurationProperty(
            issuer=self._door.issuer, audience=list(self._door.audience)
        )
        return CfnAuthorizer(
            self,
            "Authorizer",
            api_id=self.id,
            name="jwt",
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=jwt,
        )

    def _route(self, method: str, path: str, integration: CfnIntegration) -> None:
        if path in _OPEN:
            kind, authorizer = "NONE", None
        elif self._authorizer:
            kind, authorizer = "JWT", self._authorizer.ref
        else:
            kind, authorizer = "AWS_IAM", None
        route = CfnRoute(
            self,
            f"{method} {path}".replace("/", "."),
            api_id=self.id,
            route_key=f"{method} {path}",
            target=f"integrations/{integration.ref}",
            authorization_type=kind,
            authorizer_id=authorizer,
        )
        if path in _OPEN:
            acknowledge_open(route)

    def _stage(self, name: str) -> CfnStage:
        log = LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/apis/{name}",  # AWS's prefix: one policy for all
            retention=RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return CfnStage(
            self,
            "Stage",
            api_id=self.id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(_LOGGED)
            ),
            default_route_settings=CfnStage.RouteSettingsProperty(
                throttling_rate_limit=self._door.rate, throttling_burst_limit=self._door.burst
            ),
        )


def _has_parties(settings: Settings, door: Api) -> bool:
    return holds_parties(Schema.of(**definition(settings, door)))


def _indexes(settings: Settings, door: Api) -> Sequence[Index]:
    """Return what lists are filtered by: nobody lists a table without parties."""
    return indexes_served(settings) if _has_parties(settings, door) else ()


def _routes(settings: Settings, door: Api) -> Iterator[tuple[str, str]]:
    """Yield the methods and paths: those of parties and their hub only where there are any."""
    left_out = set() if _has_parties(settings, door) else set(OF_PARTIES)
    left_out |= set() if door.callbacks else set(OF_HUB)
    for path, methods in PATHS.items():
        if path not in left_out:
            yield from ((method, path) for method in methods)
