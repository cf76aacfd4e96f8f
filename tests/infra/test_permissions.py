"""Every statement of every policy: who may do what, and that nothing is a wildcard unasked."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from infra.artefact import ROOT
from infra.permissions import EXCEPTIONS
from reconciler.deployment.names import DEAD_LETTERS
from tests.infra.stacks import ACCOUNT, SCENES, Stacks, synthesised

EU = "eu-west-1"
INTERFACES = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


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


class User(NamedTuple):
    """Which property names a role, which service assumes it, and for which resource alone."""

    property: str
    service: str
    source: str = ""


USERS = {
    "AWS::Lambda::Function": User("Role", "lambda"),
    "AWS::StepFunctions::StateMachine": User("RoleArn", "states", "stateMachine:parties-"),
    "AWS::EC2::FlowLog": User("DeliverLogsPermissionArn", "vpc-flow-logs", "vpc-flow-log/*"),
    "AWS::FIS::ExperimentTemplate": User("RoleArn", "fis", ":experiment/*"),
    "AWS::S3::Bucket": User("ReplicationConfiguration", "s3"),
    "a subscription's rule": User("RoleArn", "events", "/hub-*"),  # made at run time
}


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
        assert kinds & {"AWS::IAM::Policy", "AWS::IAM::User"} == set()
        roles = [r for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
        assert all("ManagedPolicyArns" not in role["Properties"] for role in roles)


@pytest.mark.parametrize("scene", SCENES)
def test_a_role_is_for_one_function_workflow_or_log_alone(scene: str) -> None:
    for _, template in synthesised(scene).templates():
        resources = template["Resources"].values()
        held = [
            r["Properties"].get(USERS[r["Type"]].property) for r in resources if r["Type"] in USERS
        ]
        users = [each["Role"] if isinstance(each, dict) else each for each in held if each]
        roles = [
            r
            for r in resources
            # A role that has a name is used by what is made at run time.
            if r["Type"] == "AWS::IAM::Role" and "RoleName" not in r["Properties"]
        ]
        assert len(set(users)) == len(users) == len(roles)


@pytest.mark.parametrize("scene", SCENES)
def test_a_role_may_do_named_actions_only(scene: str) -> None:
    for each in of_roles(scene):
        assert each.effect == "Allow" or each.sid == "CodeAttachesNothing"
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
    on_all: dict[str, set[str]] = {}
    for each in of_roles("options"):
        if "*" in each.resources:
            on_all.setdefault(each.sid, set()).update(each.actions)

    traces, deliveries = on_all.pop("SendTraces"), on_all.pop("DeliverLogs")
    assert on_all == {
        "CodeAttachesNothing": INTERFACES,
        "FindTables": {"tag:GetResources"},
        "FindPrefixLists": {"ec2:DescribeManagedPrefixLists"},
        "FindStreams": {"dynamodb:ListStreams"},
        "LambdaAttaches": INTERFACES,
        "ReadMetrics": {"cloudwatch:GetMetricData"},
    }
    assert {action.partition(":")[0] for action in traces} == {"xray"}
    assert deliveries == {
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    }


def test_lambda_may_attach_a_function_to_the_network_and_the_function_s_code_may_not() -> None:
    by_sid = {
        (each.stack, each.holder, each.sid): each
        for each in of_roles("options")
        if each.sid in ("LambdaAttaches", "CodeAttachesNothing")
    }

    for (stack, holder, _), each in by_sid.items():
        denied = by_sid[stack, holder, "CodeAttachesNothing"]
        assert (denied.effect, denied.resources) == ("Deny", ["*"])
        assert set(each.actions) == set(denied.actions) == INTERFACES
        name = holder.removeprefix("Reconciler").partition("Role")[0].lower()
        region = stack.removeprefix("parties-reconciler-")
        own = f"arn:aws:lambda:{region}:{ACCOUNT}:function:parties-{name}-{region}"
        assert denied.condition == {"ArnEquals": {"lambda:SourceFunctionArn": own}}
    assert len(by_sid) >= 2 * 2 * 4
    assert not any(each.sid == "LambdaAttaches" for each in of_roles("three"))


def test_a_key_is_used_through_the_services_of_its_region_only() -> None:
    through = {"UseKeys": ("dynamodb", "sqs", "s3"), "ReadByKey": ("dynamodb",)}
    used = [each for each in of_roles("three") if each.sid in through]

    assert {each.sid for each in used} == set(through)
    for each in used:
        region = each.stack.removeprefix("parties-reconciler-")
        services = [f"{name}.{region}.amazonaws.com" for name in through[each.sid]]
        assert each.condition == {"StringEquals": {"kms:ViaService": services}}


def test_the_detector_may_read_its_stream_record_send_park_and_no_more() -> None:
    bucket = "arn:aws:s3:::parties-evidence-eu-west-1"
    may = granted("three", "DetectRole")

    assert {action: r for action, r in may.items() if not action.startswith(("kms", "logs"))} == {
        "dynamodb:DescribeStream": ["looked-up:Table.LatestStreamArn"],
        "dynamodb:GetRecords": ["looked-up:Table.LatestStreamArn"],
        "dynamodb:GetShardIterator": ["looked-up:Table.LatestStreamArn"],
        "dynamodb:ListStreams": ["*"],
        "dynamodb:DescribeTable": [f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"],
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
    # To know which replicas there are, made anew or not, it asks each of its own region.
    everywhere = f"arn:aws:dynamodb:*:{ACCOUNT}:table/parties"
    assert may["dynamodb:DescribeTable"] == [everywhere, table]
    assert may["dynamodb:Query"] == may["dynamodb:BatchWriteItem"] == [f"{table}-ledger-{EU}"]
    queues = [f"arn:aws:sqs:{EU}:{ACCOUNT}:parties-{name}-{EU}" for name in ("resolve", "witness")]
    assert may["sqs:ReceiveMessage"] == may["sqs:DeleteMessage"] == queues
    assert not {"dynamodb:GetRecords", "events:PutEvents", "dynamodb:DeleteItem"} & set(may)


def test_the_redrive_may_empty_the_dead_letter_queues_and_no_other() -> None:
    may = granted("options", "RedriveRole")

    ends = {resource.rpartition(":parties-")[2] for resource in may["sqs:DeleteMessage"]}
    assert ends == {f"{each}-{EU}" for each in DEAD_LETTERS}
    bucket = "arn:aws:s3:::parties-evidence-eu-west-1"
    waiting, redriven = f"{bucket}/aws/lambda/*", f"{bucket}/redriven/aws/lambda/*"
    evidence = f"{bucket}/conflicts/*"
    assert may["s3:DeleteObject"] == [waiting]
    assert may["s3:PutObject"] == [evidence, redriven]
    assert may["s3:GetObject"] == [waiting, evidence, redriven]
    ledger = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties-ledger-eu-west-1"
    assert may["dynamodb:Query"] == [ledger, f"{ledger}/index/by-state"]


def test_the_gauge_may_count_the_ledger_s_rows_and_no_more() -> None:
    may = granted("three", "GaugeRole")

    index = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties-ledger-eu-west-1/index/by-state"
    assert {action: r for action, r in may.items() if not action.startswith(("kms", "logs"))} == {
        "dynamodb:Query": [index]
    }


def test_the_gauge_may_decrypt_the_ledger_and_no_more_by_no_other_key() -> None:
    may = granted("three", "GaugeRole")

    assert {action for action in may if action.startswith("kms")} == {
        "kms:Decrypt",
        "kms:DescribeKey",
    }
    [key] = may["kms:Decrypt"]
    assert "PipelineKey" in key


@pytest.mark.parametrize("scene", SCENES)
def test_evidence_is_read_and_written_in_a_bucket_of_this_account_only(scene: str) -> None:
    used = [s for s in of_roles(scene) if any(a.startswith("s3:") for a in s.actions)]

    assert {each.sid for each in used} >= {"SetAsideBatches", "KeepEvidence", "ReadEvidence"}
    for each in used:
        assert each.condition == {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}, each


def test_every_call_of_the_functions_adapters_is_allowed_to_one_of_them() -> None:
    in_drills = {"CreateExperimentTemplate", "DeleteExperimentTemplate", "DescribeTable"}
    in_drills |= {"GetExperiment", "StartExperiment", "StopExperiment"}
    by_people = {
        "Scan",
        "DeleteItem",
        "GetMetricData",
        "StartMessageMoveTask",
        "TransactWriteItems",
    } | in_drills
    unlike_their_call = {"ListObjectsV2": "ListBucket", "CopyObject": "PutObject"}
    unlike_their_call |= {"HeadObject": "GetObject", "SendMessageBatch": "SendMessage"}
    unlike_their_call |= {"BatchExecuteStatement": "PartiQLInsert"}
    made = {
        unlike_their_call.get(call, call)
        for path in (*(ROOT / "reconciler" / "aws").glob("*.py"), *(ROOT / "handlers").glob("*.py"))
        for call in re.findall(r"(?:idempotent|translated)\(f?\"(\w+)", path.read_text())
    }
    roles = ("DetectRole", "ResolveRole", "RedriveRole", "ApproveRole", "IngestRole")
    allowed = {a.partition(":")[2] for role in roles for a in granted("options", role)}
    allowed |= {a.partition(":")[2] for a in granted("aws-owned", "ApiRole")}  # it has subscribers

    by_people |= {"Scan"}  # of whole replicas; a door scans for parties
    assert {"PutItem", "PutEvents", "GetRecords", "ReceiveMessage", "Publish"} <= made
    assert made - by_people - allowed == set()


def test_fis_may_only_deny_replication_to_the_drilled_table_and_its_stream() -> None:
    table = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"
    stream = "looked-up:Table.LatestStreamArn"

    assert granted("options", "DrillRole") == {
        "dynamodb:DeleteResourcePolicy": [table, stream],
        "dynamodb:GetResourcePolicy": [table, stream],
        "dynamodb:PutResourcePolicy": [table, stream],
        "dynamodb:DescribeTable": [table],
        "tag:GetResources": ["*"],
    }


def test_the_drill_finds_its_role_by_name_where_it_was_asked_for_and_nowhere_else() -> None:
    role = synthesised("options").one(
        "reconciler", "AWS::IAM::Role", RoleName=f"parties-drill-{EU}"
    )
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    source = {"aws:SourceArn": f"arn:aws:fis:{EU}:{ACCOUNT}:experiment/*"}

    assert trust["Principal"] == {"Service": "fis.amazonaws.com"}
    assert trust["Condition"]["ArnLike"] == source
    outputs = synthesised("options").template(f"parties-reconciler-{EU}")["Outputs"]
    assert "DrillRole" in outputs
    assert not granted("three", "DrillRole")


def test_an_existing_table_s_key_is_used_if_it_is_named() -> None:
    may = granted("existing", "Role")

    assert f"arn:aws:kms:{EU}:{ACCOUNT}:key/mrk-1" in may["kms:Decrypt"]
    [key] = granted("aws-owned", "DetectRole")["kms:Decrypt"]
    assert "PipelineKey" in key


@pytest.mark.parametrize("scene", SCENES)
def test_a_role_is_assumed_by_one_service_which_acts_for_one_resource_here(scene: str) -> None:
    users = {f"{user.service}.amazonaws.com": user for user in USERS.values()}
    trusted = [s for s in statements(synthesised(scene)) if s.kind == "AssumeRolePolicyDocument"]

    assert trusted
    for each in trusted:
        assert set(each.principal) == {"Service"}
        source = users[each.principal["Service"]].source
        if source:
            assert each.condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
            named = several(each.condition["ArnLike"]["aws:SourceArn"])
            assert all(source in arn for arn in named)


def test_every_queue_the_buckets_and_the_topics_refuse_plain_http() -> None:
    stacks = synthesised("options")
    policies = [s for s in statements(stacks) if s.kind == "PolicyDocument" and EU in s.stack]

    refused = {r for s in policies if s.sid == "RefusesPlainHttp" for r in s.resources}
    queues = stacks.all("reconciler", "AWS::SQS::Queue").values()
    topics = stacks.all("reconciler", "AWS::SNS::Topic").values()
    kinds = ("evidence", "ingest", "evidence-use1", "ingest-use1")
    buckets = [f"arn:aws:s3:::parties-{each}-eu-west-1" for each in kinds]
    assert refused == {
        *buckets,
        *(f"{bucket}/*" for bucket in buckets),
        *(f"arn:aws:sqs:{EU}:{ACCOUNT}:{queue['QueueName']}" for queue in queues),
        *(f"arn:aws:sns:{EU}:{ACCOUNT}:{topic['TopicName']}" for topic in topics),
    }
    for each in policies:
        if each.effect == "Deny":
            assert each.condition == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_queue_and_the_alarms_topic_take_messages_only_from_what_belongs_there() -> None:
    policies = statements(synthesised("three"))
    allowed = {
        each.resources[0].rpartition(":")[2]: each
        for each in policies
        if each.kind == "PolicyDocument" and each.effect == "Allow" and EU in each.stack
    }

    topic = allowed.pop("parties-alarms-eu-west-1")
    assert topic.principal == {"Service": "cloudwatch.amazonaws.com"}
    alarms = {"aws:SourceArn": f"arn:aws:cloudwatch:{EU}:{ACCOUNT}:alarm:parties-*"}
    assert (topic.actions, topic.condition["ArnLike"]) == (["sns:Publish"], alarms)
    assert topic.condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
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


def test_a_key_s_policy_lets_the_account_grant_and_services_send_for_the_account() -> None:
    senders = [f"{service}.amazonaws.com" for service in ("events", "s3", "cloudwatch")]
    for each in (s for s in statements(synthesised("three")) if s.kind == "KeyPolicy"):
        if each.sid == "AccountGrantsByIam":
            assert each.principal == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            continue
        assert each.principal["Service"] in senders
        assert each.actions == ["kms:Decrypt", "kms:GenerateDataKey"]
        assert each.condition == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
