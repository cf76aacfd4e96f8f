"""An update as a named write: the caller's own call, in one round trip. Pure.

HAZARD if one were sent again once it may have been carried out: it would count twice. So its answer
is settled by the name, which the item shows.
"""

from collections.abc import Callable
from typing import Any

from reconciler.calls.conditions import of_the_living
from reconciler.calls.known import check_known
from reconciler.calls.reads import sight_of
from reconciler.calls.shown import written_answer
from reconciler.calls.steps import Answer, Parameters, Request, Steps, Writer
from reconciler.calls.writes import saw_refusal
from reconciler.causality.keys import Once
from reconciler.client.naming import named
from reconciler.client.placeholders import Placeholders, both
from reconciler.item.standing import named_dot, says
from reconciler.values.wire import Wire

_OP = ":rec_op"


def update(asked: Parameters, writer: Writer) -> Steps:
    """Carry out an UpdateItem under a name; return the answer that its caller asked for."""
    check_known("UpdateItem", asked)
    answer = yield from carried_out(asked, writer, named_update(asked, writer))
    return written_answer(answer, asked, writer.schema)


def carried_out(asked: Parameters, writer: Writer, sent: dict[str, Any]) -> Steps:
    """Send an update under its name; return the answer to that."""
    name = writer.name_of(asked["Key"])
    sight = writer.seen.last(name)
    writer.seen.forget(name)
    answer = yield Request("UpdateItem", sent)
    if answer.failure is not None:
        answer = yield from _settled(answer, asked, _element(sent, asked))
    if answer.code:
        saw_refusal(name, sight, asked, answer.parsed.get("Item"), writer)
    elif asked.get("ReturnValues") == "ALL_NEW" and not answer.code:
        writer.seen.keep(name, sight_of(answer.parsed["Attributes"], writer.schema))
    return answer


def named_update(
    asked: Parameters,
    writer: Writer,
    once: Once | None = None,
    *,
    beside: Callable[[Placeholders], str] | None = None,
) -> dict[str, Any]:
    """Return the parameters of an update under its name, and its idempotency key if it has one.

    `beside` says a condition of ours, beside which a refusal shows the item.
    """
    placeholders = Placeholders(asked)
    condition = of_the_living(asked.get("ConditionExpression") or "", placeholders, writer.schema)
    rest = {name: asked[name] for name in asked if name != "ConditionExpression"}
    if beside is not None:
        condition = both(condition, beside(placeholders))
        rest["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    conditional = {"ConditionExpression": condition} if condition else {}
    return named(
        {**rest, **conditional, **placeholders.parameters()},
        schema=writer.schema,
        replica=writer.replica(),
        once=once,
        now_ms=writer.now_ms,
        nonce=writer.nonce,
    )


def _element(sent: Parameters, asked: Parameters) -> Wire:
    given = asked.get("ExpressionAttributeValues") or {}
    values = sent["ExpressionAttributeValues"]
    (op,) = [values[name] for name in values.keys() - given.keys() if name.startswith(_OP)]
    element: Wire = op["L"][0]
    return element


def _settled(doubt: Answer, asked: Parameters, element: Wire) -> Steps:
    """Return an answer if the item shows the name; else, or if it cannot be told, the failure."""
    returns = asked.get("ReturnValues", "NONE")
    read = {"TableName": asked["TableName"], "Key": asked["Key"], "ConsistentRead": True}
    answer = yield Request("GetItem", read)
    item = answer.parsed.get("Item")
    is_told = returns in ("NONE", "ALL_NEW") and says(item, named_dot(element))
    if doubt.failure is not None and not is_told:
        doubt.failure.evidence["dots"] = (str(named_dot(element)),)
        raise doubt.failure
    after = item if returns == "ALL_NEW" else None
    return Answer({"ResponseMetadata": answer.parsed["ResponseMetadata"]}).with_(Attributes=after)
