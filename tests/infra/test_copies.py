"""Copies in another region: S3 makes them where settings say so, and nothing else comes of them."""

from typing import Any

import pytest

from tests.infra.stacks import ACCOUNT, ELSEWHERE, REGIONS, SCENES, synthesised
from tests.infra.test_alarms import metrics
from tests.infra.test_permissions import several, statements

US, EU, AP = REGIONS
COPIES = synthesised("copies")
KINDS = ("evidence", "ingest")
SOURCES = [(region, kind) for region in (US, AP) for kind in KINDS]
CODES = {US: "use1", EU: "euw1", AP: "apse1"}


def bucket(region: str, kind: str) -> dict[str, Any]:
    return COPIES.one(
        "reconciler", "AWS::S3::Bucket", region, BucketName=f"parties-{kind}-{region}"
    )


def rule(region: str, kind: str) -> dict[str, Any]:
    [found] = bucket(region, kind)["ReplicationConfiguration"]["Rules"]
    return dict(found)


def copies(scene: str, region: str) -> dict[str, dict[str, Any]]:
    """Return the buckets of the copies that a region keeps, by name."""
    made = synthesised(scene).all("copies", "AWS::S3::Bucket", region).values()
    return {each["BucketName"]: each for each in made}


@pytest.mark.parametrize(("region", "kind"), SOURCES)
def test_s3_copies_each_new_object_to_a_bucket_that_is_there_before(region: str, kind: str) -> None:
    made = rule(region, kind)
    to = f"parties-{kind}-{CODES[region]}-{ELSEWHERE}"

    assert made["Status"] == "Enabled"
    assert made["Filter"] == {"Prefix": ""}
    assert made["Destination"]["Bucket"] == f"arn:aws:s3:::{to}"
    assert copies("copies", ELSEWHERE)[to]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert f"parties-copies-{ELSEWHERE}" in COPIES.after[f"parties-reconciler-{region}"]


