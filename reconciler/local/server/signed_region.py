"""Requests signed for a region that this cloud does not have: they are refused, as AWS does.

moto would answer for any region that AWS has, as if nothing were there, and break over others.
Source: IAM guide, "Elements of an AWS API request signature" (the credential scope).
"""

import re
from collections.abc import Collection, Mapping
from typing import Any
from xml.sax.saxutils import escape

from reconciler.local.server.answers import Answer, document

_SCOPE = re.compile(r"Credential=[^,]*/[0-9]{8}/([^/,]+)/([^/,]+)/aws4_request")
_CODE = "InvalidSignatureException"


def refusal(environ: Mapping[str, Any], regions: Collection[str]) -> Answer | None:
    """Return the answer that names the region, or None for a request that may go on."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if scope is None or scope[1] in regions:
        return None
    message = f"this local cloud has no region {scope[1]}; it has {', '.join(sorted(regions))}"
    if scope[2] != "s3":
        return document(400, {"__type": _CODE, "message": message}, "application/x-amz-json-1.0")
    text = f"<Error><Code>{_CODE}</Code><Message>{escape(message)}</Message></Error>".encode()
    headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))]
    return Answer("400 -", headers, text)
