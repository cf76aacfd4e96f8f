"""The policies of writers: what this library needs, of the items that they are for."""

from typing import Any

from tests.infra.stacks import ACCOUNT, REGIONS, synthesised
from tests.infra.test_settings import refusal

EU = REGIONS[1]
TABLE = f"arn:aws:dynamodb:{EU}:{ACCOUNT}:table/parties"


def policy(name: str) -> dict[str, Any]:
    named = f"parties-writer-{name}-{EU}"
    kind = "AWS::IAM::ManagedPolicy"
    return synthesised("options").one("reconciler", kind, ManagedPolicyName=named)


def statements(name: str) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in policy(name)["PolicyDocument"]["Statement"]}


def test_a_writer_reads_and_writes_items_and_deletes_none() -> None:
    may = statements("crm")

    assert sorted(may["WriteItems"]["Action"]) == [
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ]
    assert may["WriteItems"]["Resource"] == [TABLE]
    assert "Condition" not in may["WriteItems"]
    assert may["KnowReplica"]["Action"] == ["dynamodb:DescribeTable"]
    assert may["QueryIndexes"]["Resource"] == [f"{TABLE}/index/*"]


def test_a_writer_with_leading_keys_has_these_items_alone_and_no_index() -> None:
    may = statements("by-tenant")

    keys = ["${aws:PrincipalTag/tenant}", "shared-*"]
    condition = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}}
    assert may["WriteItems"]["Condition"] == condition
    assert "QueryIndexes" not in may


def test_a_writer_uses_the_table_s_key_through_dynamodb_alone() -> None:
    used = statements("crm")["UseKeys"]

    assert used["Condition"] == {
        "StringEquals": {"kms:ViaService": [f"dynamodb.{EU}.amazonaws.com"]}
    }
    assert "*" not in "".join(used["Resource"])


def test_nobody_has_a_policy_until_somebody_attaches_it_and_the_stack_tells_its_arn() -> None:
    for name in ("crm", "by-tenant"):
        assert not {"Roles", "Users", "Groups"} & set(policy(name))
    options = synthesised("options")
    outputs = options.template(options.stack("reconciler"))["Outputs"]
    assert {"WriterCrmPolicy", "WriterByTenantPolicy"} <= set(outputs)
    kinds = [
        resource["Type"]
        for _, template in options.templates()
        for resource in template["Resources"].values()
    ]
    assert kinds.count("AWS::IAM::ManagedPolicy") == 2 * 2


def test_leading_keys_that_are_no_texts_and_names_that_aws_refuses_are_refused() -> None:
    numbers = {"name": "id", "type": "N"}
    assert "writers: IAM compares" in refusal(partition_key=numbers, writers={"crm": ["1*"]})
    assert "writers" in refusal(writers={"CRM team": []})
