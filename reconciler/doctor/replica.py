"""Checks of the table's replica in one region, and of what each replica has by itself.

Source: DynamoDB guide, "Global tables: how it works" and "Security"; API Reference DescribeTable,
DescribeContinuousBackups.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.deployment.tables import BOTH_IMAGES
from reconciler.doctor.facts import Check, CheckResult, Seen, Unseen, aws_command

_IRREVERSIBLE = {
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS": "restore the replica's KMS key and its key policy",
    "REPLICATION_NOT_AUTHORIZED": "take the Deny for AWSServiceRoleForDynamoDBReplication out of"
    " the table's resource policy",
    "REGION_DISABLED": "enable the region in the account again",
}
_NO_REPLICAS = "add replicas, or run this with all regions that the table should be in"
_PASSING = ("CREATING", "UPDATING")


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the findings of the table's replica."""
    yield from _table(seen)
    yield from _backups(seen)


def _table(seen: Seen) -> Iterator[CheckResult]:
    check, names = Check("table", seen.names.region), seen.names
    if isinstance(seen.table, Unseen):
        yield check.unseen(seen.table)
        return
    if seen.table is None:
        found = f"there is no table {names.table} in this region"
        others = [region for region in seen.regions if region != names.region]
        fix = _add_replica(seen, others[0], names.region) if others else "deploy the table"
        yield check.problem(found, fix)
        return
    table = seen.table["Table"]
    status = table.get("TableStatus")
    if status == "ACTIVE":
        yield check.ok(f"{names.table} is ACTIVE")
    else:
        yield _bad_status(check, names.table, status)
    yield from _replicas(seen, table)
    yield _stream(seen, table)
    yield _protection(seen, table)


def _add_replica(seen: Seen, source: str, target: str) -> str:
    update = f"""'[{{"Create": {{"RegionName": "{target}"}}}}]'"""
    arguments = f"--table-name {seen.names.table} --replica-updates {update}"
    return aws_command("dynamodb", "update-table", seen, arguments, region=source)


def _bad_status(check: Check, what: str, status: object) -> CheckResult:
    if status in _IRREVERSIBLE:
        found = (
            f"{what} is {status}: after 20 hours DynamoDB makes it a single-Region table, and that"
            " cannot be undone"
        )
        return check.problem(found, f"within 20 hours: {_IRREVERSIBLE[str(status)]}")
    found, wait = f"{what} is {status}, not ACTIVE", "wait until it is ACTIVE, then run this again"
    return (check.warning if status in _PASSING else check.problem)(found, wait)


def _replicas(seen: Seen, table: Mapping[str, Any]) -> Iterator[CheckResult]:
    check, here = Check("replicas", seen.names.region), seen.names.region
    statuses = {each["RegionName"]: each.get("ReplicaStatus") for each in table.get("Replicas", [])}
    known = {**statuses, here: "ACTIVE"}  # a description may leave its own region out
    found = list[CheckResult]()
    for region in seen.regions:
        if region not in known:
            missing = f"the table has no replica in {region}"
            found.append(check.problem(missing, _add_replica(seen, here, region)))
    if not statuses and not found:
        found.append(check.problem("it is no global table: it has no replicas", _NO_REPLICAS))
    for region, status in statuses.items():
        if status != "ACTIVE":
            found.append(_bad_status(check, f"the replica in {region}", status))
        if region not in seen.regions:
            unchecked = f"the table has a replica in {region}, which was not checked"
            regions = ",".join((*seen.regions, region))
            found.append(check.warning(unchecked, f"run it with --region {regions}"))
    yield from found or [check.ok(f"ACTIVE in {', '.join(sorted(known))}")]


def _stream(seen: Seen, table: Mapping[str, Any]) -> CheckResult:
    check, name = Check("stream", seen.names.region), seen.names.table
    stream = table.get("StreamSpecification") or {}
    view_type = stream.get("StreamViewType")
    enable = aws_command(
        "dynamodb",
        "update-table",
        seen,
        f"--table-name {name}"
        f" --stream-specification StreamEnabled=true,StreamViewType={BOTH_IMAGES}",
    )
    if not stream.get("StreamEnabled"):
        return check.problem("the table has no stream: no lost write is seen", enable)
    if view_type != BOTH_IMAGES:
        disable = enable.split("--stream")[0] + "--stream-specification StreamEnabled=false"
        alone = "A table of several replicas keeps its view type: remove the others first, then"
        then = "then point the event source at the new stream ARN"
        return check.problem(
            f"the stream's view type is {view_type}, which hides the write that was lost",
            f"{alone}\n{disable}\n{enable}\n{then}",
        )
    return check.ok(f"the stream shows {BOTH_IMAGES}")


def _protection(seen: Seen, table: Mapping[str, Any]) -> CheckResult:
    check = Check("deletion-protection", seen.names.region)
    if table.get("DeletionProtectionEnabled"):
        return check.ok("deletion protection is on")
    if seen.is_local:
        return check.as_local("deletion protection is off")
    return check.warning(
        "deletion protection is off on this replica; it is set on each replica by itself",
        aws_command(
            "dynamodb",
            "update-table",
            seen,
            f"--table-name {seen.names.table} --deletion-protection-enabled",
        ),
    )


def _backups(seen: Seen) -> Iterator[CheckResult]:
    check = Check("point-in-time-recovery", seen.names.region)
    if isinstance(seen.backups, Unseen):
        yield check.unseen(seen.backups)
    elif seen.backups is not None:
        described = seen.backups["ContinuousBackupsDescription"]
        recovery = described.get("PointInTimeRecoveryDescription") or {}
        if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
            yield check.ok("point-in-time recovery is on")
        elif seen.is_local:
            yield check.as_local("point-in-time recovery is off")
        else:
            yield check.warning(
                "point-in-time recovery is off on this replica; it is set on each by itself",
                aws_command(
                    "dynamodb",
                    "update-continuous-backups",
                    seen,
                    f"--table-name {seen.names.table} --point-in-time-recovery-specification"
                    " PointInTimeRecoveryEnabled=true",
                ),
            )
