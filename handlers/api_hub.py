"""The HTTP door's routes of TMF632's hub: who wants to be told of parties, and where."""

import re
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from handlers.api_function import Function, function, permitted, response
from reconciler.api.answers import Answer, Refused
from reconciler.api.requests import Request
from reconciler.api.tmf632.hub import HUB, subscription_in
from reconciler.aws.hub import EventBridgeHub
from reconciler.text.plain_json import json_text

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
router = Router()  # type: ignore[no-untyped-call]


@router.post(HUB)
def _subscribe() -> Response[Any]:
    request = _request()
    _opened(request)
    asked = subscription_in(request.document())
    if not _hub().subscribe(asked.identifier, asked.callback, asked.pattern()):
        raise Refused("invalidRequest", "body.callback: the deployment knows no such callback")
    told = asked.shown()
    return response(Answer(201, json_text(told), {"Location": told["href"]}))


@router.delete(f"{HUB}/<identifier>")
def _unsubscribe(identifier: str) -> Response[Any]:
    _opened(_request())
    if not _IDENTIFIER.fullmatch(identifier) or not _hub().unsubscribe(identifier):
        raise Refused("notFound", "there is no such subscription in this region")
    return response(Answer(204))


def _request() -> Request:
    return Request.of(router.current_event.raw_event)


def _opened(request: Request) -> Function:
    kept = permitted(request, "events")
    if not kept.settings.events_role:
        raise Refused("notFound", "the deployment has no subscribers")
    return kept


@cache
def _hub() -> EventBridgeHub:
    kept = function()
    role = kept.settings.events_role
    return EventBridgeHub(kept.settings.names, role, kept.region.client("events"))
