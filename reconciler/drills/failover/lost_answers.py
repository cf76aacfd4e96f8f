"""A client whose region goes dark between its write and the answer, so that it is in doubt."""

from collections.abc import Callable
from threading import Barrier

from reconciler.drills.http_table import HttpTable, Write
from reconciler.drills.tables import Editor, Key

_SECONDS = 60


class LostAnswers:
    """What clients have in common whose answers are lost together; `then`: the region goes dark."""

    def __init__(self, clients: int, then: Callable[[], None]) -> None:
        self._made: list[bool] = []
        self._all_sent = Barrier(clients, then, _SECONDS)

    @property
    def made(self) -> int:
        """How many of the writes were carried out before, which no client knows."""
        return sum(self._made)

    def of(self, table: HttpTable) -> "InDoubt":
        """Return one of the clients."""
        return InDoubt(table, self)

    def sent(self, *, was_made: bool) -> None:
        """Wait until all writes are sent, and the region is dark."""
        self._made.append(was_made)
        self._all_sent.wait()


class InDoubt:
    """A `Table` whose writes are all made again, with their keys, where a region is well."""

    def __init__(self, table: HttpTable, lost: LostAnswers) -> None:
        self._table, self._lost = table, lost
        self.get = table.get

    def apply(self, key: Key, change: Callable[[Editor], None], /) -> None:
        """Edit an item, which may look at nothing of it."""
        write = Write(key, change)
        self._lost.sent(was_made=self._table.lose_answer(write))
        self._table.look_around("no answer")
        self._table.carry_out(write)
