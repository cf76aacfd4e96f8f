"""Lines as keyed writes, several items at once; those of one item in their order.

A line that cannot be written is rejected with its reason and holds up no other one. What a later
try can do better is raised when the lines beside it are done.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from reconciler.causality.keys import Once
from reconciler.errors import (
    MALFORMED,
    InvalidInput,
    KeyExpired,
    OutcomeUnknown,
    ReconcilerError,
    reason_of,
)
from reconciler.ingest.meaning import Assignment
from reconciler.ingest.outside import Write, WriteMany
from reconciler.item.schema import Schema
from reconciler.ports import MOST_AT_ONCE, KeyedEdit
from reconciler.values.wire import to_json

WRITERS = 8  # as many calls at once as a client keeps connections for
WRITTEN, REPEATED = "written", "repeated"


@dataclass(frozen=True)
class Deed:
    """One line that is to be carried out, under its key."""

    assignment: Assignment
    once: Once

    @property
    def edit(self) -> KeyedEdit:
        """The edit that the line asks for."""
        return KeyedEdit(self.assignment.key, self._change, self.once)

    def _change(self, item: Any) -> None:
        self.assignment.make(item)
        if not item.edits and not item.exists:
            raise InvalidInput("the line assigns nothing to an item that is not there")


Numbered = tuple[int, Deed]
Ended = dict[int, str]  # what became of lines, by their numbers


class Writing:
    """Carries out lines, item by item; those of items that have one line, many in a call."""

    def __init__(self, schema: Schema, write: Write, write_many: WriteMany) -> None:
        self._schema = schema
        self._write = write
        self._write_many = write_many
        self._threads = ThreadPoolExecutor(WRITERS)

    def carry_out(self, deeds: Sequence[Numbered]) -> Ended:
        """Return what became of each numbered line: `WRITTEN`, `REPEATED`, or why it is rejected.

        KeyExpired if the lines are too old by now; errors that a later try may not meet.
        """
        ended: Ended = {}
        of_item: dict[str, list[Numbered]] = {}
        for number, deed in deeds:
            try:
                name = to_json(self._schema.key_image(deed.assignment.key))
            except InvalidInput as problem:
                ended[number] = reason_of(problem)
            else:
                of_item.setdefault(name, []).append((number, deed))
        alone = [lines[0] for lines in of_item.values() if len(lines) == 1]
        starts = range(0, len(alone), MOST_AT_ONCE)
        self._each(self._at_once, [alone[n : n + MOST_AT_ONCE] for n in starts], ended)
        left = [lines for lines in of_item.values() if lines[0][0] not in ended]
        self._each(self._in_order, left, ended)
        return ended

    def _each(
        self,
        work: Callable[[Sequence[Numbered]], tuple[Ended, ReconcilerError | None]],
        groups: Iterable[Sequence[Numbered]],
        ended: Ended,
    ) -> None:
        """Do work with each group of lines, several at once; add what became of the lines."""
        problems: list[ReconcilerError] = []
        for results, unfinished in self._threads.map(work, groups):
            ended |= results
            problems += [unfinished] if unfinished is not None else []
        if problems:
            raise problems[0]

    def _at_once(self, deeds: Sequence[Numbered]) -> tuple[Ended, ReconcilerError | None]:
        """Carry out in few calls what can be; nothing is said of the lines that are left."""
        try:
            made = self._write_many([deed.edit for _, deed in deeds])
        except ReconcilerError as problem:
            return {}, problem
        told = zip(deeds, made, strict=True)
        return {n: _told(repeated) for (n, _), repeated in told if repeated is not None}, None

    def _in_order(self, deeds: Sequence[Numbered]) -> tuple[Ended, ReconcilerError | None]:
        ended: Ended = {}
        for number, deed in deeds:
            try:
                ended[number] = _told(self._write(deed.edit))
            except ReconcilerError as problem:
                if isinstance(problem, KeyExpired | OutcomeUnknown):
                    return ended, problem  # a keyed write in doubt is simply made again
                if problem.disposition == "retry":
                    return ended, problem
                ended[number] = reason_of(problem)
            except MALFORMED as problem:
                ended[number] = reason_of(problem)
        return ended, None


def _told(is_repeated: bool) -> str:
    return REPEATED if is_repeated else WRITTEN
