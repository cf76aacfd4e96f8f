"""Copies of a region's evidence, and of the objects of its ingest, kept by S3 in another region.

That region has a stack with a bucket for each that is copied, and one key for all of them. Nothing
listens to a bucket of copies: HAZARD if a rule or a queue did, for each object would be ingested in
a second region, or a batch redriven in one that never had it. Deletes are not copied: copies are
there for what was deleted, too.
Source: S3 guide, "Setting up permissions for live replication", "Replicating encrypted objects",
"What does Amazon S3 replicate?", "Using S3 Replication metrics".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, CfnOutput, Stack
from aws_cdk.aws_kms import CfnKey
from aws_cdk.aws_s3 import CfnBucket
from constructs import Construct

from infra.alarm import Alarm
from infra.arns import Arns
from infra.evidence import kept_bucket
from infra.keys import copies_key
from infra.metrics import of_copies
from infra.permissions import Statement, allow, in_bucket, of_bucket
from infra.role import role
from infra.watched import Watched
from reconciler.deployment.names import Names

_RULE = "copies"


@dataclass(frozen=True)
class Peer:
    """Where S3 copies a region's objects: another region, and the key of the copies there."""

    region: str
    key_arn: str


class Copies(Construct):
    """What one region keeps for others: for each of `sources`, a bucket of copies of each kind."""

    def __init__(
        self, scope: Construct, names: Names, sources: Sequence[Names], copied: Sequence[str]
    ) -> None:
        super().__init__(scope, "Copies")
        key = copies_key(self, names)
        CfnOutput(Stack.of(self), "CopiesKey", value=key.attr_arn)
        for source in sources:
            for resource in copied:
                name = source.copy_of(resource, names.region)
                kept_bucket(self, f"{resource.title()}Of{source.region}", name, key)


def copying(
    scope: Construct, arns: Arns, key: CfnKey, resource: str, peer: Peer | None
) -> dict[str, Any]:
    """Return what has S3 copy all new objects of a bucket to the peer; without one, nothing."""
    if peer is None:
        return {}
    bucket, copy = arns.names.bucket(resource), arns.names.copy_of(resource, peer.region)
    place = Construct(scope, f"{resource.title()}Copying")
    # S3's guide has no condition in this trust: IAM asks who sets a bucket's rules for PassRole.
    made = role(place, "s3.amazonaws.com", _may_copy(arns, key, bucket, copy, peer))
    encrypted = CfnBucket.EncryptionConfigurationProperty(replica_kms_key_id=peer.key_arn)
    enabled, disabled = {"status": "Enabled"}, {"status": "Disabled"}
    rule = CfnBucket.ReplicationRuleProperty(
        id=_RULE,
        priority=1,
        status="Enabled",
        filter={"prefix": ""},
        delete_marker_replication=disabled,
        source_selection_criteria={"sseKmsEncryptedObjects": enabled},
        destination=CfnBucket.ReplicationDestinationProperty(
            bucket=_arn(copy), encryption_configuration=encrypted, metrics=enabled
        ),
    )
    configuration = CfnBucket.ReplicationConfigurationProperty(role=made.role_arn, rules=[rule])
    return {"replication_configuration": configuration}


def _may_copy(arns: Arns, key: CfnKey, bucket: str, copy: str, peer: Peer) -> list[Statement]:
    """Return what S3 needs, and no more: no `ReplicateDelete`, for nothing is deleted there."""
    reads = ["GetObjectVersionForReplication", "GetObjectVersionAcl", "GetObjectVersionTagging"]
    rules = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    written = ["s3:ReplicateObject", "s3:ReplicateTags"]
    # By the copies' bucket key, S3 decrypts, too, to see that it is sound.
    encrypts = allow("EncryptCopies", ["kms:Decrypt", "kms:Encrypt"], peer.key_arn)
    decrypts = allow("DecryptOriginals", ["kms:Decrypt"], key.attr_arn)
    return [
        in_bucket("ReadRules", rules, _arn(bucket)),
        in_bucket("ReadOriginals", [f"s3:{each}" for each in reads], f"{_arn(bucket)}/*"),
        in_bucket("KeepCopies", written, f"{_arn(copy)}/*"),
        of_bucket(decrypts, arns, _arn(bucket)),
        of_bucket(encrypts, arns.in_region(peer.region), _arn(copy)),
    ]


def _arn(bucket: str) -> str:
    return f"arn:{Aws.PARTITION}:s3:::{bucket}"


def copying_fails(seen: Watched) -> Iterator[Alarm]:
    """Yield an alarm for each bucket that is copied: what S3 gave up it does not try again."""
    for resource, copy in seen.copied.items():
        bucket = seen.names.bucket(resource)
        yield Alarm(
            "copies-failed",
            f"S3 gave up copying an object of {bucket} to {copy}.",
            {"failed": of_copies(bucket, copy, _RULE)},
            about=resource,
        )
