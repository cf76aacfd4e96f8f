"""Lambda entry point of the HTTP door: the table, for clients in any language.

Event source: an API Gateway HTTP API, payload format 2.0, with an IAM or JWT authorizer on every
route but those of health. What each request and answer is, `/openapi.json` says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from handlers.api_health import Looking
from handlers.api_settings import ApiSettings, api_settings
from handlers.observability import Observability
from handlers.tracing import traced
from reconciler.api.access import Right
from reconciler.api.answers import DOCUMENT, REFUSALS, Answer, Refused, refusal_of
from reconciler.api.conditions import Conditions, once_in
from reconciler.api.document import openapi
from reconciler.api.health import verdict
from reconciler.api.items import item_answer, transaction_answer, written_answer
from reconciler.api.listing import Listing, cursor_of
from reconciler.api.paths import methods_of
from reconciler.api.requests import Request
from reconciler.api.writes import ItemWrite, payload_of, writes_in
from reconciler.aws import Retries, connect
from reconciler.aws.clients import client
from reconciler.aws.region import Region
from reconciler.client.table import ReplicatedTable
from reconciler.clock import monotonic_ms
from reconciler.errors import InvalidInput
from reconciler.feed.case import document, open_case
from reconciler.feed.rows import loss_named, summary
from reconciler.text.plain_json import json_text
from reconciler.values.wire import Image

# API Gateway waits for 30 seconds: rather an answer that says "again" than none.
RETRIES = Retries(attempts=8, longest_pause_seconds=0.5)
READ_SECONDS = 2
MOST_SEARCHED = 1_000  # rows of a state, for a loss that is named without its item
_JSON = "application/json"


@dataclass(frozen=True)
class Function:
    """What this process keeps between requests."""

    settings: ApiSettings
    table: ReplicatedTable
    region: Region
    looking: Looking
    observability: Observability


@cache
def _function() -> Function:
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


app = APIGatewayHttpResolver(debug=False)  # in debug mode it answers with tracebacks


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request."""
    try:
        with _function().observability.invocation(context):
            return app.resolve(event, context)
    except Exception as problem:  # it is logged, as far as it may be
        answer = refusal_of(problem, is_keyed=False).answer()
        headers = {**answer.headers, "Content-Type": _JSON}
        return {"statusCode": answer.status, "body": answer.body, "headers": headers}


@app.get("/health/live")
def _live() -> Response[Any]:
    return _response(Answer(200, '{"health": "live"}', {"Cache-Control": "no-store"}))


@app.get("/health")
def _health() -> Response[Any]:
    # Open to everybody once the door is: checks that route traffic cannot sign.
    function = _function()
    function.settings.access.check_open()
    return _response(verdict(function.looking.facts(), function.settings.region))


@app.get("/openapi.json")
def _openapi() -> Response[Any]:
    settings = _permitted(None).settings
    told = openapi(settings.item_schema, settings.keys, settings.authorizer, settings.scope_prefix)
    return _response(Answer(200, json_text(told)))


@app.post("/write")
def _write() -> Response[Any]:
    function, request = _permitted("write"), _request()
    asked = writes_in(request.document(), function.settings.keys)
    required = function.settings.keys_required
    once = once_in(request.headers, payload_of(asked), is_required=required)
    conditions = Conditions.of(request.headers)
    if isinstance(asked, ItemWrite):
        beneath = _checked(conditions) if conditions.are_given else None
        written = function.table.carry_out(asked.key, asked.change, beneath, once=once)
        return _response(written_answer(written))
    if conditions.are_given:
        raise Refused("invalidRequest", "If-Match, If-None-Match: they are for one item")
    changes = [(each.key, each.change) for each in asked.writes]
    several = function.table.transact(changes, once=once)
    return _response(transaction_answer([each.key for each in asked.writes], several))


@app.get("/items/<partition>")
def _item_of_one(partition: str) -> Response[Any]:
    return _item(partition)


@app.get("/items/<partition>/<sort>")
def _item_of_two(partition: str, sort: str) -> Response[Any]:
    return _item(partition, sort)


def _item(*segments: str) -> Response[Any]:
    function, conditions = _permitted("read"), Conditions.of(_request().headers)
    try:
        key = function.settings.keys.of_segments(segments)
    except InvalidInput as problem:
        raise Refused("invalidRequest", f"path: {problem}") from None
    return _response(item_answer(function.table.image(key), conditions))


@app.get("/conflicts")
def _conflicts() -> Response[Any]:
    region, listing = _permitted("conflicts").region, Listing.of(_request().query)
    try:
        rows, after = region.ledger.page(listing.state, listing.limit, listing.after)
    except InvalidInput:
        raise Refused("invalidRequest", "cursor: send the next of a page") from None
    told = [
        summary(row, region.time.now_ms())
        | {"href": f"/conflicts/{quote(row.conflict_id)}?item={quote(row.item_key)}"}
        for row in rows
    ]
    following = cursor_of(after) if after else None
    return _response(Answer(200, json_text({"conflicts": told, "next": following})))


@app.get("/conflicts/<conflict_id>")
def _conflict(conflict_id: str) -> Response[Any]:
    region, item = _permitted("conflicts").region, _request().query.get("item") or None
    try:
        row = loss_named(region.ledger, conflict_id, item_key=item, most=MOST_SEARCHED)
    except InvalidInput:
        told = "there is no such conflict among the latest; name its item, as its href does"
        raise Refused("notFound", told) from None
    case = open_case(row, region.items, region.evidence, region.ledger)
    return _response(Answer(200, json_text(document(case, region.time.now_ms()))))


@app.exception_handler(NotFoundError)  # type: ignore[untyped-decorator]
def _no_route(_: NotFoundError) -> Response[Any]:
    _function().settings.access.check_open()
    event = app.current_event
    allowed = methods_of(event.path)
    if allowed and event.http_method.upper() not in allowed:
        headers = {"Allow": ", ".join(allowed)}
        raise Refused("methodNotAllowed", f"send {' or '.join(allowed)}", headers=headers)
    raise Refused("notFound", f"this API has no such path; see {DOCUMENT}")


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _failed(problem: Exception) -> Response[Any]:
    refused = refusal_of(problem, is_keyed="idempotency-key" in _request().headers)
    if refused.code == "internalError":
        raise problem  # so that its place is logged
    if REFUSALS[refused.code][0] >= 500 or refused.code == "tooManyRequests":
        _function().observability.note("refused", outcome=refused.code, error=problem)
    return _response(refused.answer())


def _request() -> Request:
    return Request.of(app.current_event.raw_event)


def _permitted(right: Right | None) -> Function:
    function = _function()
    function.settings.access.check(_request().authorizer, right)
    return function


def _checked(conditions: Conditions) -> Callable[[Image | None], Image | None]:
    def beneath(image: Image | None) -> Image | None:
        conditions.check(image)
        return image

    return beneath


def _response(answer: Answer) -> Response[Any]:
    kind = _JSON if answer.body else None
    return Response(answer.status, kind, answer.body, dict(answer.headers))
