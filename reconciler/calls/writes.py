"""A put or a delete of one item as conditional writes of the library. Pure.

The caller's condition is sent beside the library's own, so DynamoDB looks at both at once. If the
library's does not hold, others wrote the item since: it is tried again on theirs. If the caller's
does not, that is the answer.
"""

from collections.abc import Generator, Mapping
from typing import Any

from reconciler.calls.changes import Change, Deletion, Put, PutBack
from reconciler.calls.conditions import of_the_living
from reconciler.calls.known import check_known
from reconciler.calls.reads import sight_of
from reconciler.calls.seen import Sight
from reconciler.calls.shown import written_answer
from reconciler.calls.steps import (
    REFUSED,
    Answer,
    Parameters,
    Request,
    Steps,
    Writer,
    given_image,
)
from reconciler.causality.context import Lineage
from reconciler.client.lost_answers import carried_out, unsettled
from reconciler.client.placeholders import Placeholders, both
from reconciler.client.replacing import unchanged
from reconciler.errors import Contention
from reconciler.item.metadata import METADATA, NAMES, is_managed, metadata_in, tip_in, token_of
from reconciler.ports import Replacement
from reconciler.values.wire import Image, canonical_image

_PASSED_ON = (
    *("TableName", "ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"),
)
Known = Mapping[str, Image | None]  # items by their names, as they are now
NOTHING: Known = {}


class Staged:
    """A put or a delete on its way: the item as it was found last, and what is to stand there."""

    def __init__(
        self, change: Change, asked: Parameters, writer: Writer, current: Image | None
    ) -> None:
        self._change, self._asked, self._writer = change, asked, writer
        self._name = writer.name_of(asked.get("Item") or asked["Key"])
        self._sight = writer.seen.last(self._name)
        self.current = current
        self._written: Image | None = None

    def parameters(self) -> tuple[str, dict[str, Any]]:
        """Return what to send, a "Put" or a "Delete", and its item, conditions and table."""
        asked, schema = self._asked, self._writer.schema
        placeholders = Placeholders(asked)
        theirs = of_the_living(asked.get("ConditionExpression") or "", placeholders, schema)
        self._written = self._change.onto(self.current)
        # HAZARD if the same bytes took the place of more than they: what others set around the
        # library would be gone, and the record would look as if they had taken it back.
        adopts = not self._is_new() or Replacement(self._written or {}, self.current).adopts
        ours = unchanged(self.current, schema.key[0], placeholders, adopts=adopts)
        # Until its answer is known, it is in doubt. HAZARD if a put that failed, and was carried
        # out, were made again as a difference to what was seen before: it would count twice.
        self._writer.seen.forget(self._name)
        if self._is_new():
            self._writer.lanes.forget(self._name)
        kind = "Delete" if self._written is None else "Put"
        what = {"Key": asked.get("Key")} if self._written is None else {"Item": self._written}
        return kind, {
            "TableName": asked["TableName"],
            **what,
            "ConditionExpression": both(theirs, ours),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **placeholders.parameters(),
        }

    def done(self) -> None:
        """Remember what was written."""
        written = self._written
        if self._is_new() and written is not None and tip_in(metadata_in(written)):
            self._writer.lanes.keep(self._name, written)
        self._writer.seen.keep(self._name, Sight(written, self._change.view()))

    def refused(self, found: Image | None) -> None:
        """Remember what was seen before, or what the refusal shows: nothing was written."""
        saw_refusal(self._name, self._sight, self._asked, found, self._writer)

    def is_callers(self, found: Image | None) -> bool:
        """Return whether a refusal that found this item is due to the caller's condition.

        If it is not, the next try is made on what was found.
        """
        found = canonical_image(found) if found else None
        if found == (canonical_image(self.current) if self.current is not None else None):
            return bool(self._asked.get("ConditionExpression"))
        self.current = found
        return False

    def is_carried_out(self, found: Image | None) -> bool:
        """Return whether what was refused when the SDK sent it again was carried out before.

        OutcomeUnknown if nobody can tell.
        """
        written = self._written
        if written is None or not self._is_new():
            return False
        if found and is_managed(found) and token_of(found) == token_of(written):
            return True
        write = Replacement(written, self.current)
        if tip_in(metadata_in(written)) is None or not carried_out(write, found):
            raise unsettled(write)
        return True

    def _is_new(self) -> bool:
        return self._written is not None and self._written is not self.current


