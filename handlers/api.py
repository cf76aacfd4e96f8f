"""Lambda entry point of the HTTP door: the table, for clients in any language.

Event source: an API Gateway HTTP API, payload format 2.0, with an IAM or JWT authorizer on every
route but those of health. What each request and answer is, `/openapi.json` says.
"""

from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from handlers import api_hub, api_party
from handlers.api_function import JSON, Function, checked, function, permitted, response
from handlers.tracing import traced
from reconciler.api.access import Right
from reconciler.api.answers import DOCUMENT, REFUSALS, Answer, Refused, refusal_of
from reconciler.api.conditions import Conditions, once_in
from reconciler.api.document import openapi
from reconciler.api.health import verdict
from reconciler.api.items import item_answer, transaction_answer, written_answer
from reconciler.api.listing import Listing, cursor_of
from reconciler.api.operations import Guard
from reconciler.api.paths import methods_of
from reconciler.api.requests import Request
from reconciler.api.writes import ItemWrite, payload_of, writes_in
from reconciler.errors import InvalidInput
from reconciler.feed.case import document, open_case
from reconciler.feed.rows import loss_named, summary
from reconciler.text.plain_json import json_text

MOST_SEARCHED = 1_000  # rows of a state, for a loss that is named without its item


app = APIGatewayHttpResolver(debug=False)  # in debug mode it answers with tracebacks


app.include_router(api_party.router)
app.include_router(api_hub.router)


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request."""
    try:
        with function().observability.invocation(context):
            return app.resolve(event, context)
    except Exception as problem:  # it is logged, as far as it may be
        answer = refusal_of(problem, is_keyed=False).answer()
        headers = {**answer.headers, "Content-Type": JSON}
        return {"statusCode": answer.status, "body": answer.body, "headers": headers}


@app.get("/health/live")
def _live() -> Response[Any]:
    return response(Answer(200, '{"health": "live"}', {"Cache-Control": "no-store"}))


@app.get("/health")
def _health() -> Response[Any]:
    # Open to everybody once the door is: checks that route traffic cannot sign.
    kept = function()
    kept.settings.access.check_open()
    return response(verdict(kept.looking.facts(), kept.settings.region))


@app.get("/openapi.json")
def _openapi() -> Response[Any]:
    settings = _permitted(None).settings
    guard = Guard(settings.authorizer, settings.scope_prefix)
    has_hub = bool(settings.events_role)
    told = openapi(settings.item_schema, settings.keys, guard, settings.indexes, has_hub=has_hub)
    return response(Answer(200, json_text(told)))


@app.post("/write")
def _write() -> Response[Any]:
    kept, request = _permitted("write"), _request()
    asked = writes_in(request.document(), kept.settings.keys)
    required = kept.settings.keys_required
    once = once_in(request.headers, payload_of(asked), is_required=required)
    conditions = Conditions.of(request.headers)
    if isinstance(asked, ItemWrite):
        beneath = checked(conditions) if conditions.are_given else None
        written = kept.table.carry_out(asked.key, asked.change, beneath, once=once)
        return response(written_answer(written))
    if conditions.are_given:
        raise Refused("invalidRequest", "If-Match, If-None-Match: they are for one item")
    changes = [(each.key, each.change) for each in asked.writes]
    several = kept.table.transact(changes, once=once)
    return response(transaction_answer([each.key for each in asked.writes], several))


@app.get("/items/<partition>")
def _item_of_one(partition: str) -> Response[Any]:
    return _item(partition)


@app.get("/items/<partition>/<sort>")
def _item_of_two(partition: str, sort: str) -> Response[Any]:
    return _item(partition, sort)


def _item(*segments: str) -> Response[Any]:
    kept, conditions = _permitted("read"), Conditions.of(_request().headers)
    try:
        key = kept.settings.keys.of_segments(segments)
    except InvalidInput as problem:
        raise Refused("invalidRequest", f"path: {problem}") from None
    return response(item_answer(kept.table.image(key), conditions))


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
    return response(Answer(200, json_text({"conflicts": told, "next": following})))


@app.get("/conflicts/<conflict_id>")
def _conflict(conflict_id: str) -> Response[Any]:
    region, item = _permitted("conflicts").region, _request().query.get("item") or None
    try:
        row = loss_named(region.ledger, conflict_id, item_key=item, most=MOST_SEARCHED)
    except InvalidInput:
        told = "there is no such conflict among the latest; name its item, as its href does"
        raise Refused("notFound", told) from None
    case = open_case(row, region.items, region.evidence, region.ledger)
    return response(Answer(200, json_text(document(case, region.time.now_ms()))))


@app.exception_handler(NotFoundError)  # type: ignore[untyped-decorator]
def _no_route(_: NotFoundError) -> Response[Any]:
    function().settings.access.check_open()
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
        function().observability.note("refused", outcome=refused.code, error=problem)
    return response(refused.answer())


def _request() -> Request:
    return Request.of(app.current_event.raw_event)


def _permitted(right: Right | None) -> Function:
    return permitted(_request(), right)
