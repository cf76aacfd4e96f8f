"""Checks of the ingest of objects, where one is deployed: from the bucket to the function.

Source: S3 guide, "Enabling Amazon EventBridge", "Using versioning"; DynamoDB guide, "Time to live".
"""

import json
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from reconciler.deployment.tables import JOBS_EXPIRY, JOBS_KEY
from reconciler.deployment.wiring import INGEST_SOURCE, ingest_pattern
from reconciler.doctor.facts import Check, CheckResult, Seen, Unseen, aws_command, queue_arn
from reconciler.text.counts import count_in_words

_DEPLOY = "deploy the ingest again, as infra/README.md says"
_TOLD = '{"EventBridgeConfiguration": {}}'


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the findings of an ingest; none where none is deployed."""
    if not seen.ingest:
        return
    yield from _bucket(seen)
    yield from _rule(seen)
    yield from _queues(seen)
    yield from _source(seen)
    yield from _jobs(seen)


def _answer(seen: Seen, check: Check, what: str, lacking: str) -> CheckResult | Mapping[str, Any]:
    """Return an answer, or the finding that there is none."""
    answer = seen.ingest[what]
    if isinstance(answer, Unseen):
        return check.unseen(answer)
    return check.problem(lacking, _DEPLOY) if answer is None else answer


def _bucket(seen: Seen) -> Iterator[CheckResult]:
    region, name = seen.names.region, seen.names.ingest_bucket
    check = Check("ingest-bucket", region)
    told = _answer(seen, check, "notification", f"there is no bucket {name}")
    if isinstance(told, CheckResult):
        yield told
        return
    at = f"--bucket {name}"
    if "EventBridgeConfiguration" in told:
        yield check.ok(f"{name} tells EventBridge of its objects")
    else:
        put = f"{at} --notification-configuration {quote(_TOLD)}"
        yield check.problem(
            f"{name} does not tell EventBridge of its objects: none is ingested",
            aws_command("s3api", "put-bucket-notification-configuration", seen, put),
        )
    check = Check("ingest-bucket-versions", region)
    versions = _answer(seen, check, "versions", f"there is no bucket {name}")
    if isinstance(versions, CheckResult):
        yield versions
    elif versions.get("Status") == "Enabled":
        yield check.ok(f"{name} keeps versions")
    else:
        put = f"{at} --versioning-configuration Status=Enabled"
        yield check.warning(
            f"{name} keeps no versions: an object that is overwritten before its turn is not"
            " ingested, and none can be replicated",
            aws_command("s3api", "put-bucket-versioning", seen, put),
        )
    yield _encryption(seen)


def _encryption(seen: Seen) -> CheckResult:
    name = seen.names.ingest_bucket
    check = Check("ingest-bucket-encryption", seen.names.region)
    answer = _answer(seen, check, "encryption", f"there is no bucket {name}")
    if isinstance(answer, CheckResult):
        return answer
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    used = {
        each.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for each in rules
    }
    if used <= {"aws:kms", "aws:kms:dsse"}:
        return check.ok(f"{name} is encrypted under a KMS key")
    return check.warning(f"{name} is not encrypted under a KMS key", _DEPLOY)


def _rule(seen: Seen) -> Iterator[CheckResult]:
    region, name = seen.names.region, seen.names.ingest_queue
    check = Check("ingest-rule", region)
    rule = _answer(seen, check, "rule", f"there is no rule {name}: no object reaches the function")
    if isinstance(rule, CheckResult):
        yield rule
        return
    if rule.get("State") != "ENABLED":
        fix = aws_command("events", "enable-rule", seen, f"--name {name}")
        yield check.problem(f"rule {name} is {rule.get('State')}: no object is ingested", fix)
    elif json.loads(rule.get("EventPattern") or "{}") != ingest_pattern(seen.names.ingest_bucket):
        yield check.problem(f"rule {name} selects other objects than it should", _DEPLOY)
    else:
        yield check.ok(f"rule {name} is ENABLED")
    check = Check("ingest-rule-target", region)
    answer = _answer(seen, check, "targets", f"rule {name} has no target")
    if isinstance(answer, CheckResult):
        yield answer
        return
    arns = {each["Arn"]: each.get("DeadLetterConfig") for each in answer.get("Targets", [])}
    if not arns.get(queue_arn(seen, name)):
        found = f"rule {name} does not send to the queue {name}, or has no dead-letter queue there"
        yield check.problem(found, _DEPLOY)
    else:
        yield check.ok(f"rule {name} sends to the queue {name}")


def _queues(seen: Seen) -> Iterator[CheckResult]:
    names = seen.names
    check = Check(f"queue-{names.ingest_queue}", names.region)
    queue = _answer(seen, check, "queue", f"there is no queue {names.ingest_queue}")
    if isinstance(queue, CheckResult):
        yield queue
    else:
        policy = json.loads(queue["Attributes"].get("RedrivePolicy") or "{}")
        has = queue["Attributes"].get("VisibilityTimeout"), str(policy.get("maxReceiveCount"))
        source = INGEST_SOURCE
        wanted = str(source.visibility_timeout_seconds), str(source.maximum_receive_count)
        if not policy.get("deadLetterTargetArn", "").endswith(f":{names.ingest_dlq}"):
            found = f"{names.ingest_queue} has not the dead-letter queue {names.ingest_dlq}"
            yield check.problem(found, _DEPLOY)
        elif has != wanted:
            found = f"VisibilityTimeout and maxReceiveCount are {has}, not {wanted}"
            yield check.warning(found, _DEPLOY)
        else:
            yield check.ok(f"{names.ingest_queue} has the settings of reconciler.deployment.wiring")
    check = Check(f"depth-{names.ingest_dlq}", names.region)
    letters = _answer(seen, check, "letters", f"there is no queue {names.ingest_dlq}")
    if isinstance(letters, CheckResult):
        yield letters
    elif count := int(letters["Attributes"].get("ApproximateNumberOfMessages", 0)):
        listed = f"reconciler jobs list --table {names.table} --region {names.region}"
        yield check.warning(f"{names.ingest_dlq} holds {count_in_words(count, 'message')}", listed)
    else:
        yield check.ok(f"{names.ingest_dlq} is empty")


def _source(seen: Seen) -> Iterator[CheckResult]:
    names, check = seen.names, Check("ingest-source", seen.names.region)
    answer = _answer(seen, check, "sources", f"there is no function {names.ingest_function}")
    if isinstance(answer, CheckResult):
        yield answer
        return
    ends = f":{names.ingest_queue}"
    reads = [e for e in answer.get("EventSourceMappings", []) if e["EventSourceArn"].endswith(ends)]
    states = {each.get("State") for each in reads}
    if not reads:
        found = f"{names.ingest_function} does not read {names.ingest_queue}: nothing is ingested"
        yield check.problem(found, _DEPLOY)
    elif "Enabled" not in states:
        yield check.problem(f"the event source is {', '.join(map(str, states))}", _DEPLOY)
    else:
        yield check.ok(f"{names.ingest_function} reads {names.ingest_queue}")


def _jobs(seen: Seen) -> Iterator[CheckResult]:
    name, check = seen.names.jobs, Check("ingest-jobs", seen.names.region)
    table = _answer(seen, check, "jobs", f"there is no table {name}: no object can be ingested")
    if isinstance(table, CheckResult):
        yield table
        return
    key = tuple(each["AttributeName"] for each in table["Table"].get("KeySchema", []))
    if set(key) != set(JOBS_KEY):
        yield check.problem(f"the key of {name} is {key}, not {JOBS_KEY}", _DEPLOY)
    else:
        yield check.ok(f"{name} has the key {JOBS_KEY}")
    check = Check("ingest-jobs-ttl", seen.names.region)
    expiry = _answer(seen, check, "expiry", f"there is no table {name}")
    if isinstance(expiry, CheckResult):
        yield expiry
        return
    described = expiry["TimeToLiveDescription"]
    is_on = described.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if is_on and described.get("AttributeName") == JOBS_EXPIRY:
        yield check.ok(f"jobs expire by {JOBS_EXPIRY}")
        return
    on = f"--time-to-live-specification Enabled=true,AttributeName={JOBS_EXPIRY}"
    yield check.warning(
        f"TTL of {name} is not on {JOBS_EXPIRY}: jobs stay for ever",
        aws_command("dynamodb", "update-time-to-live", seen, f"--table-name {name} {on}"),
    )
