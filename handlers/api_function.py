"""What the routes of the HTTP door share: what a process keeps, and who may go in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from handlers.api_health import Looking
from handlers.api_settings import ApiSettings, api_settings
from handlers.observability import Observability
from reconciler.api.access import Right
from reconciler.api.answers import Answer
from reconciler.api.conditions import Conditions
from reconciler.api.requests import Request
from reconciler.aws import Retries, connect
from reconciler.aws.clients import client
from reconciler.aws.region import Region
from reconciler.client.table import ReplicatedTable
from reconciler.clock import monotonic_ms
from reconciler.values.wire import Image

# API Gateway waits for 30 seconds: rather an answer that says "again" than none.
RETRIES = Retries(attempts=8, longest_pause_seconds=0.5)
READ_SECONDS = 2
JSON = "application/json"


@dataclass(frozen=True)
class Function:
    """What this process keeps between requests."""

    settings: ApiSettings
    table: ReplicatedTable
    region: Region
    looking: Looking
    observability: Observability


@cache
def function() -> Function:
    settings = api_settings()
    observability = Observability(
        "api", settings.table, settings.region, log_items=settings.log_items
    )
    return Function(
        settings=settings,
        table=connect(
            settings.item_schema,
            region=settings.region,
            dynamodb=client("dynamodb", settings.region, attempts=1, read_seconds=READ_SECONDS),
            retries=RETRIES,
            outside_writers=settings.outside_writers,
        ),
        region=Region(settings, telemetry=observability),
        looking=Looking(settings, observability, monotonic_ms),
        observability=observability,
    )


def permitted(request: Request, right: Right | None) -> Function:
    """Return what a process keeps to a caller who has the right; Refused."""
    function().settings.access.check(request.authorizer, right)
    return function()


def checked(conditions: Conditions) -> Callable[[Image | None], Image | None]:
    """Return what looks at an item before a write of it, and refuses another version."""

    def beneath(image: Image | None) -> Image | None:
        conditions.check(image)
        return image

    return beneath


def response(answer: Answer) -> Response[Any]:
    """Return an answer as the framework takes it."""
    kind = JSON if answer.body else None
    return Response(answer.status, kind, answer.body, dict(answer.headers))
