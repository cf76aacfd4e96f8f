"""Checks of what keeps the losses: the ledger and the evidence bucket.

Source: DynamoDB API Reference DescribeTable; S3 API Reference HeadBucket.
"""

from collections.abc import Iterator

from reconciler.deployment.tables import (
    LEDGER_KEY,
    LEDGER_KINDS,
    LEDGER_STATE_INDEX,
    LEDGER_STATE_KEY,
)
from reconciler.doctor.facts import Check, CheckResult, Seen, Unseen, aws_command

_ROLES = ("HASH", "RANGE")


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the findings of the ledger and the evidence bucket."""
    yield _ledger(seen)
    yield _bucket(seen)


def _ledger(seen: Seen) -> CheckResult:
    check, name = Check("ledger", seen.names.region), seen.names.ledger
    if isinstance(seen.ledger, Unseen):
        return check.unseen(seen.ledger)
    if seen.ledger is None:
        return check.problem(
            f"there is no table {name}: the detector stops at the first loss, and the stream keeps"
            " it for 24 hours",
            _create_ledger(seen),
        )
    table = seen.ledger["Table"]
    schema = table.get("KeySchema", [])
    key = {(each["AttributeName"], each["KeyType"]) for each in schema}
    if key != set(zip(LEDGER_KEY, _ROLES, strict=True)):
        has = ", ".join(sorted(attribute for attribute, _ in key))
        return check.problem(
            f"the key of {name} is ({has}), not (item_key, conflict_id)",
            f"move its rows elsewhere, delete it, then\n{_create_ledger(seen)}",
        )
    if LEDGER_STATE_INDEX not in {
        i["IndexName"] for i in table.get("GlobalSecondaryIndexes") or []
    }:
        found = f"{name} has no index {LEDGER_STATE_INDEX}: open losses cannot be listed by state"
        key_of_index = " and ".join(LEDGER_STATE_KEY)
        return check.warning(found, f"add it, a global secondary index on {key_of_index}")
    return check.ok(f"{name} has the key (item_key, conflict_id) and its index")


def _create_ledger(seen: Seen) -> str:
    kinds = LEDGER_KINDS.items()
    attributes = " ".join(f"AttributeName={n},AttributeType={kind}" for n, kind in kinds)
    schema = " ".join(_key_parts(LEDGER_KEY))
    by_state = ",".join(f"{{{each}}}" for each in _key_parts(LEDGER_STATE_KEY))
    return aws_command(
        "dynamodb",
        "create-table",
        seen,
        f"--table-name {seen.names.ledger} --billing-mode PAY_PER_REQUEST"
        f" --attribute-definitions {attributes} --key-schema {schema}"
        f" --global-secondary-indexes 'IndexName={LEDGER_STATE_INDEX},KeySchema=[{by_state}],"
        "Projection={ProjectionType=ALL}'",
    )


def _key_parts(names: tuple[str, str]) -> list[str]:
    parts = zip(names, _ROLES, strict=True)
    return [f"AttributeName={name},KeyType={role}" for name, role in parts]


def _bucket(seen: Seen) -> CheckResult:
    check, name = Check("evidence-bucket", seen.names.region), seen.names.evidence_bucket
    if isinstance(seen.bucket, Unseen):
        return check.unseen(seen.bucket)
    if seen.bucket is None:
        found = f"there is no bucket {name}: a loss with large images cannot be recorded"
        return check.problem(found, aws_command("s3", "mb", seen, f"s3://{name}"))
    return check.ok(f"{name} exists")
