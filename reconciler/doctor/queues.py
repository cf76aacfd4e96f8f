"""Checks of the queues, of what failed in them, and of what was parked.

Source: SQS API Reference SetQueueAttributes; SQS guide, "Configuring dead-letter queues".
"""

import json
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from reconciler.deployment.wiring import (
    DEAD_LETTER_RETENTION_SECONDS,
    HOME_SOURCE,
    WITNESS_SOURCE,
    QueueSource,
)
from reconciler.doctor.facts import (
    Check,
    CheckResult,
    Seen,
    Unseen,
    aws_command,
    queue_arn,
    redrive_command,
)
from reconciler.text.counts import count_in_words


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the findings of the resolver's queues and of the dead-letter queues."""
    yield _queue(seen, seen.names.home_queue, HOME_SOURCE)
    yield _queue(seen, seen.names.witness_queue, WITNESS_SOURCE)
    for queue in seen.names.dead_letter_queues():
        yield from _dead_letters(seen, queue)


def _queue(seen: Seen, queue: str, source: QueueSource) -> CheckResult:
    check, answer = Check(f"queue-{queue}", seen.names.region), seen.queues[queue]
    wanted = {
        "VisibilityTimeout": str(source.visibility_timeout_seconds),
        "DelaySeconds": str(source.delay_seconds),
    }
    dead_letters = seen.names.dead_letters_of(queue)
    policy_wanted = {
        "deadLetterTargetArn": queue_arn(seen, dead_letters),
        "maxReceiveCount": str(source.maximum_receive_count),
    }
    if isinstance(answer, Unseen):
        return check.unseen(answer)
    if answer is None:
        settings = {**wanted, "RedrivePolicy": json.dumps(policy_wanted)}
        found = f"there is no queue {queue}: its losses are not repaired"
        return check.problem(found, _create_queue(seen, queue, settings))
    attributes = answer["Attributes"]
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    different = _differences(attributes, wanted)
    repaired = {name: wanted[name] for name in different}
    found = "; ".join(different.values())
    if not policy.get("deadLetterTargetArn", "").endswith(f":{dead_letters}"):
        fix = _set_attributes(
            seen, answer, {**repaired, "RedrivePolicy": json.dumps(policy_wanted)}
        )
        lost = f"{queue} has not the dead-letter queue {dead_letters}: what fails ends in silence"
        return check.problem("; ".join(filter(None, (lost, found))), fix)
    count = _differences(policy, {"maxReceiveCount": policy_wanted["maxReceiveCount"]})
    if different and seen.is_local and not count:
        return check.as_local(found, "people wait there")
    if count:
        repaired["RedrivePolicy"] = json.dumps(policy_wanted)
        found = "; ".join([*different.values(), *count.values()])
    if not repaired:
        return check.ok(f"{queue} has the settings of reconciler.deployment.wiring")
    return check.warning(found, _set_attributes(seen, answer, repaired))


def _differences(has: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f"{name} is {has.get(name)}, not {value}"
        for name, value in wanted.items()
        if str(has.get(name)) != value
    }


def _create_queue(seen: Seen, queue: str, attributes: Mapping[str, str]) -> str:
    settings = quote(json.dumps(attributes))
    return aws_command("sqs", "create-queue", seen, f"--queue-name {queue} --attributes {settings}")


def _set_attributes(seen: Seen, answer: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
    settings = f"--attributes {quote(json.dumps(attributes))}"
    url = answer["QueueUrl"]
    return aws_command("sqs", "set-queue-attributes", seen, f"--queue-url {url} {settings}")


def _dead_letters(seen: Seen, queue: str) -> Iterator[CheckResult]:
    check, answer = Check(f"queue-{queue}", seen.names.region), seen.queues[queue]
    wanted = {"MessageRetentionPeriod": str(DEAD_LETTER_RETENTION_SECONDS)}
    if isinstance(answer, Unseen):
        yield check.unseen(answer)
        return
    if answer is None:
        found = f"there is no queue {queue}: what belongs there cannot be set aside"
        yield check.problem(found, _create_queue(seen, queue, wanted))
        return
    short = _differences(answer["Attributes"], wanted)
    if short:
        yield check.warning("; ".join(short.values()), _set_attributes(seen, answer, wanted))
    else:
        yield check.ok(f"{queue} keeps messages for 14 days")
    yield _depth(seen, queue, answer["Attributes"])


def _depth(seen: Seen, queue: str, attributes: Mapping[str, str]) -> CheckResult:
    check = Check(f"depth-{queue}", seen.names.region)
    kinds = ("", "NotVisible", "Delayed")
    messages = sum(int(attributes.get(f"ApproximateNumberOfMessages{k}", 0)) for k in kinds)
    if not messages:
        return check.ok(f"{queue} is empty")
    answer = seen.oldest[queue]
    points = answer.get("Datapoints", []) if isinstance(answer, Mapping) else []
    age = max((point["Maximum"] for point in points), default=None)
    old = f", the oldest {age / 3600:.1f} hours old" if age is not None else ""
    return check.warning(
        f"{queue} holds {count_in_words(messages, 'message')}{old}", redrive_command(seen)
    )
