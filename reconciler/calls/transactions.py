"""A transaction in which writes of the library's tables are the library's writes. Pure.

It is tried again if others wrote one of its items since that was read. A condition of the caller's
that does not hold cancels it.
Limit: a call that is made again with its ClientRequestToken is another transaction: DynamoDB
refuses it (IdempotentParameterMismatch) within ten minutes of the first. The SDK's own retries are
one call.
"""

from collections.abc import Generator, Mapping
from typing import Any

from reconciler.calls.conditions import of_the_living
from reconciler.calls.known import check_known
from reconciler.calls.shown import refusal_shown
from reconciler.calls.steps import Answer, Parameters, Request, Steps, Writer
from reconciler.calls.updates import named_update
from reconciler.calls.writes import Staged, contention, stage
from reconciler.client.placeholders import Placeholders
from reconciler.values.wire import digest

CANCELLED = "TransactionCanceledException"
_TOKEN = "ClientRequestToken"  # noqa: S105 (the name of a parameter)
Writers = Mapping[str, Writer]  # by the table, as the call names it


def write_together(asked: Parameters, writers: Writers) -> Steps:
    """Carry out a TransactWriteItems."""
    check_known("TransactWriteItems", asked)
    actions = [next(iter(each.items())) for each in asked["TransactItems"]]
    staged = yield from _staged(actions, writers)
    if isinstance(staged, Answer):
        return staged
    for attempt in range(min(writer.attempts for writer in writers.values())):
        items = [
            _sent(kind, action, writers, staged.get(number))
            for number, (kind, action) in enumerate(actions)
        ]
        sent = {**asked, "TransactItems": items}
        if attempt and _TOKEN in asked:
            sent[_TOKEN] = digest(f"{asked[_TOKEN]}/{attempt}".encode(), 36)
        answer = yield Request("TransactWriteItems", sent, attempt)
        if answer.failure is not None:
            raise answer.failure
        if answer.code != CANCELLED:
            if not answer.code:
                for each in staged.values():
                    each.done()
            return answer
        if not _have_moved(answer, staged):
            reasons = answer.parsed.get("CancellationReasons", [])
            for number, each in staged.items():
                each.refused(reasons[number].get("Item"))
            return _told(answer, actions, writers)
    raise contention(next(iter(writers.values())))


def _staged(
    actions: list[tuple[str, Any]], writers: Writers
) -> Generator[Request, Answer, dict[int, Staged] | Answer]:
    """Return the puts and deletes of the library's tables, by their places, ready to be sent."""
    staged: dict[int, Staged] = {}
    for number, (kind, action) in enumerate(actions):
        writer = writers.get(action["TableName"])
        if writer is None:
            continue
        check_known(kind, action)
        if kind in ("Put", "Delete"):
            found = yield from stage(action, writer, reads=True)
            if isinstance(found, Answer):
                return found
            staged[number] = found
    return staged


def _sent(kind: str, action: Parameters, writers: Writers, staged: Staged | None) -> dict[str, Any]:
    writer = writers.get(action["TableName"])
    if writer is None:
        return {kind: action}
    if staged is not None:
        kind, parameters = staged.parameters()
        return {kind: parameters}
    if kind == "Update":
        writer.seen.forget(writer.name_of(action["Key"]))
        return {kind: named_update(action, writer)}
    placeholders = Placeholders(action)
    condition = of_the_living(action["ConditionExpression"], placeholders, writer.schema)
    return {kind: {**action, "ConditionExpression": condition, **placeholders.parameters()}}


def _have_moved(answer: Answer, staged: Mapping[int, Staged]) -> bool:
    """Return whether an item of the library's was written by others since it was read."""
    reasons = answer.parsed.get("CancellationReasons", [])
    moved = [
        not each.is_callers(reasons[number].get("Item") or None)
        for number, each in staged.items()
        if reasons[number].get("Code") == "ConditionalCheckFailed"
    ]
    return any(moved)


def _told(answer: Answer, actions: list[tuple[str, Any]], writers: Writers) -> Answer:
    """Return a cancellation whose reasons show what the caller asked for."""
    reasons = [
        refusal_shown(reason, action, writers[action["TableName"]].schema)
        if action["TableName"] in writers
        else reason
        for reason, (_, action) in zip(
            answer.parsed.get("CancellationReasons", []), actions, strict=True
        )
    ]
    return answer.with_(CancellationReasons=reasons)
