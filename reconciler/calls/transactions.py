"""A transaction in which writes of the library's tables are the library's writes. Pure.

It is tried again if others wrote one of its items since that was read. A condition of the caller's
that does not hold cancels it. What an item shows of its key (see `tokens`) is not made again; nor
is what it does in other tables, once one item shows the key.
HAZARD if a transaction under a token that is no key were tried again under another one: made again
by its caller, it would be carried out twice. So it is cancelled, as by a transaction at once.
"""

from collections.abc import Generator, Mapping
from typing import Any

from reconciler.calls.conditions import of_the_living
from reconciler.calls.known import check_known
from reconciler.calls.shown import refusal_shown
from reconciler.calls.steps import Answer, Parameters, Request, Steps, Writer
from reconciler.calls.taking import Taking, only_takes
from reconciler.calls.tokens import REUSED, TOKEN, check, is_made, key_of
from reconciler.calls.updates import named_update
from reconciler.calls.writes import Staged, contention, stage
from reconciler.client.placeholders import Placeholders
from reconciler.errors import KeyReused
from reconciler.values.wire import Image

CANCELLED = "TransactionCanceledException"
_FAILED = "ConditionalCheckFailed"
_SAID = "Transaction cancelled, please refer cancellation reasons for specific reasons"
_NONE = {"Code": "None"}
_CONFLICT = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
Writers = Mapping[str, Writer]  # by the table, as the call names it


def write_together(asked: Parameters, writers: Writers) -> Steps:
    """Carry out a TransactWriteItems."""
    check_known("TransactWriteItems", asked)
    together = _Together(asked, writers)
    try:
        return (yield from together.steps())
    except KeyReused:
        return REUSED


class _Together:
    """A transaction on its way: what it does, by its places, and what was made of it before."""

    def __init__(self, asked: Parameters, writers: Writers) -> None:
        self._asked, self._writers = asked, writers
        self._actions = [next(iter(each.items())) for each in asked["TransactItems"]]
        self._once = key_of(asked, writers)
        self._staged: dict[int, Staged | Taking] = {}
        self._made: set[int] = set()

    def steps(self) -> Steps:
        refusal = yield from self._stage()
        if refusal is not None:
            return refusal
        for attempt in range(min(writer.attempts for writer in self._writers.values())):
            check(self._once, self._writers)
            for place, staged in self._staged.items():
                self._note(place, staged.current)
            places = self._places()
            if not places:
                return Answer()
            sent = {**self._asked, "TransactItems": [self._sent(place) for place in places]}
            if self._once is not None:
                del sent[TOKEN]
            answer = yield Request("TransactWriteItems", sent, attempt)
            if answer.failure is not None:
                raise answer.failure
            if answer.code != CANCELLED:
                self._done(answer)
                return answer
            reasons = zip(places, answer.parsed.get("CancellationReasons", []), strict=True)
            cancelled = self._cancelled(answer, dict(reasons))
            if cancelled is not None:
                return cancelled
        raise contention(next(iter(self._writers.values())))

    def _stage(self) -> Generator[Request, Answer, Answer | None]:
        """Prepare the puts and deletes of the library's tables; return what a read failed with."""
        lineage = None if self._once is None else self._once.lineage()
        is_unsure = self._once is None and TOKEN in self._asked
        for place, (kind, action) in enumerate(self._actions):
            writer = self._writers.get(action["TableName"])
            if writer is None:
                continue
            check_known(kind, action)
            if kind in ("Put", "Delete"):
                found = yield from stage(action, writer, reads=True, once=lineage, afresh=is_unsure)
                if isinstance(found, Answer):
                    return found
                self._staged[place] = found
            elif kind == "Update":
                taking = Taking(action, writer, self._once) if only_takes(action) else None
                if taking is not None:
                    self._staged[place] = taking
                if self._once is None and not (is_unsure and taking is not None):
                    continue
                answer = yield self._read(action, writer)
                if answer.code:
                    return answer
                if not self._note(place, answer.parsed.get("Item")) and taking is not None:
                    taking.find(answer.parsed.get("Item"))
        return None

    def _read(self, action: Parameters, writer: Writer) -> Request:
        key = {"Key": writer.key_of(action["Key"]), "ConsistentRead": True}
        return Request("GetItem", {"TableName": action["TableName"], **key})

    def _note(self, place: int, found: Image | None) -> bool:
        """Take in that an item shows the key, if it does.

        HAZARD if an update did not look first: its condition does not tell another payload.
        """
        if is_made(self._once, found):
            self._made.add(place)
        return place in self._made

    def _places(self) -> list[int]:
        """Return the places of what is still to be done; of checks alone nothing is."""
        left = [place for place in range(len(self._actions)) if place not in self._made]
        if not self._made:
            return left
        left = [place for place in left if self._is_ours(place)]
        writes = [place for place in left if self._actions[place][0] != "ConditionCheck"]
        return left if writes else []

    def _sent(self, place: int) -> dict[str, Any]:
        kind, action = self._actions[place]
        writer = self._writers.get(action["TableName"])
        if writer is None:
            return {kind: action}
        if place in self._staged:
            kind, parameters = self._staged[place].parameters()
            return {kind: parameters}
        if kind == "Update":
            writer.seen.forget(writer.name_of(action["Key"]))
            named = named_update(action, writer, self._once)
            shows = {} if self._once is None else {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
            return {kind: {**named, **shows}}
        placeholders = Placeholders(action)
        condition = of_the_living(action["ConditionExpression"], placeholders, writer.schema)
        return {kind: {**action, "ConditionExpression": condition, **placeholders.parameters()}}

    def _done(self, answer: Answer) -> None:
        for place in self._staged.keys() - self._made if not answer.code else ():
            self._staged[place].done()

    def _cancelled(self, answer: Answer, reasons: Mapping[int, Any]) -> Answer | None:
        """Return a cancellation as its caller sees it; None if it is to be tried again."""
        failed = {place: each for place, each in reasons.items() if each.get("Code") == _FAILED}
        updates = [place for place in failed.keys() - self._staged.keys() if self._is_ours(place)]
        made = [place for place in updates if self._note(place, failed[place].get("Item"))]
        # All are asked, because each goes on from what it is told.
        moved = [
            place
            for place in failed.keys() & self._staged.keys()
            if not self._staged[place].is_callers(failed[place].get("Item") or None)
        ]
        if made or (moved and (self._once is not None or TOKEN not in self._asked)):
            return None
        reasons = dict.fromkeys(moved, _CONFLICT) if moved else reasons
        for place in self._staged.keys() - self._made:
            self._staged[place].refused(reasons.get(place, _NONE).get("Item"))
        return self._told(answer, reasons)

    def _is_ours(self, place: int) -> bool:
        return self._actions[place][1]["TableName"] in self._writers

    def _told(self, answer: Answer, reasons: Mapping[int, Any]) -> Answer:
        """Return a cancellation whose reasons show what the caller asked for."""
        told: list[Any] = []
        for place, (_, action) in enumerate(self._actions):
            reason, writer = reasons.get(place, _NONE), self._writers.get(action["TableName"])
            told.append(reason if writer is None else refusal_shown(reason, action, writer.schema))
        codes = ", ".join(each["Code"] for each in told)
        error = {**answer.parsed["Error"], "Message": f"{_SAID} [{codes}]"}
        return answer.with_(CancellationReasons=told, Error=error)