def write(operation: str, asked: Parameters, writer: Writer, known: Known = NOTHING) -> Steps:
    """Carry out a PutItem or a DeleteItem; return the answer that its caller asked for."""
    check_known(operation, asked)
    staged = yield from stage(asked, writer, reads="Key" in asked, known=known)
    if isinstance(staged, Answer):
        return staged
    for attempt in range(writer.attempts):
        before = staged.current
        kind, parameters = staged.parameters()
        passed_on = {name: asked[name] for name in _PASSED_ON if name in asked}
        answer = yield Request(f"{kind}Item", {**parameters, **passed_on}, attempt)
        if answer.failure is not None:
            raise answer.failure
        found = answer.parsed.get("Item") or None
        if answer.code == REFUSED and answer.is_retried and staged.is_carried_out(found):
            answer = Answer({"ResponseMetadata": answer.parsed["ResponseMetadata"]})
            if asked.get("ReturnValues") == "ALL_OLD" and before is not None:
                answer = answer.with_(Attributes=canonical_image(before))
        if not answer.code:
            staged.done()
            return written_answer(answer, asked, writer.schema)
        if answer.code != REFUSED:
            return answer
        if staged.is_callers(found):
            staged.refused(found)
            return written_answer(answer, asked, writer.schema)
    raise contention(writer)


def stage(  # noqa: PLR0913 (a stage is all of these, by name)
    asked: Parameters,
    writer: Writer,
    *,
    reads: bool,
    once: Lineage | None = None,
    afresh: bool = False,
    known: Known = NOTHING,
) -> Generator[Request, Answer, Staged | Answer]:
    """Return a put or a delete, ready to be sent; or what a read of its item failed with.

    What nobody saw of an item is read first if it `reads`; else a put begins as if there were none.
    `afresh`: what was seen is, too. `known` are items that were just read, by name. `once` is the
    lineage of the idempotency key that it spends.
    """
    check_condition(asked, writer)
    given = asked.get("Item") or asked["Key"]
    sight = writer.seen.last(writer.name_of(given))
    item = given_image({n: given[n] for n in given if n not in (METADATA, NAMES)})
    handed = given_image({n: given[n] for n in (METADATA, NAMES) if n in given})
    if sight is not None and handed:
        sight = sight_of(sight.image, writer.schema) if _are_of(handed, sight.image) else None
    current = sight.image if sight is not None else None
    if sight is None and writer.name_of(given) in known:
        current = known[writer.name_of(given)]
    elif afresh or (sight is None and (reads or handed)):
        parameters = {"Key": writer.key_of(given), "ConsistentRead": True}
        answer = yield Request("GetItem", {"TableName": asked["TableName"], **parameters})
        if answer.code:
            return answer
        found = answer.parsed.get("Item")
        current = canonical_image(found) if found else None
    if sight is None and handed and _are_of(handed, current):
        sight = sight_of(current, writer.schema)
    change: Change = Put(item, sight, writer, once)
    if "Item" not in asked:
        change = Deletion(item, writer, once)
    elif sight is None and is_managed(handed):
        change = PutBack({**item, **handed}, writer, once)
    return Staged(change, asked, writer, current)


def check_condition(asked: Parameters, writer: Writer) -> None:
    """Raise InvalidInput, before anything is sent, for a condition that cannot be read."""
    of_the_living(asked.get("ConditionExpression") or "", Placeholders(asked), writer.schema)


def check_put(given: Parameters, writer: Writer, known: Known) -> None:
    """Raise, before anything is sent, what a put would raise: what cannot be held, or told."""
    if given.keys() & {METADATA, NAMES}:
        return
    name = writer.name_of(given)
    sight = writer.seen.last(name)
    Put(given_image(given), sight, writer).onto(sight.image if sight else known.get(name))


def saw_refusal(
    name: str, before: Sight | None, asked: Parameters, found: Image | None, writer: Writer
) -> None:
    """Remember an item that a refusal shows to its caller; else what was seen of it before."""
    if found and asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
        before = sight_of(found, writer.schema)
    if before is not None:
        writer.seen.keep(name, before)


def _are_of(handed: Mapping[str, Any], image: Image | None) -> bool:
    held = {name: image[name] for name in (METADATA, NAMES) if name in image} if image else {}
    return handed == canonical_image(held)


def contention(writer: Writer) -> Contention:
    """Return the error for an item that others kept writing."""
    return Contention(
        f"others wrote an item of {writer.schema.table} before each of {writer.attempts} tries;"
        " nothing was written: try again, or update the item, which waits for nobody",
        attempts=writer.attempts,
    )
