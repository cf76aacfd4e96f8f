"""The conflict handler under the contract of AppSync: an invocation in, an action out."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from handlers import appsync
from handlers.settings import function_settings
from reconciler.deployment.wiring import function_environment
from reconciler.errors import InvalidInput
from tests.handlers.conftest import NAMES, Context

SCHEMA = {
    "table": "post-table",
    "key": ["id"],
    "attributes": {"comments": "set_aw", "rating": "register_max", "likes": "counter_pn"},
}
# As AppSync's documentation shows an invocation.
INVOCATION: dict[str, Any] = {
    "newItem": {
        "id": "1",
        "author": "Jeff",
        "title": "Foo Bar",
        "rating": 5,
        "comments": ["hello world"],
    },
    "existingItem": {"id": "1", "author": "Foo", "rating": 7, "comments": ["old comment"]},
    "arguments": {
        "id": "1",
        "author": "Jeff",
        "title": "Foo Bar",
        "comments": ["hello world"],
    },
    "resolver": {
        "tableName": "post-table",
        "awsRegion": "us-west-2",
        "parentType": "Mutation",
        "field": "updatePost",
        "outputType": "Post",
    },
    "identity": {
        "accountId": "123456789012",
        "sourceIp": "192.0.2.1",
        "username": "AIDAAAAAAAAAAAAAAAAAA",
        "userArn": "arn:aws:iam::123456789012:user/appsync",
    },
}
MERGED = {
    "id": "1",
    "author": "Jeff",
    "title": "Foo Bar",
    "rating": 7,
    "comments": ["old comment", "hello world"],
}
Ask = Callable[..., Any]


@pytest.fixture
def ask(fresh_functions: None, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that asks the handler, in an environment of its own."""
    environment = function_environment(NAMES, parked_queue_url="http://queue") | {
        "AWS_REGION": "us-west-2",
        "RECONCILER_TABLE": "post-table",
        "RECONCILER_SCHEMA": json.dumps(SCHEMA),
    }

    def asked(event: Any, **changed: str) -> Any:
        for name, value in {**environment, **changed}.items():
            monkeypatch.setenv(name, value)
        appsync._function.cache_clear()
        function_settings.cache_clear()
        return json.loads(json.dumps(appsync.handler(event, Context())))

    return asked


def test_the_documented_invocation_is_resolved_by_types(ask: Ask) -> None:
    assert ask(INVOCATION) == {"action": "RESOLVE", "item": MERGED}


def test_the_documented_invocation_is_resolved_as_automerge_does(ask: Ask) -> None:
    answer = ask(INVOCATION, RECONCILER_APPSYNC_POLICY="automerge")
    assert answer == {"action": "RESOLVE", "item": {**MERGED, "author": "Foo"}}


def test_what_is_not_known_is_rejected_and_only_a_log_with_items_says_why(
    ask: Ask, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = {**INVOCATION, "newItem": {**INVOCATION["newItem"], "likes": 3}}
    counted["existingItem"] = {**INVOCATION["existingItem"], "likes": 4}
    assert ask(counted) == {"action": "REJECT"}
    assert "likes" not in caplog.text + capsys.readouterr().out
    assert "reasons" not in caplog.records[-1].__dict__
    assert caplog.records[-1].__dict__["outcome"] == "REJECT"
    ask(counted, RECONCILER_LOG_ITEMS="on")
    assert "what was added" in caplog.records[-1].__dict__["reasons"]["likes"]


def test_a_delete_of_an_item_that_was_updated_meanwhile(ask: Ask) -> None:
    deleting = {**INVOCATION, "newItem": None, "arguments": {"id": "1"}}
    assert ask(deleting) == {"action": "REJECT"}
    schema = json.dumps({**SCHEMA, "delete": "delete_wins"})
    assert ask(deleting, RECONCILER_SCHEMA=schema) == {"action": "REMOVE"}


def test_a_conflict_of_another_table_is_an_error_which_appsync_tells_its_client(ask: Ask) -> None:
    other = {**INVOCATION, "resolver": {"tableName": "others"}}
    with pytest.raises(InvalidInput):
        ask(other)


def test_a_policy_that_there_is_not_is_named(ask: Ask) -> None:
    with pytest.raises(InvalidInput, match="RECONCILER_APPSYNC_POLICY is 'newest'; it is 'types'"):
        ask(INVOCATION, RECONCILER_APPSYNC_POLICY="newest")
