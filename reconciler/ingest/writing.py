"""Lines as keyed writes, several items at once; those of one item in their order.

A line that cannot be written is rejected with its reason and holds up no other one. What a later
try can do better is raised when the lines beside it are done.
"""

from collections.abc import Iterable, Sequence
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
from reconciler.ingest.outside import Write
from reconciler.item.schema import Schema
from reconciler.values.wire import to_json

WRITERS = 8  # as many calls at once as a client keeps connections for
WRITTEN, REPEATED = "written", "repeated"


@dataclass(frozen=True)
class Deed:
    """One line that is to be carried out, under its key."""

    assignment: Assignment
    once: Once


class Writing:
    """Carries out lines with `write`, item by item."""

    def __init__(self, schema: Schema, write: Write) -> None:
        self._schema = schema
        self._write = write
        self._threads = ThreadPoolExecutor(WRITERS)

    def carry_out(self, deeds: Sequence[tuple[int, Deed]]) -> dict[int, str]:
        """Return what became of each numbered line: `WRITTEN`, `REPEATED`, or why it is rejected.

        KeyExpired if the lines are too old by now; errors that a later try may not meet.
        """
        ended: dict[int, str] = {}
        of_item: dict[str, list[tuple[int, Deed]]] = {}
        for number, deed in deeds:
            try:
                name = to_json(self._schema.key_image(deed.assignment.key))
            except InvalidInput as problem:
                ended[number] = reason_of(problem)
            else:
                of_item.setdefault(name, []).append((number, deed))
        problems: list[ReconcilerError] = []
        for results, unfinished in self._threads.map(self._in_order, of_item.values()):
            ended |= results
            problems += [unfinished] if unfinished is not None else []
        if problems:
            raise problems[0]
        return ended

    def _in_order(
        self, deeds: Iterable[tuple[int, Deed]]
    ) -> tuple[dict[int, str], ReconcilerError | None]:
        ended = {}
        for number, deed in deeds:
            try:
                ended[number] = self._carried_out(deed)
            except ReconcilerError as problem:
                if isinstance(problem, KeyExpired | OutcomeUnknown):
                    return ended, problem  # a keyed write in doubt is simply made again
                if problem.disposition == "retry":
                    return ended, problem
                ended[number] = reason_of(problem)
            except MALFORMED as problem:
                ended[number] = reason_of(problem)
        return ended, None

    def _carried_out(self, deed: Deed) -> str:
        def change(item: Any) -> None:
            deed.assignment.make(item)
            if not item.edits and not item.exists:
                raise InvalidInput("the line assigns nothing to an item that is not there")

        is_repeated = self._write(dict(deed.assignment.key), change, deed.once)
        return REPEATED if is_repeated else WRITTEN
