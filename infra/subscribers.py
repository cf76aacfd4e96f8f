"""Whom events of parties may be sent to: a bus of their own, and a destination for each callback.

A callback is deployed, with what EventBridge signs in with there; who subscribes, at run time,
makes a rule that leads to one of them. So nobody at the door can name an address, and the door sees
no secret: the connection takes it from Secrets Manager, in each region under one name.
An event that cannot be delivered is tried again for a day, then it is a dead letter. For as long as
that is kept the archive has a copy of every event, for a replay to one subscription alone.
Source: EventBridge guide, "API destinations", "Connections"; CloudFormation guide, "Dynamic
references"; EventBridge guide, "Using IAM policy conditions",
"Archives".
"""

from aws_cdk.aws_events import CfnApiDestination, CfnArchive, CfnConnection, CfnEventBus
from constructs import Construct

from infra.api_settings import Callback
from infra.arns import Arns
from infra.permissions import Statement, allow
from infra.role import role
from infra.settings import Settings
from reconciler.deployment.wiring import DEAD_LETTER_RETENTION_SECONDS

ARCHIVE_DAYS = DEAD_LETTER_RETENTION_SECONDS // 86_400


def may_subscribe(arns: Arns, role_arn: str) -> list[Statement]:
    """Return what the door may do: make rules on this bus that lead to callbacks, and end them."""
    rules = ["events:DeleteRule", "events:PutRule", "events:RemoveTargets"]
    to_hooks = {"ArnLike": {"events:TargetArn": arns.hooks}}
    by_events = {"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}
    return [
        allow("KnowCallbacks", ["events:DescribeApiDestination"], arns.hooks),
        allow("KeepSubscriptions", rules, arns.hub_rules),
        {**allow("SendToCallbacks", ["events:PutTargets"], arns.hub_rules), "Condition": to_hooks},
        {**allow("HandOver", ["iam:PassRole"], role_arn), "Condition": by_events},
    ]


def may_tell(settings: Settings, arns: Arns) -> list[Statement]:
    """Return what detector and resolver may do: put events of parties on their bus."""
    if not tells(settings):
        return []
    return [allow("TellSubscribers", ["events:PutEvents"], arns.events_bus)]


def tells(settings: Settings) -> bool:
    """Return whether anybody can be told of parties."""
    return bool(settings.api and settings.api.callbacks)


class Subscribers(Construct):
    """The bus of one region, the callbacks, and the role in whose name events are delivered."""

    def __init__(self, scope: Construct, callbacks: tuple[Callback, ...], arns: Arns) -> None:
        super().__init__(scope, "Subscribers")
        bus = CfnEventBus(self, "Bus", name=arns.names.events_bus)
        CfnArchive(self, "Archive", source_arn=bus.attr_arn, retention_days=ARCHIVE_DAYS)
        known = [self._destination(each, arns.names.hook(each.url)) for each in callbacks]
        may = [allow("Deliver", ["events:InvokeApiDestination"], *known)]
        name = arns.names.subscribers_role  # what uses it is made at run time
        made = role(self, "events.amazonaws.com", may, source=arns.hub_rules, name=name)
        self.role_arn: str = made.role_arn

    def _destination(self, callback: Callback, name: str) -> str:
        secret = f"{{{{resolve:secretsmanager:{callback.secret}}}}}"
        key = CfnConnection.ApiKeyAuthParametersProperty(
            api_key_name=callback.header, api_key_value=secret
        )
        connection = CfnConnection(
            self,
            f"{name}Connection",
            name=name,
            authorization_type="API_KEY",
            auth_parameters=CfnConnection.AuthParametersProperty(api_key_auth_parameters=key),
        )
        made = CfnApiDestination(
            self,
            name,
            name=name,
            connection_arn=connection.attr_arn,
            http_method="POST",
            invocation_endpoint=callback.url,
        )
        arn: str = made.attr_arn
        return arn
