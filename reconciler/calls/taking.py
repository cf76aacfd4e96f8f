"""An update that only takes away: where no item is, it does nothing, as DynamoDB has it. Pure.

A name would make an item of its key. So the named update is one of what is there; if nothing is,
what is sent instead changes nothing, and has the caller's condition looked at.
Source: DynamoDB API Reference, UpdateItem (AttributeUpdates, DELETE).
"""

import re
from typing import Any

from reconciler.calls.changes import Deletion
from reconciler.calls.conditions import of_the_living
from reconciler.calls.known import check_known
from reconciler.calls.shown import is_deleted, written_answer
from reconciler.calls.steps import (
    REFUSED,
    Answer,
    Parameters,
    Request,
    Steps,
    Writer,
    given_image,
)
from reconciler.calls.updates import carried_out, named_update
from reconciler.calls.writes import Staged, contention, saw_refusal
from reconciler.causality.keys import Once
from reconciler.client.placeholders import Placeholders, both
from reconciler.client.replacing import unchanged
from reconciler.client.update_expressions import parse
from reconciler.errors import InvalidInput
from reconciler.item.metadata import EXPIRY
from reconciler.values.wire import Image, canonical_image

_NAMES, _VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"


def only_takes(asked: Parameters) -> bool:
    """Return whether an update only takes away; one that cannot be read is refused elsewhere."""
    names, values = asked.get(_NAMES) or {}, asked.get(_VALUES) or {}
    try:
        return parse(asked.get("UpdateExpression") or "", names, values).takes_only
    except InvalidInput:
        return False


class Taking:
    """Such an update on its way: of what is there, until it is found that nothing is."""

    def __init__(self, asked: Parameters, writer: Writer, once: Once | None = None) -> None:
        self._asked, self._writer, self._once = asked, writer, once
        self._name = writer.name_of(asked["Key"])
        self._sight = writer.seen.last(self._name)
        self._nothing: Staged | None = None  # what is sent where no item is
        self.current: Image | None = None

    @property
    def is_there(self) -> bool:
        """Whether an item is taken to be there."""
        return self._nothing is None

    def find(self, found: Image | None) -> None:
        """Take in an item as it was read, or as a refusal shows it."""
        writer = self._writer
        self.current = canonical_image(found) if found else None
        self._nothing = None
        if self.current is None or is_deleted(self.current, writer.schema):
            lineage = None if self._once is None else self._once.lineage()
            deletion = Deletion(given_image(self._asked["Key"]), writer, lineage)
            self._nothing = Staged(deletion, _condition_in(self._asked), writer, self.current)

    def parameters(self) -> tuple[str, dict[str, Any]]:
        """Return what to send: a "Put", or an "Update"."""
        asked, writer = self._asked, self._writer
        # HAZARD if what was seen outlived an update whose answer is lost: see `seen`.
        writer.seen.forget(self._name)
        if self._nothing is None:
            return "Update", named_update(asked, writer, self._once, beside=self._stands)
        kind, parameters = self._nothing.parameters()
        if kind == "Put":
            return kind, parameters
        # The caller's own, not a Delete, to which it may have no right.
        placeholders = Placeholders(asked)
        theirs = of_the_living(asked.get("ConditionExpression") or "", placeholders, writer.schema)
        ours = unchanged(None, writer.schema.key[0], placeholders, adopts=False)
        shows = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        condition = {"ConditionExpression": both(theirs, ours)}
        return "Update", {**asked, **condition, **shows, **placeholders.parameters()}

    def is_callers(self, found: Image | None) -> bool:
        """Return whether a refusal is due to the caller's condition.

        If it is not, the next try is made on what was found.
        """
        if self._nothing is not None and self._nothing.is_callers(found):
            return True
        before, was_there, was_told = self.current, self.is_there, self._is_told()
        self.find(found)
        if self._once is not None and self.current != before:
            return False  # what it shows now may be the key
        is_as_sent = (was_told and self._is_told()) or self.current == before
        return was_there and self.is_there and is_as_sent

    def done(self) -> None:
        """Remember that nothing is there, if so."""
        if self._nothing is not None:
            self._nothing.done()

    def refused(self, found: Image | None) -> None:
        """Remember what was seen before, or what the refusal shows: nothing was written."""
        saw_refusal(self._name, self._sight, self._asked, found, self._writer)

    def _stands(self, placeholders: Placeholders) -> str:
        """Return the condition that an item is there; of one brought back, that it is as it was.

        HAZARD if the latter were taken to be there: deleted meanwhile, it would be brought back.
        """
        key = self._writer.schema.key[0]
        if not self._is_told():
            return unchanged(self.current, key, placeholders, adopts=True)
        is_there = f"attribute_exists({placeholders.name(key)})"
        return f"{is_there} AND attribute_not_exists({placeholders.name(EXPIRY)})"

    def _is_told(self) -> bool:
        """Return whether its expiry tells that the item is alive; one brought back has one."""
        return self.current is None or EXPIRY not in self.current


def take(asked: Parameters, writer: Writer) -> Steps:
    """Carry out an update that only takes away; return the answer that its caller asked for."""
    check_known("UpdateItem", asked)
    taking = Taking(asked, writer)
    for attempt in range(writer.attempts):
        kind, sent = taking.parameters()
        if taking.is_there:
            answer = yield from carried_out(asked, writer, sent)
        else:
            answer = yield Request(f"{kind}Item", sent, attempt)
        if answer.failure is not None:
            raise answer.failure
        if not answer.code and not taking.is_there:
            taking.done()
            return _nothing(answer)
        found = answer.parsed.get("Item")
        if answer.code != REFUSED or taking.is_callers(found):
            if answer.code:
                taking.refused(found)
            return written_answer(answer, asked, writer.schema)
        if not taking.is_there and not asked.get("ConditionExpression"):
            return _nothing(answer)
    raise contention(writer)


def _nothing(answer: Answer) -> Answer:
    """Return the answer to an update that did nothing."""
    told = answer.parsed.get("ResponseMetadata", {})
    return Answer({"ResponseMetadata": {**told, "HTTPStatusCode": 200}})


def _condition_in(asked: Parameters) -> dict[str, Any]:
    """Return the parameters of an update without what only its UpdateExpression mentions."""
    condition = asked.get("ConditionExpression") or ""
    words = set(re.findall(r"[#:]\w+", condition, re.ASCII))
    rest = {n: asked[n] for n in asked if n not in ("UpdateExpression", _NAMES, _VALUES)}
    given = {
        n: {w: asked[n][w] for w in words & asked[n].keys()}
        for n in (_NAMES, _VALUES)
        if asked.get(n)
    }
    return {**rest, **{name: part for name, part in given.items() if part}}
