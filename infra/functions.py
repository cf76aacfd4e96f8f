"""How a region's functions are made: each with what all of them are told and may do.

In a network, if the deployment has one, they are kept in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk.aws_lambda import Code
from constructs import Construct

from infra import permissions
from infra.arns import Arns
from infra.function import Function, Work
from infra.network import Network
from infra.permissions import Statement
from infra.settings import Settings
from reconciler.deployment.wiring import function_environment


@dataclass(frozen=True)
class Functions:
    """Makes functions in `scope`. parked_queue_url: where they park."""

    scope: Construct
    settings: Settings
    arns: Arns
    code: Code
    parked_queue_url: str
    network: Network | None

    def make(self, work: Work, **told: str) -> Function:
        """Make a function; told: what it alone is told."""
        environment = function_environment(self.arns.names, parked_queue_url=self.parked_queue_url)
        environment |= _told(self.settings) | told
        environment |= self.network.environment if self.network else {}
        function = Function(self.scope, work, self.settings, self.code, environment)
        if self.network:
            self.network.keep(function)
        return function

    def statements(self, function: str, own: Sequence[Statement]) -> list[Statement]:
        """Return what a function may do: what each may, and its own."""
        attach = permissions.attach(self.arns, function) if self.network else []
        common = permissions.common(self.arns, function, tracing=self.settings.tracing)
        return [*common, *attach, *own]


def _told(settings: Settings) -> dict[str, str]:
    versions = settings.version_attributes
    return {
        "RECONCILER_OUTSIDE_WRITES": settings.outside_writes,
        "RECONCILER_OUTSIDE_WRITERS": settings.outside_writers,
        "RECONCILER_TTL_ATTRIBUTE": settings.ttl_attribute,
        "RECONCILER_KEY_LIFETIME_MINUTES": str(settings.key_lifetime_minutes),
        "RECONCILER_VERSION_ATTRIBUTES": versions.text() if versions else "",
        "RECONCILER_FOLDS": _switch(settings.folds),
        "RECONCILER_PAUSE_LOOPS": _switch(settings.pause_loops),
        "RECONCILER_CUSTOM_TYPES": ",".join(settings.custom_types),
        "RECONCILER_TRACING": _switch(settings.tracing),
        "RECONCILER_LOG_ITEMS": _switch(settings.log_items),
    }


def _switch(on: bool) -> str:
    return "on" if on else "off"
