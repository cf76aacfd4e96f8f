"""Operations written down one by one, for tests that are about one situation.

Edits read as those of `ReplicatedTable.edit`, but nothing is read back: what a client
finds when its turn comes is the simulation's to say, so assigning to a counter or a set means the
difference to nothing. Clients who edit one item at one time do so in the order written here.

    schedule = Schedule(schema)
    with schedule.edit("p1", region="us-east-1", at_ms=0) as party:
        party["name"] = "Ada"
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconciler.client.editor import ItemEditor
from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from reconciler.simulation.plan.plan import Operation
from reconciler.simulation.plan.raw import UPDATE, check_raw


class Schedule:
    """Edits written down one after the other; `operations` are numbered from 0 in that order."""

    def __init__(self, schema: Schema) -> None:
        self.operations: list[Operation] = []
        self._schema = schema

    @contextmanager
    def edit(
        self, key: str, *, region: str, at_ms: int, read_at_ms: int | None = None
    ) -> Iterator[ItemEditor]:
        """Add what a client in `region` does to an item at a time; InvalidInput for no edit.

        With `read_at_ms` its block opens then, and ends at `at_ms`.
        """
        item = ItemEditor(self._schema, {})
        yield item
        if not item.edits:
            raise InvalidInput(f"the operation on {key} at {at_ms} ms edits nothing")
        self._add(Operation(0, at_ms, region, key, tuple(item.edits), read_at_ms=read_at_ms))

    def raw(
        self,
        key: str,
        *edits: Edit,
        region: str,
        at_ms: int,
        call: str = UPDATE,
        read_at_ms: int | None = None,
    ) -> None:
        """Add a call of a client that does not use the library; InvalidInput for one there is none.

        With `read_at_ms` it saves the copy that it read then, with its edits.
        """
        operation = Operation(0, at_ms, region, key, edits, call, read_at_ms)
        check_raw(operation)
        self._add(operation)

    def _add(self, operation: Operation) -> None:
        self.operations.append(replace(operation, number=len(self.operations)))
