"""HTTP requests as an HTTP API hands them to its function (payload format 2.0), and its answers.

A path arrives decoded, and ends at a decoded question mark; a body that is no text is base64.
Whoever is on this machine is its caller, known to IAM: there is nobody else to tell apart.
Limit: of stages, cookies and throttling there is nothing.
Source: API Gateway guide, "Working with AWS Lambda proxy integrations for HTTP APIs".
"""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from reconciler.local.provision import ACCOUNT

_CALLER = {
    "accountId": ACCOUNT,
    "userArn": f"arn:aws:iam::{ACCOUNT}:user/local",
    "userId": "local",
    "callerId": "local",
}
_TEXTS = ("application/javascript", "application/json", "application/xml", "text/")


def event_of(request: Request) -> dict[str, Any]:
    """Return a request as the function is told it."""
    path = request.path.partition("?")[0]
    query = {name: ",".join(values) for name, values in request.args.lists()}
    told = request.content_type or ""
    body, is_base64 = _body(request.get_data(), told)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query_string.decode("latin-1"),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        **({"queryStringParameters": query} if query else {}),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "authorizer": {"iam": _CALLER},
            "domainName": request.host,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.remote_addr or "",
                "userAgent": request.headers.get("User-Agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": time.time_ns() // 1_000_000,
        },
        **({"body": body} if body else {}),
        "isBase64Encoded": is_base64,
    }


def response_of(answer: Any) -> Response:
    """Return what a function answered; 500, as API Gateway says it, if that is no answer."""
    if not isinstance(answer, Mapping) or "statusCode" not in answer:
        return failed()
    body = answer.get("body") or ""
    data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    response = Response(data, status=answer["statusCode"])
    response.headers.remove("Content-Type")
    response.headers.update(answer.get("headers") or {})
    return response


def failed() -> Response:
    """Return API Gateway's answer for a function that did not answer."""
    text = json.dumps({"message": "Internal Server Error"})
    return Response(text, status=500, content_type="application/json")


def _body(data: bytes, kind: str) -> tuple[str, bool]:
    if kind.lower().startswith(_TEXTS):
        try:
            return data.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(data).decode(), bool(data)
