"""The table's stacks: one owns all replicas, and each replica is set as it must be."""

import re

import pytest

from infra.app import stack_name
from infra.table import RECOVERY_DAYS
from reconciler.deployment.names import Names
from tests.infra.stacks import REGIONS, Stacks, synthesised

TABLE = "AWS::DynamoDB::GlobalTable"
OWNER = REGIONS[0]


def test_one_stack_owns_all_replicas_and_each_region_has_its_reconciler(three: Stacks) -> None:
    reconcilers = {f"parties-reconciler-{region}" for region in REGIONS}
    keys = {f"parties-key-{region}" for region in REGIONS}

    assert three.names() == {f"parties-table-{OWNER}"} | reconcilers | keys
    replicas = three.one("table", TABLE, OWNER)["Replicas"]
    assert [replica["Region"] for replica in replicas] == REGIONS


def test_two_regions_make_two_replicas(options: Stacks) -> None:
    replicas = options.one("table", TABLE, OWNER)["Replicas"]

    assert [replica["Region"] for replica in replicas] == REGIONS[:2]


def test_keys_come_before_the_table_and_the_table_before_the_reconcilers(three: Stacks) -> None:
    owner, table = f"parties-key-{OWNER}", f"parties-table-{OWNER}"

    assert owner in three.after["parties-key-eu-west-1"]
    assert {f"parties-key-{region}" for region in REGIONS} <= set(three.after[table])
    for region in REGIONS:
        assert table in three.after[f"parties-reconciler-{region}"]


def test_the_table_is_paid_by_request_and_streams_both_images_from_the_start(
    three: Stacks,
) -> None:
    table = three.one("table", TABLE, OWNER)

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "_rec_ttl", "Enabled": True}


def test_a_table_with_a_ttl_attribute_of_its_own_has_ttl_on_that() -> None:
    table = synthesised("aws-owned").one("table", TABLE, OWNER)

    assert table["TimeToLiveSpecification"] == {"AttributeName": "until", "Enabled": True}


def test_every_replica_can_be_recovered_for_35_days_and_cannot_be_deleted(three: Stacks) -> None:
    for replica in three.one("table", TABLE, OWNER)["Replicas"]:
        assert replica["PointInTimeRecoverySpecification"] == {
            "PointInTimeRecoveryEnabled": True,
            "RecoveryPeriodInDays": 35,
        }
        assert replica["DeletionProtectionEnabled"] is True
    assert RECOVERY_DAYS == 35


def test_the_table_outlives_its_stack(three: Stacks) -> None:
    resources = three.template(f"parties-table-{OWNER}")["Resources"].values()

    assert [r["DeletionPolicy"] for r in resources if r["Type"] == TABLE] == [
        "RetainExceptOnCreate"
    ]


def test_each_replica_has_the_replica_of_the_key_in_its_own_region(three: Stacks) -> None:
    table = three.one("table", TABLE, OWNER)

    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    keys = {r["Region"]: r["SSESpecification"]["KMSMasterKeyId"] for r in table["Replicas"]}
    assert all(f":kms:{region}:" in key for region, key in keys.items())
    assert len({key.rpartition("/")[2] for key in keys.values()}) == 1


def test_the_keys_are_one_multi_region_key_that_rotates_and_stays(three: Stacks) -> None:
    primary = three.one("key", "AWS::KMS::Key", OWNER)
    replica = three.one("key", "AWS::KMS::ReplicaKey")

    assert (primary["MultiRegion"], primary["EnableKeyRotation"]) == (True, True)
    assert replica["PrimaryKeyArn"] == "looked-up:KeyMetadata.Arn"
    for region in REGIONS[:2]:
        resources = three.template(f"parties-key-{region}")["Resources"].values()
        keys = [r for r in resources if r["Type"] in ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")]
        assert [key["DeletionPolicy"] for key in keys] == ["RetainExceptOnCreate"]


def test_aws_owned_keys_need_no_key_stacks() -> None:
    stacks = synthesised("aws-owned")
    table = stacks.one("table", TABLE, OWNER)

    assert not any("-key-" in name for name in stacks.names())
    assert "SSESpecification" not in table
    assert all("SSESpecification" not in replica for replica in table["Replicas"])


def test_an_existing_table_gets_reconcilers_alone() -> None:
    names = synthesised("existing").names()

    assert names == {f"Old-Parties-reconciler-{region}" for region in REGIONS[:2]}


@pytest.mark.parametrize("table", ["2024_parties", "parties"])
def test_a_stack_s_name_begins_with_a_letter_though_a_table_s_need_not(table: str) -> None:
    name = stack_name(Names(table, OWNER), "reconciler")

    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name)
    assert name.endswith(f"{table.replace('_', '-')}-reconciler-{OWNER}")
    assert name.startswith("parties") or table != "parties"


def test_keys_and_indexes_are_those_of_the_settings(options: Stacks) -> None:
    table = options.one("table", TABLE, OWNER)

    roles = [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]]
    assert roles == [("id", "HASH"), ("version", "RANGE")]
    kinds = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    assert kinds == {"id": "S", "version": "N", "email": "S"}
    [index] = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by-email"
    assert index["Projection"] == {"ProjectionType": "ALL"}


@pytest.mark.parametrize(("scene", "insights"), [("options", True), ("three", False)])
def test_contributor_insights_are_on_every_replica_or_on_none(scene: str, insights: bool) -> None:
    replicas = synthesised(scene).one("table", TABLE, OWNER)["Replicas"]

    assert {r["ContributorInsightsSpecification"]["Enabled"] for r in replicas} == {insights}


def test_tags_are_on_every_replica_and_on_the_reconciler(options: Stacks) -> None:
    tag = {"Key": "team", "Value": "crm"}

    for replica in options.one("table", TABLE, OWNER)["Replicas"]:
        assert replica["Tags"] == [tag]
    assert all(tag in q["Tags"] for q in options.all("reconciler", "AWS::SQS::Queue").values())
