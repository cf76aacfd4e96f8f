"""Checks of the event sources that wake the Lambda functions, and of their settings.

Source: Lambda guide, "Using AWS Lambda with Amazon DynamoDB", "Batch failure reporting", "Using
Lambda with Amazon SQS"; API Reference ListEventSourceMappings.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.deployment.wiring import HOME_SOURCE, STREAM_SOURCE
from reconciler.doctor.facts import Check, CheckResult, Seen, Unseen, aws_command, queue_arn

_REPORTS = "ReportBatchItemFailures"
_SETTINGS = {
    "BatchSize": ("--batch-size", STREAM_SOURCE.batch_size),
    "MaximumRetryAttempts": ("--maximum-retry-attempts", STREAM_SOURCE.maximum_retry_attempts),
    "MaximumRecordAgeInSeconds": (
        "--maximum-record-age-in-seconds",
        STREAM_SOURCE.maximum_record_age_seconds,
    ),
    "ParallelizationFactor": ("--parallelization-factor", STREAM_SOURCE.parallelization_factor),
}
_ASK_AGAIN = "a deployment of infra/: raise stream_lookup in its settings and deploy; others:"
EventSource = Mapping[str, Any]


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the findings of both functions' event sources."""
    yield from _detect_source(seen)
    for role, queue in (("home", seen.names.home_queue), ("witness", seen.names.witness_queue)):
        yield from _resolve_source(seen, role, queue)


def _sources(seen: Seen, check: Check, function: str) -> list[EventSource] | CheckResult:
    """Return the function's event sources, or the finding that they cannot be seen."""
    answer = seen.sources[function]
    if isinstance(answer, Unseen):
        return check.unseen(answer)
    found = list((answer or {}).get("EventSourceMappings", []))
    return check.not_here() if seen.is_local and not found else found


def _detect_source(seen: Seen) -> Iterator[CheckResult]:
    check, function = Check("detect-source", seen.names.region), seen.names.detect_function
    sources = _sources(seen, check, function)
    if isinstance(sources, CheckResult):
        yield sources
        return
    streams = [each for each in sources if "/stream/" in each.get("EventSourceArn", "")]
    table = seen.table["Table"] if isinstance(seen.table, Mapping) else {}
    current = table.get("LatestStreamArn")
    source = next((each for each in streams if current in (None, each["EventSourceArn"])), None)
    if source is not None:
        where = "the table's current stream" if current else "a stream; the table was not seen"
        yield check.ok(f"{function} reads {where}")
        yield _state(seen, "detect-source-state", source)
        yield _responses(seen, "detect-source-responses", source)
        yield _start(seen, source)
        yield _destination(seen, source)
        yield _settings(seen, source)
        return
    found = f"no event source feeds {function}: losses leave the stream unseen after 24 hours"
    create = _create(seen, current or "the stream's ARN")
    if streams:
        old = ", ".join(each["EventSourceArn"] for each in streams)
        found = f"{function} reads {old}, not the table's current stream: no new loss is seen"
        create = "\n".join([_ASK_AGAIN, create, *(_delete(seen, each) for each in streams)])
    yield check.problem(found, create)


def _update(seen: Seen, source: EventSource, options: str) -> str:
    uuid = source.get("UUID")
    return aws_command("lambda", "update-event-source-mapping", seen, f"--uuid {uuid} {options}")


def _delete(seen: Seen, source: EventSource) -> str:
    return aws_command(
        "lambda", "delete-event-source-mapping", seen, f"--uuid {source.get('UUID')}"
    )


def _create(seen: Seen, stream_arn: str) -> str:
    numbers = " ".join(f"{flag} {wanted}" for flag, wanted in _SETTINGS.values())
    return aws_command(
        "lambda",
        "create-event-source-mapping",
        seen,
        f"--function-name {seen.names.detect_function} --event-source-arn {stream_arn}"
        f" --starting-position {STREAM_SOURCE.starting_position} {numbers}"
        f" --maximum-batching-window-in-seconds {int(STREAM_SOURCE.batching_window_seconds)}"
        f" --bisect-batch-on-function-error --function-response-types {_REPORTS}"
        f" {_destination_option(seen, stream_arn)}",
    )


