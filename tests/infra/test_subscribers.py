"""Events of parties: who may be sent them, who may make that so, and what else is as without."""

import json
from typing import Any

import pytest

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import DEAD_LETTER_RETENTION_SECONDS, stream_filters
from tests.infra.stacks import ACCOUNT, CALLBACK, REGIONS, synthesised
from tests.infra.test_permissions import granted, of_roles

EU = REGIONS[1]
NAMES = Names("parties-dev", EU, "dev")
HOOK = NAMES.hook(CALLBACK["url"])
EVENTS = f"arn:aws:events:{EU}:{ACCOUNT}"
RULES = f"{EVENTS}:rule/{NAMES.events_bus}/hub-*"
HOOKS = f"{EVENTS}:api-destination/parties-hook-*"


def only(kind: str) -> dict[str, Any]:
    (made,) = synthesised("aws-owned").all("reconciler", f"AWS::Events::{kind}").values()
    return dict(made)


def test_a_callback_is_a_destination_that_signs_in_by_a_secret_which_no_template_holds() -> None:
    connection, destination = only("Connection"), only("ApiDestination")
    assert (connection["Name"], destination["Name"]) == (HOOK, HOOK)
    key = connection["AuthParameters"]["ApiKeyAuthParameters"]
    assert key["ApiKeyName"] == "x-api-key"
    assert key["ApiKeyValue"] == "{{resolve:secretsmanager:crm/listener}}"
    assert destination["InvocationEndpoint"] == CALLBACK["url"]
    assert destination["HttpMethod"] == "POST"
    assert len(HOOK) <= 64


def test_events_of_parties_have_a_bus_of_their_own() -> None:
    names = {
        each["Name"]
        for each in synthesised("aws-owned").all("reconciler", "AWS::Events::EventBus").values()
    }
    assert names == {NAMES.bus, NAMES.events_bus}


def test_the_door_makes_rules_that_lead_to_callbacks_and_to_nothing_else() -> None:
    stated = {
        each.sid: each
        for each in of_roles("aws-owned")
        if "ApiRole" in each.holder and f"reconciler-{EU}" in each.stack
    }
    may = granted("aws-owned", "ApiRole")
    events = {action: r for action, r in may.items() if action.startswith(("events", "iam"))}
    role = events.pop("iam:PassRole")
    assert events == {
        "events:DeleteRule": [RULES],
        "events:DescribeApiDestination": [HOOKS],
        "events:PutRule": [RULES],
        "events:PutTargets": [RULES],
        "events:RemoveTargets": [RULES],
    }
    assert len(role) == 1
    assert stated["SendToCallbacks"].condition == {"ArnLike": {"events:TargetArn": HOOKS}}
    by_events = {"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}
    assert stated["HandOver"].condition == by_events


def test_events_are_delivered_by_rules_of_subscriptions_to_callbacks_and_to_nothing_else() -> None:
    may = granted("aws-owned", "SubscribersRole")
    assert list(may) == ["events:InvokeApiDestination"]
    (resource,) = may["events:InvokeApiDestination"]
    assert resource.endswith(".Arn")


@pytest.mark.parametrize("role", ["DetectRole", "ResolveRole"])
def test_detector_and_resolver_tell_subscribers_where_there_may_be_any(role: str) -> None:
    buses = [f"{EVENTS}:event-bus/{NAMES.events_bus}"]
    told = granted("aws-owned", role).get("events:PutEvents", [])
    assert set(buses) <= set(told)
    assert not [
        each for each in granted("options", role).get("events:PutEvents", []) if each in buses
    ]


def test_the_detector_reads_new_items_only_where_somebody_may_be_told() -> None:
    def filters(scene: str) -> Any:
        kind = "AWS::Lambda::EventSourceMapping"
        mappings = synthesised(scene).all("reconciler", kind).values()
        (made,) = (each for each in mappings if "StartingPosition" in each)
        told = made.get("FilterCriteria", {}).get("Filters", [])
        return [json.loads(each["Pattern"]) for each in told]

    assert filters("aws-owned") == []
    assert filters("options") == stream_filters("id")


def test_only_detector_and_resolver_are_told_to_tell() -> None:
    functions = synthesised("aws-owned").all("reconciler", "AWS::Lambda::Function").values()
    telling = {
        each["FunctionName"]
        for each in functions
        if "RECONCILER_PARTY_EVENTS" in each.get("Environment", {}).get("Variables", {})
    }
    assert telling == {NAMES.detect_function, NAMES.resolve_function}


def test_what_callbacks_do_not_take_is_kept_encrypted_and_comes_from_subscriptions_alone() -> None:
    stacks = synthesised("aws-owned")
    queue = stacks.one("reconciler", "AWS::SQS::Queue", QueueName=NAMES.hub_dlq)
    assert "PipelineKey" in queue["KmsMasterKeyId"]
    assert queue["MessageRetentionPeriod"] == DEAD_LETTER_RETENTION_SECONDS
    url = f"https://sqs.{EU}.amazonaws.com/{ACCOUNT}/{NAMES.hub_dlq}"
    policy = stacks.one("reconciler", "AWS::SQS::QueuePolicy", Queues=[url])["PolicyDocument"]
    (taken,) = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert (taken["Principal"], taken["Action"]) == (
        {"Service": "events.amazonaws.com"},
        "sqs:SendMessage",
    )
    assert taken["Condition"]["ArnEquals"] == {"aws:SourceArn": [RULES]}


def test_what_a_callback_did_not_take_is_told() -> None:
    name = f"parties-undelivered-callbacks-{EU}-dev"
    alarm = synthesised("aws-owned").one("reconciler", "AWS::CloudWatch::Alarm", AlarmName=name)
    (query,) = alarm["Metrics"]
    metric = query["MetricStat"]["Metric"]
    assert metric["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert metric["Dimensions"] == [{"Name": "QueueName", "Value": NAMES.hub_dlq}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_events_can_be_replayed_for_as_long_as_a_dead_letter_is_kept() -> None:
    bus = f"{EVENTS}:event-bus/{NAMES.events_bus}"
    archive = synthesised("aws-owned").one("reconciler", "AWS::Events::Archive", SourceArn=bus)
    assert archive["RetentionDays"] * 86_400 == DEAD_LETTER_RETENTION_SECONDS


@pytest.mark.parametrize("scene", ["three", "options", "existing"])
def test_without_callbacks_there_is_nobody_to_be_told(scene: str) -> None:
    stacks = synthesised(scene)
    for kind in ("Connection", "ApiDestination"):
        assert not stacks.all("reconciler", f"AWS::Events::{kind}")
    for queue in stacks.all("reconciler", "AWS::SQS::Queue").values():
        assert "hub" not in queue["QueueName"]
