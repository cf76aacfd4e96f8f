"""A call of ours on its way through an instrumented client, and an answer as the SDK takes one."""

from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from reconciler.calls.steps import Answer, Request
from reconciler.clock import monotonic_ms


class Sent:
    """A call of ours on its way: its parameters, and what came back."""

    def __init__(self, request: Request) -> None:
        self.request, self.at_ms = request, monotonic_ms()
        self.parsed: dict[str, Any] = {}
        self.http: Any = None


def response(answer: Answer, sent: list[Sent]) -> tuple[AWSResponse, dict[str, Any]]:
    """Return an answer as the SDK takes one."""
    heard = [each.http for each in sent if each.http is not None]
    headers = heard[-1].headers if heard else HTTPHeaders()
    status = 400 if answer.code else 200
    if heard and (heard[-1].status_code >= 300) == bool(answer.code):
        status = heard[-1].status_code
    metadata = {"RetryAttempts": 0, "HTTPHeaders": dict(headers), "HTTPStatusCode": status}
    told = {**answer.parsed.get("ResponseMetadata", metadata), "HTTPStatusCode": status}
    return AWSResponse("", status, headers, None), {**answer.parsed, "ResponseMetadata": told}
