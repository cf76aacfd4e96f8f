"""Subscriptions to events of parties through the HTTP door, up to the rules that serve them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import validate

from reconciler.api.paths import OF_HUB, PATHS
from reconciler.api.tmf632.events import EVENT_TYPES
from reconciler.api.tmf632.hub import HUB
from reconciler.aws.clients import client
from tests.aws.conftest import REGION
from tests.handlers.door import NAMES, Door
from tests.handlers.test_api import opened
from tests.handlers.test_api_party import SCHEMA

__all__ = ["opened"]

ROLE = "arn:aws:iam::123456789012:role/parties-subscribers"
CALLBACK = "https://crm.example.org/listener?tenant=1"
BOTH = "eventType=individualCreateEvent,organizationCreateEvent"


@pytest.fixture
def events(aws: None) -> Any:
    """EventBridge as a deployment leaves it: a bus, and one callback that it knows."""
    made = client("events", REGION)
    made.create_event_bus(Name=NAMES.events_bus)
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "secret"}}
    name = NAMES.hook(CALLBACK)
    connection = made.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters=key)
    made.create_api_destination(
        Name=name,
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint=CALLBACK,
        HttpMethod="POST",
    )
    return made


@pytest.fixture
def door(events: Any, opened: Callable[..., Door]) -> Door:
    return opened(RECONCILER_SCHEMA=json.dumps(SCHEMA), RECONCILER_API_EVENTS_ROLE=ROLE)


def rules(events: Any) -> list[Any]:
    found: list[Any] = events.list_rules(EventBusName=NAMES.events_bus)["Rules"]
    return found


def test_a_subscription_is_a_rule_that_sends_events_to_its_callback(
    door: Door, events: Any
) -> None:
    made = door.send("POST", HUB, {"callback": CALLBACK, "query": BOTH})
    assert made.status == 201
    place = made.headers["location"]
    assert made.document == {
        "@type": "Hub",
        "id": place.removeprefix(f"{HUB}/"),
        "href": place,
        "callback": CALLBACK,
        "query": BOTH,
    }
    (rule,) = rules(events)
    assert rule["State"] == "ENABLED"
    assert json.loads(rule["EventPattern"]) == {
        "source": ["dynamodb.reconciler"],
        "detail-type": ["individualCreateEvent", "organizationCreateEvent"],
    }
    (target,) = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=NAMES.events_bus)[
        "Targets"
    ]
    known = events.describe_api_destination(Name=NAMES.hook(CALLBACK))["ApiDestinationArn"]
    assert (target["Arn"], target["RoleArn"], target["InputPath"]) == (known, ROLE, "$.detail")


def test_what_a_callback_does_not_take_is_a_dead_letter_and_not_dropped(
    door: Door, events: Any
) -> None:
    door.send("POST", HUB, {"callback": CALLBACK})
    (rule,) = rules(events)
    (target,) = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=NAMES.events_bus)[
        "Targets"
    ]
    queue = f"arn:aws:sqs:{REGION}:123456789012:{NAMES.hub_dlq}"
    assert target["DeadLetterConfig"] == {"Arn": queue}
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86_400


def test_who_asks_for_the_same_twice_has_one_subscription(door: Door, events: Any) -> None:
    other = "eventType=organizationCreateEvent&eventType=individualCreateEvent"
    asked = [{"callback": CALLBACK, "query": each} for each in (BOTH, BOTH, other)]
    ids = {door.send("POST", HUB, each).document["id"] for each in asked}
    assert (len(ids), len(rules(events))) == (1, 1)
    everything = door.send("POST", HUB, {"callback": CALLBACK})
    assert everything.document["id"] not in ids
    patterns = [json.loads(rule["EventPattern"])["detail-type"] for rule in rules(events)]
    assert sorted(EVENT_TYPES) in patterns


def test_a_subscription_ends(door: Door, events: Any) -> None:
    place = door.send("POST", HUB, {"callback": CALLBACK}).headers["location"]
    assert door.send("DELETE", place).status == 204
    assert rules(events) == []
    for gone in (place, f"{HUB}/x", f"{HUB}/{'x' * 22}"):
        assert door.send("DELETE", gone).code == "notFound"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "body: Input should be"),
        ({}, "body.callback: Field required"),
        ({"callback": 5}, "body.callback: Input should be a valid string"),
        ({"callback": "http://crm.example.org/listener"}, "body.callback: it is an https address"),
        ({"callback": "https://x/\n"}, "body.callback: it is an https address"),
        ({"callback": "https://169.254.169.254/"}, "body.callback: the deployment knows no such"),
        ({"callback": CALLBACK + "&x=1"}, "body.callback: the deployment knows no such callback"),
        ({"callback": CALLBACK.upper()}, "body.callback: it is an https address"),
        ({"callback": CALLBACK, "query": "eventType=x"}, "body.query: there are the event types"),
        ({"callback": CALLBACK, "query": "id=p1"}, "body.query: it names event types"),
        ({"callback": CALLBACK, "query": "x"}, "body.query: it names event types"),
        ({"callback": CALLBACK, "query": 5}, "body.query: Input should be a valid string"),
    ],
)
def test_what_nobody_may_be_sent_to_is_refused(
    door: Door, events: Any, body: Any, told: str
) -> None:
    refused = door.send("POST", HUB, body)
    assert (refused.status, refused.code) == (400, "invalidRequest")
    assert told in refused.document["message"]
    assert rules(events) == []


def test_a_destination_of_this_name_and_another_address_is_none(door: Door, events: Any) -> None:
    events.update_api_destination(
        Name=NAMES.hook(CALLBACK), InvocationEndpoint="https://other.example.org/"
    )
    assert door.send("POST", HUB, {"callback": CALLBACK}).code == "invalidRequest"
    assert rules(events) == []


def test_without_subscribers_there_is_no_hub(opened: Callable[..., Door]) -> None:
    door = opened(RECONCILER_SCHEMA=json.dumps(SCHEMA))
    assert door.send("POST", HUB, {"callback": CALLBACK}).code == "notFound"
    assert door.send("DELETE", f"{HUB}/{'x' * 22}").code == "notFound"
    assert HUB not in door.get("/openapi.json").document["paths"]


def test_only_who_may_see_events_subscribes(events: Any, opened: Callable[..., Door]) -> None:
    told = {"RECONCILER_API_EVENTS_ROLE": ROLE, "RECONCILER_API_AUTHORIZER": "jwt"}
    door = opened(RECONCILER_SCHEMA=json.dumps(SCHEMA), **told)
    for scope, status in (("read", 403), ("write", 403), ("events", 201)):
        caller = {"jwt": {"claims": {"scope": f"reconciler/{scope}"}}}
        answer = door.send("POST", HUB, {"callback": CALLBACK}, authorizer=caller)
        assert answer.status == status
    assert door.send("DELETE", f"{HUB}/{'x' * 22}", authorizer={}).status == 403


def test_a_service_that_fails_is_asked_again(
    door: Door, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {"FailedEntryCount": 1, "FailedEntries": [{"ErrorCode": "ConcurrentModification"}]}
    monkeypatch.setattr(client("events", REGION), "put_targets", lambda **_: failed)
    refused = door.send("POST", HUB, {"callback": CALLBACK})
    assert (refused.status, refused.code) == (503, "unavailable")
    monkeypatch.undo()
    assert rules(events)  # without a target it sends nothing, and is done at the next attempt


def test_the_document_has_the_hub_and_what_it_sends(door: Door) -> None:
    document = door.get("/openapi.json").document
    validate(document)
    for path in OF_HUB:
        assert {method.upper() for method in document["paths"][path]} == set(PATHS[path])
    assert "callbacks" in document["paths"][HUB]["post"]
