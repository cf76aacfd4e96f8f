"""The HTTP door, from the request as API Gateway hands it over to the table and back."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.aws import connect, incarnation
from reconciler.deployment.wiring import function_environment
from reconciler.item.schema import Schema
from tests.aws.conftest import REGION
from tests.handlers.door import NAMES, SCHEMA, Answered, Door, assign, increment, uuid7

ADA = assign("name", "Ada")


@pytest.fixture
def opened(
    aws: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Door]:
    """Return a function that opens the door, with other variables if it is told."""

    def open_door(**variables: str) -> Door:
        told = function_environment(NAMES, parked_queue_url="http://queue")
        known = {"RECONCILER_SCHEMA": json.dumps(SCHEMA), "RECONCILER_API_AUTHORIZER": "iam"}
        for name, value in {**told, **known, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("RECONCILER_TRACING", raising=False)
        return Door()

    return open_door


@pytest.fixture
def door(opened: Callable[..., Door]) -> Door:
    return opened()


def test_an_edit_is_answered_with_the_item_as_written_and_its_tag(door: Door) -> None:
    written = door.write(ADA, increment("loyalty", 25), assign(["address", "city"], "London"))
    assert written.status == 200
    assert written.document == {
        "id": "p1",
        "name": "Ada",
        "loyalty": 25,
        "address": {"city": "London"},
    }
    read = door.get("/items/p1")
    assert (read.status, read.document) == (200, written.document)
    assert read.etag == written.etag
