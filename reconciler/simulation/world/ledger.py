"""The ledger of one region in memory, and the port of it that a running function has."""

from collections.abc import Callable, Iterator, Sequence

from reconciler.conflict.row import Row, State, item_key
from reconciler.conflict.verdict import Finding
from reconciler.errors import OutcomeUnknown, Unavailable
from reconciler.item.metadata import is_managed, key_names_in, metadata_in
from reconciler.simulation.plan import faults
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls
from reconciler.values.wire import Image


class LedgerTable:
    """The rows of one region: item key -> conflict id -> row.

    `when_new` hears of every loss that is noted, `when_open` of those that are to be repaired.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = {}
        self.when_new: Callable[[Row], object] = lambda _: None
        self.when_open: Callable[[Row], object] = lambda _: None

    def keep(self, row: Row) -> bool:
        """Write one row; return whether it is the first of its loss."""
        rows = self.rows.setdefault(row.item_key, {})
        is_new = row.conflict_id not in rows
        rows[row.conflict_id] = row
        return is_new

    def put_over(self, image: Image) -> list[Image]:
        """Return the images of a managed item that whole puts took the place of."""
        if not is_managed(image):
            return []
        key = {name: image[name] for name in key_names_in(metadata_in(image))}
        rows = self.rows.get(item_key(key), {}).values()
        puts = (row.lost for row in rows if row.finding == Finding.OVERWRITTEN.value)
        return [lost for lost in puts if lost and is_managed(lost)]

    def open_row(self, item_key: str, conflict_id: str) -> Row | None:
        """Return the row of a loss that is not closed, None if it is."""
        row = self.rows.get(item_key, {}).get(conflict_id)
        return row if row is not None and row.state is State.OPEN else None

    def open_rows(self) -> list[str]:
        """Return the ids of the losses that are not closed."""
        return sorted(
            conflict_id
            for rows in self.rows.values()
            for conflict_id, row in rows.items()
            if row.state is State.OPEN
        )


class SimulatedLedger:
    """A `Ledger` over the rows of one region."""

    def __init__(self, table: LedgerTable, replica: SimulatedReplica, calls: Calls) -> None:
        self._table = table
        self._replica = replica
        self._calls = calls

    def record(self, rows: Sequence[Row]) -> set[str]:
        try:
            self._calls.begin_write("rows")
            refused = self._write(rows)
            self._calls.end_write("rows")
        except (Unavailable, OutcomeUnknown):
            return {row.conflict_id for row in rows}
        return refused

    def set_state(self, rows: Sequence[Row]) -> set[str]:
        found = [self._table.rows.get(row.item_key, {}).get(row.conflict_id) for row in rows]
        pairs = zip(rows, found, strict=True)
        return self.record([row if old is None else old.in_state_of(row) for row, old in pairs])

    def in_state(self, state: State) -> Iterator[Row]:
        """Refuse: a redrive is told of what the bus dropped."""
        raise Unavailable(f"the rows in {state}")

    def rows_of(self, item_key: str) -> Sequence[Row]:
        self._calls.begin("rows_of")
        rows = list(self._table.rows.get(item_key, {}).values())
        self._calls.end("rows_of")
        return rows

    def _write(self, rows: Sequence[Row]) -> set[str]:
        refused = set()
        for row in rows:
            if self._calls.strikes(faults.ROW_REFUSED, "row"):
                refused.add(row.conflict_id)
            elif self._table.keep(row) and (row.state is State.OPEN or _is_parked_loss(row)):
                self._note(row)
                self._table.when_new(row)
                if row.state is State.OPEN:
                    self._table.when_open(row)
        return refused

    def _note(self, row: Row) -> None:
        journal = self._calls.setting.journal
        # One that is parked at once, its stamp far ahead, is repaired as well: by a person, later.
        journal.count("conflicts")
        journal.note(
            self._calls.region,
            "loss",
            self._replica.name_in(row.item_key),
            conflict=row.conflict_id,
            role=row.role,
            finding=row.finding,
            dots=",".join(map(str, row.lost_dots or ())),
        )


def _is_parked_loss(row: Row) -> bool:
    return row.state is State.PARKED and bool(row.lost_dots)  # else nobody knows of what
