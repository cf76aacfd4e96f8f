"""Writes of the library that read nothing: one update with a name on it, and no refusal.

What is added to counters, put into sets and assigned to registers means the same whatever stands
there. So it is an update that names itself, like that of any other client, and writers of one item
do not get in each other's way. A client keeps its name and adds to it.
HAZARD if one were sent again once it may have been carried out: nothing would refuse it, and it
would count twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from reconciler.causality.hlc import HybridClock
from reconciler.client.deeds import deeds_of
from reconciler.client.lost_answers import unsettled
from reconciler.client.memory import Memory
from reconciler.client.sending import Sender
from reconciler.client.update_expressions import Action, Given, Place
from reconciler.conflict.folding import CLOCK_SKEW_MARGIN_MS, SIGNED_WITHIN_MS
from reconciler.crdt.base import Edit
from reconciler.crdt.counter_pn import exact_sum
from reconciler.errors import InvalidInput, OutcomeUnknown, ReconcilerError, Unavailable
from reconciler.item.schema import Schema
from reconciler.item.standing import (
    Standing,
    added_to,
    drawn_ms,
    meets_again,
    name_of,
    named_dot,
    says,
    standing_in,
)
from reconciler.ports import ItemStore, Naming, Superseded
from reconciler.values.wire import Image, Path, Wire, number_text

_CLAUSES = {
    ("counter_pn", "increment"): "ADD",
    ("set_aw", "add"): "ADD",
    ("set_aw", "discard"): "DELETE",
    ("register_lww", "assign"): "SET",
}
# Where others write around the library. HAZARD if a name took the place of what they did: it does
# not say that its writer saw it, so it would be taken for lost, and come back.
_BESIDE_OTHERS = {("counter_pn", "increment"), ("set_aw", "add")}
# Of what is sent until then, the last try is signed in time.
_ADDED_TO_FOR_MS = SIGNED_WITHIN_MS - CLOCK_SKEW_MARGIN_MS // 2
# Each new name refuses those who add to theirs. HAZARD if they gave up at once, and put on a name
# more: of many writers that begin together nobody would ever add to one.
_MOST_TRIES = 20


class NamedWriter:
    """Writes named updates for one client."""

    def __init__(  # noqa: PLR0913, PLR0917 (these are what a client is)
        self,
        schema: Schema,
        store: ItemStore,
        replica: Callable[[], str],
        clock: HybridClock,
        sender: Sender,
        memory: Memory,
        *,
        beside_others: bool,
    ) -> None:
        self._schema = schema
        self._store = store
        self._replica = replica
        self._clock = clock
        self._sender = sender
        self._memory = memory
        self._kinds = _BESIDE_OTHERS if beside_others else _CLAUSES.keys()

    def write(self, key: Image, name: str, edits: Sequence[Edit]) -> Image | Superseded | None:
        """Return the item, called `name` in the memory, after edits that need no reading.

        Superseded with the item if it takes no name; None, and nothing was written, if the edits
        are not of this kind, do not fit what stands there, or are better made on what is read.
        """
        edits = combined(edits)
        kinds = {(self._schema.type_at(edit.path), edit.verb) for edit in edits}
        done = said_of(edits, self._schema) if kinds <= self._kinds else None
        if not done:
            return None
        standing = self._memory.take_name(name)  # HAZARD if two threads added to one name at once
        try:
            if standing is not None and self._is_young(standing):
                element = added_to(standing, edits, self._clock.now().wall_ms)
                if element is None and standing.size == 1:
                    return None  # nobody else writes it: one lineage is better than many names
                after = element and self._added(name, Naming(key, edits, element, standing))
                if after is not None:
                    return after
            element = name_of(self._replica(), self._clock.stamp(None), done)
            return self._sent(name, Naming(key, edits, element))
        except InvalidInput:
            return None

    def _is_young(self, standing: Standing) -> bool:
        return self._clock.now().wall_ms - drawn_ms(standing.element) < _ADDED_TO_FOR_MS

    def _added(self, name: str, write: Naming) -> Image | None:
        """Add to a name that stands; None if it does not, or not so that it may be added to."""
        again = write.standing
        for _ in range(_MOST_TRIES):
            if again is None:
                break
            answer = self._sent(name, replace(write, standing=again))
            if not isinstance(answer, Superseded):
                return answer
            again = meets_again(again, answer.current)
        return None

    def _sent(self, name: str, write: Naming) -> Image | Superseded:
        """Send an update that must not be sent again once it may have been carried out."""

        def send() -> Image | Superseded | None:
            try:
                return self._store.update(write)
            except OutcomeUnknown:
                return None

        answer = self._sender.answered(send, write)[0]
        if answer is None:
            return self._settled(write)
        if not isinstance(answer, Superseded):
            standing = standing_in(answer, write.element)
            if standing is not None:
                self._memory.keep(name, standing)
        return answer

    def _settled(self, write: Naming) -> Image:
        """Return the item if it proves that the write was carried out; else nobody can tell."""
        try:
            current = self._sender.answered(partial(self._store.get, write.key))[0]
        except Unavailable:
            current = None
        if current is None or not says(current, named_dot(write.element)):
            raise unsettled(write)
        return current


def said_of(edits: Sequence[Edit], schema: Schema) -> list[Wire] | None:
    """Return what a name says of edits, each of another place; None if no name can say it."""
    kinds = [(schema.type_at(edit.path), edit.verb) for edit in edits]
    if any(kind not in _CLAUSES for kind in kinds):
        return None
    if any(len(edit.path) > 1 and edit.verb in ("add", "discard") for edit in edits):
        return None  # DynamoDB promises ADD and DELETE of whole attributes alone
    actions = [
        Action(_CLAUSES[kind], Place(edit.path), Given(edit.value or {}))
        for kind, edit in zip(kinds, edits, strict=True)
    ]
    try:
        deeds = deeds_of(actions, schema)
    except ReconcilerError:
        return None  # the write on an image says what is wrong
    if [(deed.path, deed.verb) for deed in deeds] != [(edit.path, edit.verb) for edit in edits]:
        return None
    return [deed.wire() for deed in deeds]


def combined(edits: Sequence[Edit]) -> list[Edit]:
    """Return edits with one of each place, because an expression names each once; or none."""
    of: dict[Path, Edit] = {}
    for edit in edits:
        both = _both(of[edit.path], edit) if edit.path in of else edit
        if both is None:
            return []
        of[edit.path] = both
    return list(of.values())


def _both(first: Edit, then: Edit) -> Edit | None:
    if first.verb != then.verb or first.value is None or then.value is None:
        return None
    if then.verb == "assign":
        return then
    (kind, before), (other, value) = *first.value.items(), *then.value.items()
    try:
        if then.verb == "increment":
            total = exact_sum([Decimal(before), Decimal(value)])
            return replace(then, value={"N": number_text(total)})
    except (ValueError, ArithmeticError):
        return None
    return replace(then, value={kind: sorted({*before, *value})}) if kind == other else None
