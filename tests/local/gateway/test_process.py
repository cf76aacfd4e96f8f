"""The port of a door: who is let in, and what a function that fails looks like."""

import json
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from reconciler.local.gateway.process import Gateway
from reconciler.local.worker.lambda_runtime import LambdaFunction

ASKED: list[dict[str, Any]] = []


def answering(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer that all is well."""
    ASKED.append(event)
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"}


def failing(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Fail, whatever comes."""
    raise ValueError("not today")


def send(handler: str, method: str = "POST", **more: Any) -> TestResponse:
    ASKED.clear()
    function = LambdaFunction(f"{__name__}:{handler}", name="parties-api", region="us-east-1")
    base = {"base_url": "http://127.0.0.1:4778", **more}
    return Client(Gateway(function)).open("/write", method=method, **base)


@pytest.mark.parametrize("host", ["127.0.0.1:4778", "localhost:4778"])
def test_a_program_on_this_machine_is_answered(host: str) -> None:
    assert send("answering", base_url=f"http://{host}").status_code == 200
    assert [each["rawPath"] for each in ASKED] == ["/write"]


@pytest.mark.parametrize(
    "of_a_page",
    [
        {"headers": {"Origin": "https://example.com"}},
        {"headers": {"Origin": "http://127.0.0.1:4778"}},
        {"base_url": "http://rebound.example.com:4778"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "OPTIONS"])
def test_a_page_of_a_browser_is_refused_whatever_it_sends(
    of_a_page: dict[str, Any], method: str
) -> None:
    refused = send("answering", method, **of_a_page)

    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert ASKED == []
    assert json.loads(refused.get_data())["code"] == "forbidden"


def test_a_function_that_fails_is_an_error_that_tells_nothing() -> None:
    failed = send("failing")

    assert failed.status_code == 500
    assert json.loads(failed.get_data()) == {"message": "Internal Server Error"}
