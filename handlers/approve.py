"""Lambda entry point of the approval workflow: each invocation is one step of it, or its start.

Event source: a schedule for `start`, the state machine for the rest
(`reconciler.deployment.approval`). The schedule reads the ledger and not the parked queue, whose
messages are the redrive's: a start that fails, or is missed, is made up for by the next one.
"""

from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from handlers.observability import Observability
from handlers.settings import FunctionSettings, function_settings
from handlers.tracing import traced
from reconciler.aws import connect
from reconciler.aws.clients import idempotent
from reconciler.aws.region import Region
from reconciler.causality.context import replica_id
from reconciler.conflict.row import Row, State
from reconciler.crdt import custom
from reconciler.deployment import telemetry
from reconciler.errors import Contention, ReconcilerError, Unavailable, bounded
from reconciler.feed.carrying_out import Desk, decide
from reconciler.feed.case import Case, document, open_case, to_decide
from reconciler.feed.question import Question, parse_answer, question_text, subject
from reconciler.feed.rows import summary
from reconciler.feed.workflow import execution_input, execution_name, waits

CLOSED = {"waits": False, "problem": ""}


class StepPorts(NamedTuple):
    """What the steps need: the settings, the region's adapters, logs and metrics."""

    settings: FunctionSettings
    region: Region
    observability: Observability


@cache
def _function() -> StepPorts:
    settings = function_settings()
    custom.load(settings.custom_types)
    observability = Observability(
        "approve", settings.table, settings.region, log_items=settings.log_items
    )
    return StepPorts(settings, Region(settings, telemetry=observability), observability)


@traced
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take the step that `action` names; start takes `state_machine_arn`, the others the `case`."""
    ports = _function()
    with ports.observability.invocation(context):
        if event["action"] == "start":
            return _start(ports, event["state_machine_arn"])
        case = event["case"]
        row = _row(ports, case)
        ports.observability.measure_clock(ports.region.time)
        if row is None or not waits(row):
            return CLOSED
        if event["action"] == "apply":
            return _apply(ports, row, case["answer"])
        if event["action"] in ("notify", "escalate"):
            _ask(ports, row, event)
        return {"waits": True, "problem": ""}


def _start(ports: StepPorts, state_machine_arn: str) -> dict[str, Any]:
    """Start the workflow of every parked row; whose name is taken has it, or had it."""
    machine = ports.region.client("stepfunctions")
    found = failed = 0
    for row in ports.region.ledger.in_state(State.PARKED):
        found += 1
        name = execution_name(row.conflict_id)
        try:
            with idempotent("StartExecution"), suppress(machine.exceptions.ExecutionAlreadyExists):
                machine.start_execution(
                    stateMachineArn=state_machine_arn, name=name, input=execution_input(row)
                )
        except ReconcilerError as problem:
            failed += 1
            ports.observability.note("not started", conflict_id=name, error=problem)
    if failed:
        raise Unavailable(f"{failed} executions were not started; the next run starts them")
    return {"parked": found}


def _row(ports: StepPorts, case: dict[str, Any]) -> Row | None:
    rows = ports.region.ledger.rows_of(case["item_key"])
    return next((r for r in rows if r.conflict_id == case["conflict_id"]), None)


def _case(ports: StepPorts, row: Row) -> Case:
    region = ports.region
    return open_case(row, region.items, region.evidence, region.ledger)


def _ask(ports: StepPorts, row: Row, event: dict[str, Any]) -> None:
    escalated = event["action"] == "escalate"
    settings, now = ports.settings, ports.region.time.now_ms()
    waiting, attributes, unread = [], None, ""
    try:
        case = _case(ports, row)
        attributes = document(case, now)["attributes"]
        waiting, unread = to_decide(case), case.unread
    except ReconcilerError as problem:  # a question without its images is better than none
        ports.observability.note("asked without images", error=problem)
    question = Question(
        table=settings.table,
        region=settings.region,
        suffix=settings.suffix,
        token=event["token"],
        seconds=event["decision_seconds"],
        problem=event["case"]["problem"],
        undecided=waiting,
        attributes=attributes,
        unread=unread,
    )
    with idempotent("Publish"):
        ports.region.client("sns").publish(
            TopicArn=event["topic_arn"],
            Subject=subject(settings.table, escalated),
            Message=question_text(question, summary(row, now)),
        )
    asked = telemetry.DECISIONS_ESCALATED if escalated else telemetry.DECISIONS_ASKED
    ports.observability.count(asked)


def _apply(ports: StepPorts, row: Row, output: Any) -> dict[str, Any]:
    """Carry the answer out; one that cannot be goes back to the person, with the reason."""
    try:
        answer = parse_answer(output)
        case = _case(ports, row)
        decide(case, answer, _desk(ports))
    except ReconcilerError as problem:
        if problem.disposition == "retry" and not isinstance(problem, Contention):
            raise
        ports.observability.note("answer refused", error=problem)
        return {"waits": True, "problem": bounded(str(problem))}
    ports.observability.count(telemetry.DECISIONS)
    return CLOSED


def _desk(ports: StepPorts) -> Desk:
    region, outside = ports.region, ports.settings.outside_writers
    return Desk(
        region.items,
        region.ledger,
        lambda schema: connect(schema, region=region.name, outside_writers=outside),
        replica_id(region.name),
        region.time.now_ms,
    )
