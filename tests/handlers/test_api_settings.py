"""The environment of the HTTP door."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from handlers.api_settings import api_settings
from reconciler.errors import InvalidInput
from tests.handlers.test_settings import ENVIRONMENT

SCHEMA = {"table": "parties", "key": ["id"], "attributes": {"loyalty": "counter_pn"}}


@pytest.fixture(autouse=True)
def environment(fresh_functions: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "RECONCILER_SCHEMA": json.dumps(SCHEMA)}.items():
        monkeypatch.setenv(name, value)


def test_what_is_not_said_has_its_default_and_nothing_is_open() -> None:
    settings = api_settings()
    assert settings.item_schema.type_at(("loyalty",)) == "counter_pn"
    assert (settings.keys.names, settings.keys.kinds) == (("id",), ("S",))
    assert settings.access.authorizer == "none"
    assert settings.access.scope_prefix == "reconciler/"
    assert settings.keys_required is False


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"RECONCILER_SCHEMA": ""}, "RECONCILER_SCHEMA is not set"),
        ({"RECONCILER_SCHEMA": "{"}, "environment: RECONCILER_SCHEMA: '{' is no JSON"),
        ({"RECONCILER_SCHEMA": "[]"}, "environment: RECONCILER_SCHEMA is no JSON object"),
        ({"RECONCILER_SCHEMA": '{"table": "parties"}'}, "invalid schema: key: Field required"),
        (
            {"RECONCILER_SCHEMA": json.dumps({**SCHEMA, "table": "orders"})},
            "RECONCILER_SCHEMA is of another table",
        ),
        (
            {"RECONCILER_SCHEMA": json.dumps({**SCHEMA, "key_lifetime_minutes": 2_000})},
            "keys of RECONCILER_SCHEMA live longer",
        ),
        ({"RECONCILER_KEY_TYPES": "X"}, "RECONCILER_KEY_TYPES is 'X'; it lists the type"),
        ({"RECONCILER_KEY_TYPES": "S,N"}, "RECONCILER_KEY_TYPES lists 2 of 1 types"),
        ({"RECONCILER_API_AUTHORIZER": "open"}, "it is 'iam', 'jwt' or 'none'"),
        ({"RECONCILER_API_KEYS_REQUIRED": "yes"}, "it is 'on' or 'off'"),
        ({"RECONCILER_API_INDEXES": "{}"}, "RECONCILER_API_INDEXES is {}; it is a JSON list of"),
        ({"RECONCILER_API_INDEXES": "x"}, "RECONCILER_API_INDEXES is 'x'; it is a JSON list of"),
        ({"RECONCILER_API_INDEXES": '[{"name": "a"}]'}, "RECONCILER_API_INDEXES names"),
    ],
)
def test_a_mistake_is_told_with_its_variable(
    said: Mapping[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput) as caught:
        api_settings()
    assert told in str(caught.value)
