"""Every statement of every policy: who may do what, and that nothing is a wildcard unasked."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from infra.artefact import ROOT
from infra.permissions import EXCEPTIONS
from reconciler.deployment import DEAD_LETTERS
from tests.infra.stacks import ACCOUNT, SCENES, Stacks, synthesised

EU = "eu-west-1"


class Statement(NamedTuple):
    stack: str
    holder: str
    kind: str
    sid: str
    effect: str
    actions: list[str]
    resources: list[str]
    principal: Any
    condition: Any


def several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def documents(resource: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    properties = resource.get("Properties", {})
    for name in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument"):
        if name in properties:
            yield name, properties[name]
    for policy in properties.get("Policies", []):
        yield "RolePolicy", policy["PolicyDocument"]


def statements(stacks: Stacks) -> Iterator[Statement]:
    for stack, template in stacks.templates():
        for holder, resource in template["Resources"].items():
            for kind, document in documents(resource):
                for each in document["Statement"]:
                    yield Statement(
                        stack,
                        holder,
                        kind,
                        each.get("Sid", ""),
                        each["Effect"],
                        several(each["Action"]),
                        several(each.get("Resource", [])),
                        each.get("Principal"),
                        each.get("Condition"),
                    )


def of_roles(scene: str) -> list[Statement]:
    return [each for each in statements(synthesised(scene)) if each.kind == "RolePolicy"]


def granted(scene: str, role: str) -> dict[str, list[str]]:
    """Return the resources that a function of a region may act on, by action."""
    found: dict[str, list[str]] = {}
    for each in of_roles(scene):
        if f"reconciler-{EU}" in each.stack and role in each.holder:
            for action in each.actions:
                found[action] = sorted({*found.get(action, []), *each.resources})
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_roles_get_their_rights_from_statements_here_and_from_nowhere_else(scene: str) -> None:
    for _, template in synthesised(scene).templates():
        kinds = {resource["Type"] for resource in template["Resources"].values()}
        assert kinds & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User"} == set()
        roles = [r for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
        assert all("ManagedPolicyArns" not in role["Properties"] for role in roles)


@pytest.mark.parametrize("scene", SCENES)
def test_a_role_is_for_one_function_alone(scene: str) -> None:
    for _, template in synthesised(scene).templates():
        resources = template["Resources"]
        functions = [r for r in resources.values() if r["Type"] == "AWS::Lambda::Function"]
        roles = [r for r in resources.values() if r["Type"] == "AWS::IAM::Role"]
        assert len({r["Properties"]["Role"] for r in functions}) == len(functions) == len(roles)


@pytest.mark.parametrize("scene", SCENES)
def test_a_role_may_do_named_actions_only(scene: str) -> None:
    for each in of_roles(scene):
        assert each.effect == "Allow"
        assert not any("*" in action for action in each.actions), each


@pytest.mark.parametrize("scene", SCENES)
def test_a_role_s_resources_are_named_or_their_exception_is_listed(scene: str) -> None:
    for each in of_roles(scene):
        if any("*" in resource for resource in each.resources):
            assert each.sid in EXCEPTIONS, each


def test_every_listed_exception_is_used() -> None:
    used = {
        each.sid
        for scene in SCENES
        for each in of_roles(scene)
        if any("*" in resource for resource in each.resources)
    }

    assert used == set(EXCEPTIONS)


def test_only_what_has_no_resources_to_name_is_allowed_on_all() -> None:
    on_all = {a for each in of_roles("options") if "*" in each.resources for a in each.actions}

    traces = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert on_all == {"dynamodb:ListStreams"} | traces


def test_a_key_is_used_through_the_services_of_its_region_only() -> None:
    used = [each for each in of_roles("three") if each.sid == "UseKeys"]

    assert used
    for each in used:
        region = each.stack.removeprefix("parties-reconciler-")
        services = [f"{name}.{region}.amazonaws.com" for name in ("dynamodb", "sqs", "s3")]
        assert each.condition == {"StringEquals": {"kms:ViaService": services}}


def test_the_detector_may_read_its_stream_record_send_park_and_no_more() -> None:
    bucket = "arn:aws:s3:::parties-evidence-eu-west-1"
    may = granted("three", "DetectRole")

    assert {action: r for action, r in may.items() if not action.startswith(("kms", "logs"))} == {
        "dynamodb:DescribeStream": ["looked-up:Table.LatestStreamArn"],
        "dynamodb:GetRecords": ["looked-up:Table.LatestStreamArn"],
        "dynamodb:GetShardIterator": ["looked-up:Table.LatestStreamArn"],
        "dynamodb:ListStreams": ["*"],
        "dynamodb:BatchWriteItem": [
            f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties-ledger-eu-west-1"
        ],
        "events:PutEvents": [
            f"arn:aws:events:{EU}:{ACCOUNT}:event-bus/parties-conflicts-eu-west-1"
        ],
        "s3:PutObject": [f"{bucket}/aws/lambda/*", f"{bucket}/conflicts/*"],
        "s3:ListBucket": [bucket],
        "sqs:SendMessage": [f"arn:aws:sqs:{EU}:{ACCOUNT}:parties-parked-eu-west-1"],
    }


def test_the_resolver_may_write_the_table_and_read_no_stream() -> None:
    may = granted("three", "ResolveRole")

    table = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"
    assert may["dynamodb:GetItem"] == may["dynamodb:PutItem"] == [table]
    assert may["dynamodb:Query"] == may["dynamodb:BatchWriteItem"] == [f"{table}-ledger-{EU}"]
    queues = [f"arn:aws:sqs:{EU}:{ACCOUNT}:parties-{name}-{EU}" for name in ("resolve", "witness")]
    assert may["sqs:ReceiveMessage"] == may["sqs:DeleteMessage"] == queues
    assert not {"dynamodb:GetRecords", "events:PutEvents", "dynamodb:DeleteItem"} & set(may)


def test_the_redrive_may_empty_the_dead_letter_queues_and_no_other() -> None:
    may = granted("options", "RedriveRole")

    ends = {resource.rpartition(":parties-")[2] for resource in may["sqs:DeleteMessage"]}
    assert ends == {f"{each}-{EU}" for each in DEAD_LETTERS}
    bucket = "arn:aws:s3:::parties-evidence-eu-west-1"
    assert may["s3:DeleteObject"] == [
        f"{bucket}/aws/lambda/*",
        f"{bucket}/redriven/aws/lambda/*",
    ]
    ledger = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties-ledger-eu-west-1"
    assert may["dynamodb:Query"] == [ledger, f"{ledger}/index/by-state"]


def test_every_call_of_the_functions_adapters_is_allowed_to_one_of_them() -> None:
    by_people = {"StartMessageMoveTask", "TransactWriteItems"}
    unlike_their_call = {"ListObjectsV2": "ListBucket", "CopyObject": "PutObject"}
    made = {
        unlike_their_call.get(call, call)
        for path in (ROOT / "reconciler" / "aws").glob("*.py")
        for call in re.findall(r"(?:idempotent|translated)\(f?\"(\w+)", path.read_text())
    }
    roles = ("DetectRole", "ResolveRole", "RedriveRole")
    allowed = {a.partition(":")[2] for role in roles for a in granted("options", role)}

    assert {"PutItem", "PutEvents", "GetRecords", "ReceiveMessage"} <= made
    assert made - by_people - allowed == set()


def test_an_existing_table_s_key_is_used_if_it_is_named() -> None:
    may = granted("existing", "Role")

    assert f"arn:aws:kms:{EU}:{ACCOUNT}:key/mrk-1" in may["kms:Decrypt"]
    [key] = granted("aws-owned", "DetectRole")["kms:Decrypt"]
    assert "PipelineKey" in key


@pytest.mark.parametrize("scene", SCENES)
def test_roles_are_assumed_by_lambda_alone(scene: str) -> None:
    trusted = [s for s in statements(synthesised(scene)) if s.kind == "AssumeRolePolicyDocument"]

    assert trusted
    assert all(each.principal == {"Service": "lambda.amazonaws.com"} for each in trusted)


def test_every_queue_and_the_bucket_refuse_plain_http() -> None:
    stacks = synthesised("three")
    policies = [s for s in statements(stacks) if s.kind == "PolicyDocument" and EU in s.stack]

    refused = {r for s in policies if s.sid == "RefusesPlainHttp" for r in s.resources}
    queues = stacks.all("reconciler", "AWS::SQS::Queue").values()
    bucket = "arn:aws:s3:::parties-evidence-eu-west-1"
    assert refused == {
        bucket,
        f"{bucket}/*",
        *(f"arn:aws:sqs:{EU}:{ACCOUNT}:{queue['QueueName']}" for queue in queues),
    }
    for each in policies:
        if each.effect == "Deny":
            assert each.condition == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_queue_takes_messages_only_from_what_belongs_there() -> None:
    policies = statements(synthesised("three"))
    allowed = {
        each.resources[0].rpartition(":")[2]: each
        for each in policies
        if each.kind == "PolicyDocument" and each.effect == "Allow" and EU in each.stack
    }

    rule = f"arn:aws:events:{EU}:{ACCOUNT}:rule/parties-conflicts-{EU}/"
    sources = {name: each.condition["ArnEquals"]["aws:SourceArn"] for name, each in allowed.items()}
    assert sources == {
        "parties-resolve-eu-west-1": [f"{rule}home"],
        "parties-witness-eu-west-1": [f"{rule}witness"],
        "parties-rules-dlq-eu-west-1": [f"{rule}home", f"{rule}witness"],
        "parties-stream-dlq-eu-west-1": ["arn:aws:s3:::parties-evidence-eu-west-1"],
    }
    for each in allowed.values():
        assert each.actions == ["sqs:SendMessage"]
        assert each.condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_a_key_s_policy_lets_the_account_grant_and_services_fill_queues_of_the_account() -> None:
    for each in (s for s in statements(synthesised("three")) if s.kind == "KeyPolicy"):
        if each.sid == "AccountGrantsByIam":
            assert each.principal == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            continue
        assert each.principal["Service"] in ("events.amazonaws.com", "s3.amazonaws.com")
        assert each.actions == ["kms:Decrypt", "kms:GenerateDataKey"]
        assert each.condition == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