@pytest.mark.parametrize(("region", "kind"), SOURCES)
def test_what_is_encrypted_is_copied_too_under_the_key_of_the_other_region(
    region: str, kind: str
) -> None:
    made = rule(region, kind)

    assert made["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    encrypted = made["Destination"]["EncryptionConfiguration"]
    assert encrypted == {"ReplicaKmsKeyID": "looked-up:KeyMetadata.Arn"}
    [asked] = [
        each["Create"]
        for each in COPIES.all("reconciler", "Custom::AWS", region).values()
        if "DescribeKey" in each["Create"]
    ]
    alias = COPIES.one("copies", "AWS::KMS::Alias", ELSEWHERE)["AliasName"]
    assert f'"KeyId":"{alias}"' in asked
    assert f'"region":"{ELSEWHERE}"' in asked


def test_a_delete_is_not_copied() -> None:
    roles = [s for s in statements(COPIES) if s.kind == "RolePolicy"]

    for region, kind in SOURCES:
        assert rule(region, kind)["DeleteMarkerReplication"] == {"Status": "Disabled"}
    assert any("s3:ReplicateObject" in each.actions for each in roles)
    assert not any("s3:ReplicateDelete" in each.actions for each in roles)


def test_nothing_is_told_of_a_copy_so_no_object_is_ingested_in_a_second_region() -> None:
    for scene, region in (("copies", ELSEWHERE), ("options", US), ("options", EU)):
        stacks = synthesised(scene)
        resources = stacks.template(stacks.stack("copies", region))["Resources"].values()
        kinds = {each["Type"].removeprefix("AWS::") for each in resources}
        listening = [
            listener
            for each in stacks.settings.regions
            for kind in ("AWS::Events::Rule", "AWS::Lambda::EventSourceMapping")
            for listener in stacks.all("reconciler", kind, each).values()
        ]

        assert kinds == {"KMS::Alias", "KMS::Key", "S3::Bucket", "S3::BucketPolicy"}
        for name, made in copies(scene, region).items():
            assert "NotificationConfiguration" not in made
            assert "ReplicationConfiguration" not in made
            assert name not in str(listening)


def test_copies_are_closed_encrypted_kept_and_go_where_storage_is_cheap() -> None:
    template = COPIES.template(COPIES.stack("copies", ELSEWHERE))
    [logical] = COPIES.all("copies", "AWS::KMS::Key", ELSEWHERE)
    found = [r for r in template["Resources"].values() if r["Type"] == "AWS::S3::Bucket"]

    assert len(found) == len(SOURCES)
    for each in found:
        made = each["Properties"]
        [rule] = made["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        by_default = rule["ServerSideEncryptionByDefault"]
        assert by_default == {"KMSMasterKeyID": f"{logical}.Arn", "SSEAlgorithm": "aws:kms"}
        assert set(made["PublicAccessBlockConfiguration"].values()) == {True}
        [aging] = made["LifecycleConfiguration"]["Rules"]
        later = {"StorageClass": "GLACIER_IR", "TransitionInDays": 90}
        assert (aging["Transitions"], aging["NoncurrentVersionTransitions"]) == ([later], [later])
        assert each["DeletionPolicy"] == "RetainExceptOnCreate"
    refused = {
        resource
        for each in statements(COPIES)
        if each.stack == COPIES.stack("copies", ELSEWHERE) and each.sid == "RefusesPlainHttp"
        for resource in each.resources
    }
    assert refused == {
        arn
        for name in copies("copies", ELSEWHERE)
        for arn in (f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*")
    }


@pytest.mark.parametrize(("region", "kind"), SOURCES)
def test_s3_may_read_one_bucket_and_add_to_its_copies_and_no_more(region: str, kind: str) -> None:
    role = bucket(region, kind)["ReplicationConfiguration"]["Role"].removesuffix(".Arn")
    stack = COPIES.stack("reconciler", region)
    held = [s for s in statements(COPIES) if (s.stack, s.holder) == (stack, role)]
    own = f"arn:aws:s3:::parties-{kind}-{region}"
    copy = f"arn:aws:s3:::parties-{kind}-{CODES[region]}-{ELSEWHERE}"

    [trust] = [s for s in held if s.kind == "AssumeRolePolicyDocument"]
    assert trust.principal == {"Service": "s3.amazonaws.com"}
    may = {s.sid: s for s in held if s.kind == "RolePolicy"}
    in_buckets = [s for s in may.values() if s.actions[0].startswith("s3:")]
    assert {s.sid: (set(s.actions), s.resources) for s in in_buckets} == {
        "ReadRules": ({"s3:GetReplicationConfiguration", "s3:ListBucket"}, [own]),
        "ReadOriginals": (
            {
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            },
            [f"{own}/*"],
        ),
        "KeepCopies": ({"s3:ReplicateObject", "s3:ReplicateTags"}, [f"{copy}/*"]),
    }
    keys = {"DecryptOriginals": (region, own), "EncryptCopies": (ELSEWHERE, copy)}
    for sid, (there, arn) in keys.items():
        assert may[sid].condition == {
            "StringEquals": {"kms:ViaService": f"s3.{there}.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [arn, f"{arn}/*"]},
        }
    assert may["DecryptOriginals"].actions == ["kms:Decrypt"]
    assert set(may["EncryptCopies"].actions) == {"kms:Decrypt", "kms:Encrypt"}
    assert "PipelineKey" in several(may["DecryptOriginals"].resources)[0]
    assert may["EncryptCopies"].resources == ["looked-up:KeyMetadata.Arn"]
    assert len(may) == 5


def test_a_name_that_somebody_else_owns_by_now_gets_no_copies() -> None:
    for each in statements(COPIES):
        if each.sid in ("ReadRules", "ReadOriginals", "KeepCopies"):
            assert each.condition == {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}


def test_a_region_that_is_not_named_keeps_its_objects() -> None:
    for kind in KINDS:
        assert "ReplicationConfiguration" not in bucket(EU, kind)
    template = str(COPIES.template(COPIES.stack("reconciler", EU)))
    assert ELSEWHERE not in template
    assert COPIES.stack("copies", ELSEWHERE) not in COPIES.after[COPIES.stack("reconciler", EU)]


def test_two_regions_may_keep_copies_for_each_other() -> None:
    assert set(copies("options", EU)) == {f"parties-{kind}-use1-{EU}" for kind in KINDS}
    assert set(copies("options", US)) == {f"parties-{kind}-euw1-{US}" for kind in KINDS}


def test_what_s3_gave_up_to_copy_is_alarmed_in_the_region_of_the_bucket() -> None:
    for region, kind in SOURCES:
        name = f"parties-copies-failed-{kind}-{region}"
        alarm = COPIES.one("reconciler", "AWS::CloudWatch::Alarm", region, AlarmName=name)
        [metric] = metrics(alarm).values()

        assert metric["Namespace"] == "AWS/S3"
        assert metric["MetricName"] == "OperationsFailedReplication"
        assert metric["Dimensions"] == {
            "SourceBucket": f"parties-{kind}-{region}",
            "DestinationBucket": f"parties-{kind}-{CODES[region]}-{ELSEWHERE}",
            "RuleId": rule(region, kind)["Id"],
        }
        assert rule(region, kind)["Destination"]["Metrics"] == {"Status": "Enabled"}
        assert alarm["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("scene", [name for name in SCENES if "copies" not in SCENES[name]])
def test_without_copies_there_are_none(scene: str) -> None:
    for name, template in synthesised(scene).templates():
        assert "-copies-" not in name
        assert "ReplicationConfiguration" not in str(template)