def _bucket_arn(seen: Seen, stream_arn: str) -> str:
    """Return the evidence bucket's ARN, in the partition of the stream if that is known."""
    partition = stream_arn.split(":")[1] if stream_arn.startswith("arn:") else "aws"
    return f"arn:{partition}:s3:::{seen.names.evidence_bucket}"


def _destination_option(seen: Seen, stream_arn: str) -> str:
    bucket = _bucket_arn(seen, stream_arn)
    return f"""--destination-config '{{"OnFailure": {{"Destination": "{bucket}"}}}}'"""


def _state(seen: Seen, identifier: str, source: EventSource) -> CheckResult:
    check, state = Check(identifier, seen.names.region), source.get("State")
    if state == "Enabled":
        return check.ok("the event source is Enabled")
    reason = source.get("StateTransitionReason")
    found = f"the event source is {state}, not Enabled" + (f" ({reason})" if reason else "")
    return check.problem(found, _update(seen, source, "--enabled"))


def _responses(seen: Seen, identifier: str, source: EventSource) -> CheckResult:
    check = Check(identifier, seen.names.region)
    if _REPORTS in (source.get("FunctionResponseTypes") or []):
        return check.ok(f"failures are reported one by one ({_REPORTS})")
    return check.problem(
        f"{_REPORTS} is off: what the function says it could not do counts as done",
        _update(seen, source, f"--function-response-types {_REPORTS}"),
    )


def _start(seen: Seen, source: EventSource) -> CheckResult:
    check = Check("detect-source-start", seen.names.region)
    position, wanted = source.get("StartingPosition"), STREAM_SOURCE.starting_position
    if position == wanted:
        return check.ok(f"it starts at {wanted}")
    arn = source["EventSourceArn"]
    return check.problem(
        f"it starts at {position}: records are missed while it is created or updated",
        f"it cannot be changed, so:\n{_delete(seen, source)}\n{_create(seen, arn)}",
    )


def _destination(seen: Seen, source: EventSource) -> CheckResult:
    check = Check("detect-source-on-failure", seen.names.region)
    wanted = _bucket_arn(seen, source["EventSourceArn"])
    failure = (source.get("DestinationConfig") or {}).get("OnFailure") or {}
    destination = failure.get("Destination")
    if destination == wanted:
        return check.ok(f"what it gives up goes to {wanted}")
    fix = _update(seen, source, _destination_option(seen, source["EventSourceArn"]))
    if destination is None:
        return check.problem("it has no on-failure destination: what it gives up is gone", fix)
    return check.problem(
        f"what it gives up goes to {destination}, where folds do not look: a loss without its"
        " ledger row could be folded over",
        fix,
    )


def _settings(seen: Seen, source: EventSource) -> CheckResult:
    check = Check("detect-source-settings", seen.names.region)
    different = {
        name: (flag, source.get(name), wanted)
        for name, (flag, wanted) in _SETTINGS.items()
        if source.get(name) != wanted
    }
    found = [f"{name} is {value}, not {wanted}" for name, (_, value, wanted) in different.items()]
    options = [f"{flag} {wanted}" for flag, _, wanted in different.values()]
    if not source.get("BisectBatchOnFunctionError"):
        found.append("BisectBatchOnFunctionError is off")
        options.append("--bisect-batch-on-function-error")
    if not found:
        return check.ok("its settings are those of reconciler.deployment.wiring")
    return check.warning("; ".join(found), _update(seen, source, " ".join(options)))


def _resolve_source(seen: Seen, role: str, queue: str) -> Iterator[CheckResult]:
    identifier, function = f"resolve-source-{role}", seen.names.resolve_function
    check = Check(identifier, seen.names.region)
    sources = _sources(seen, check, function)
    if isinstance(sources, CheckResult):
        yield sources
        return
    for source in sources:
        if source.get("EventSourceArn", "").endswith(f":{queue}"):
            yield _state(seen, f"{identifier}-state", source)
            yield _responses(seen, f"{identifier}-responses", source)
            return
    yield check.problem(
        f"{function} does not read {queue}: nobody repairs its losses",
        aws_command(
            "lambda",
            "create-event-source-mapping",
            seen,
            f"--function-name {function} --event-source-arn {queue_arn(seen, queue)}"
            f" --batch-size {HOME_SOURCE.batch_size} --function-response-types {_REPORTS}",
        ),
    )
