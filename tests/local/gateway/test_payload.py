"""What a function is told of a request, and what becomes of its answer."""

import base64
import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from reconciler.api.access import Access
from reconciler.api.requests import Request as Told
from reconciler.local.gateway.payload import event_of, response_of


def event(path: str, **more: Any) -> dict[str, Any]:
    return event_of(Request(EnvironBuilder(path=path, **more).get_environ()))


def test_a_path_arrives_decoded_and_ends_at_a_decoded_question_mark() -> None:
    told = event("/items/a%20b%3Fc")

    assert told["rawPath"] == told["requestContext"]["http"]["path"] == "/items/a b"


def test_headers_have_small_letters_and_a_query_names_each_parameter_once() -> None:
    headers = {"Idempotency-Key": "k", "If-Match": '"a"'}
    told = event("/conflicts", query_string="state=OPEN&state=PARKED", headers=headers)

    assert told["headers"]["idempotency-key"] == "k"
    assert told["queryStringParameters"] == {"state": "OPEN,PARKED"}
    assert told["rawQueryString"] == "state=OPEN&state=PARKED"


@pytest.mark.parametrize(
    ("data", "kind", "is_base64"),
    [
        (b'{"key": {}}', "application/json", False),
        (b'{"key": {}}', "application/merge-patch+json", True),
        (b"\xff", "application/json", True),
        (b"", "application/json", False),
    ],
)
def test_a_body_is_text_or_base64_and_the_door_reads_both(
    data: bytes, kind: str, is_base64: bool
) -> None:
    told = event("/write", method="POST", data=data, content_type=kind)

    assert told["isBase64Encoded"] == is_base64
    assert Told.of(told)._bytes() == data


def test_whoever_is_on_this_machine_is_a_caller_known_to_iam() -> None:
    Access("iam").check(Told.of(event("/write", method="POST")).authorizer, "write")


def test_an_answer_keeps_its_status_its_headers_and_its_body() -> None:
    headers = {"Content-Type": "application/json", "ETag": '"a"'}
    response = response_of({"statusCode": 200, "headers": headers, "body": "{}"})

    assert (response.status_code, response.get_data()) == (200, b"{}")
    assert (response.headers["ETag"], response.content_type) == ('"a"', "application/json")


def test_an_answer_in_base64_is_decoded_and_one_without_a_body_says_no_type() -> None:
    body = base64.b64encode(b"\x00\xff").decode()
    response = response_of({"statusCode": 200, "body": body, "isBase64Encoded": True})
    empty = response_of({"statusCode": 204, "body": ""})

    assert response.get_data() == b"\x00\xff"
    assert empty.status_code == 204
    assert "Content-Type" not in empty.headers


@pytest.mark.parametrize("answer", [None, "text", {"body": "no status"}])
def test_what_is_no_answer_is_an_error_as_api_gateway_says_it(answer: Any) -> None:
    response = response_of(answer)

    assert response.status_code == 500
    assert json.loads(response.get_data()) == {"message": "Internal Server Error"}
