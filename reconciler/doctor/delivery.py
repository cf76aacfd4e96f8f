"""Checks of the way of an event from the detector to a queue: the bus and its rules.

Source: EventBridge guide, "PutEvents", "Rule targets", "Dead-letter queues".
"""

import json
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from reconciler.deployment.wiring import rule_pattern
from reconciler.doctor.facts import (
    Check,
    CheckResult,
    Seen,
    Unseen,
    aws_command,
    queue_arn,
    redrive_command,
)


def findings(seen: Seen) -> Iterator[CheckResult]:
    """Yield the findings of the bus and its rules."""
    yield _bus(seen)
    for role, queue in (("home", seen.names.home_queue), ("witness", seen.names.witness_queue)):
        yield _rule(seen, role)
        yield from _target(seen, role, queue)


def _bus(seen: Seen) -> CheckResult:
    check, bus = Check("bus", seen.names.region), seen.names.bus
    if isinstance(seen.bus, Unseen):
        return check.unseen(seen.bus)
    if seen.bus is None:
        return check.problem(
            f"there is no bus {bus}: PutEvents to it answers 200 and the event is dropped, so that"
            " losses stay OPEN in the ledger",
            aws_command("events", "create-event-bus", seen, f"--name {bus}")
            + "\nthen make its rules again and send the open losses anew:\n"
            + redrive_command(seen),
        )
    return check.ok(f"{bus} exists")


def _rule(seen: Seen, role: str) -> CheckResult:
    check, answer = Check(f"rule-{role}", seen.names.region), seen.rules[role]
    name = f"--name {role} --event-bus-name {seen.names.bus}"
    pattern = rule_pattern(role)
    put = f"{name} --event-pattern {quote(json.dumps(pattern))} --state ENABLED"
    fix = aws_command("events", "put-rule", seen, put)
    if isinstance(answer, Unseen):
        return check.unseen(answer)
    if answer is None:
        return check.problem(f"there is no rule {role}: its events go nowhere", fix)
    if answer.get("State") != "ENABLED":
        found = f"rule {role} is {answer.get('State')}: its events go nowhere"
        return check.problem(found, aws_command("events", "enable-rule", seen, name))
    if json.loads(answer.get("EventPattern") or "{}") != pattern:
        return check.problem(f"rule {role} selects other events than it should", fix)
    return check.ok(f"rule {role} is ENABLED")


def _target(seen: Seen, role: str, queue: str) -> Iterator[CheckResult]:
    check, answer = Check(f"rule-{role}-target", seen.names.region), seen.targets[role]
    if isinstance(answer, Unseen):
        yield check.unseen(answer)
        return
    if answer is None:
        return  # the rule's own finding says it
    target = next((t for t in answer.get("Targets", []) if t["Arn"].endswith(f":{queue}")), None)
    fix = _put_target(seen, role, queue, target)
    if target is None:
        yield check.problem(f"rule {role} does not send to {queue}", fix)
        return
    yield check.ok(f"rule {role} sends to {queue}")
    check = Check(f"rule-{role}-dlq", seen.names.region)
    destination = (target.get("DeadLetterConfig") or {}).get("Arn")
    if destination:
        yield check.ok(f"what rule {role} cannot deliver goes to {destination}")
    else:
        yield check.problem(
            f"the target of rule {role} has no dead-letter queue: what cannot be delivered is gone",
            fix,
        )


def _put_target(seen: Seen, role: str, queue: str, target: Mapping[str, Any] | None) -> str:
    whole = target or {"Id": f"{role}-queue", "Arn": queue_arn(seen, queue)}
    dlq = {"Arn": queue_arn(seen, seen.names.rules_dlq)}
    entry = {**whole, "DeadLetterConfig": dlq}
    arguments = f"--rule {role} --event-bus-name {seen.names.bus}"
    return aws_command(
        "events", "put-targets", seen, f"{arguments} --targets {quote(json.dumps([entry]))}"
    )
