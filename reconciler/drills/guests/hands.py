"""The hands that write, and the ledger of what they were acknowledged."""

import time
from collections.abc import Sequence
from typing import Any

from reconciler.client.editor import ItemEditor
from reconciler.clock import now_ms
from reconciler.drills.guests.calls import named_call, put_item, raw_call
from reconciler.drills.guests.clients import Guest
from reconciler.drills.guests.stage import Stage
from reconciler.drills.guests.writes import ALONE, COUNTER, LIBRARY, NAMED, SET, Answered, Write


class Hands:
    """Carries writes out and keeps the ledger; those of one item must come one after the other.

    Guests take turns, so that each of them comes to write every item in every region.
    """

    def __init__(self, stage: Stage, found: Sequence[Guest]) -> None:
        self.ledger: list[Answered] = []
        self._stage = stage
        self._guests = found

    def carry_out(self, write: Write) -> None:
        """Carry a write out; the next one gets a later millisecond."""
        done = self._by_library(write) if write.hand == LIBRARY else self._sent_by(write)
        self.ledger.append(done)
        acknowledged = now_ms()
        while now_ms() <= acknowledged:
            time.sleep(0.001)

    def _by_library(self, write: Write) -> Answered:
        seen = [True]

        def change(item: ItemEditor) -> None:
            if write.verb == "increment":
                item.increment(COUNTER, write.mark)
            elif write.verb == "add":
                item.add(SET, write.member)
            elif write.verb == "assign":
                item[write.attribute] = write.member
            elif write.verb == "discard":
                seen[0] = write.member in item.get(SET, set())
                item.discard(SET, write.member)
            else:
                seen[0] = write.attribute in item
                item.pop(write.attribute, None)

        self._stage.table(write.region).apply({"id": write.item.name}, change)
        return Answered(write, "library", saw=seen[0])

    def _sent_by(self, write: Write) -> Answered:
        named = write.hand == NAMED
        place = write.turn + self._stage.cloud.regions.index(write.region) + named
        guest = self._guests[place % len(self._guests)]
        call = named_call(write, self._stage.replica(write.region)) if named else raw_call(write)
        answer = guest.send(write.region, call)
        if write.item.kind == ALONE:
            return Answered(write, guest.name, left=_left(write, answer))
        return Answered(write, guest.name, saw=_saw(write, answer))


def _left(write: Write, answer: dict[str, Any]) -> dict[str, Any] | None:
    """Return the whole item that a raw write left."""
    if write.verb == "delete":
        return None
    return put_item(write) if write.verb == "put" else answer


def _saw(write: Write, before: dict[str, Any]) -> bool:
    """Return whether what a write takes back stood in the item before."""
    if write.verb == "discard":
        return write.member in before.get(SET, {"SS": []})["SS"]
    return write.verb != "remove" or write.attribute in before
