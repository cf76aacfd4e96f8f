"""The reconciler's ports in memory, on one region, for one running function.

Behaviour: the contract of `reconciler.ports`, with faults: a call may be refused, carried out in
part, carried out unheard, or be the last thing a process does. Images are shared, never copied:
nobody changes one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.codec import Image
from reconciler.errors import OutcomeUnknown, Unavailable
from reconciler.events import Event
from reconciler.item import METADATA
from reconciler.ledger import LedgerRow, State
from reconciler.ports import Replacement, Superseded
from reconciler.simulation import faults
from reconciler.simulation.causes import Origin
from reconciler.simulation.releases import Release
from reconciler.simulation.replica import Replica
from reconciler.simulation.setting import Calls


class Items:
    """An `ItemStore`. `origin` says what a write rests on, given what it replaces."""

    def __init__(
        self,
        replica: Replica,
        calls: Calls,
        origin: Callable[[str, Image, Origin], Origin],
        release: Release,
    ) -> None:
        self._replica = replica
        self._origin = origin
        self.calls = calls
        self.release = release

    def get(self, key: Image) -> Image | None:
        self.calls.begin("get")
        image = self._replica.items.get(self._replica.name_of(key))
        self.calls.end("get")
        seen: Image | None = self.release.reading(image)
        return seen

    def put(self, write: Replacement) -> Superseded | None:
        self.calls.write("put")
        refusal = self._put(write)
        self.calls.written("put")
        return refusal

    def put_all(self, writes: Sequence[Replacement]) -> Sequence[Superseded | None] | None:
        """Refuse: no simulated client edits two items at once."""
        raise Unavailable(f"a transaction of {len(writes)} items")

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:
        """Refuse: no simulated client queries."""
        raise Unavailable(f"a query: {sorted(parameters)}")

    def _put(self, write: Replacement) -> Superseded | None:
        replica = self._replica
        key = replica.name_of(write.image)
        current = self.release.reading(replica.items.get(key))
        if _version(current) != _version(write.replacing):
            self.calls.setting.journal.count("refusals")
            return Superseded(current)
        origin = self._origin(key, write.image, replica.origin_of(key))
        replica.write(key, self.release.written(write.image), origin)
        return None


def _version(image: Mapping[str, Any] | None) -> Any:
    return image and image[METADATA]["M"]["t"]


class LedgerTable:
    """The rows of one region: item key -> conflict id -> row."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Image]] = {}

    def keep(self, row: LedgerRow) -> bool:
        """Write one row; return whether it is the first of its loss."""
        rows = self.rows.setdefault(row.item["item_key"]["S"], {})
        is_new = row.conflict_id not in rows
        rows[row.conflict_id] = row.item
        return is_new

    def open_rows(self) -> list[str]:
        """Return the ids of the losses that are not closed."""
        return sorted(
            conflict_id
            for rows in self.rows.values()
            for conflict_id, row in rows.items()
            if row["state"]["S"] == State.OPEN.value
        )


class Ledger:
    """A `Ledger`."""

    def __init__(self, table: LedgerTable, replica: Replica, calls: Calls) -> None:
        self._table = table
        self._replica = replica
        self._calls = calls

    def record(self, rows: Sequence[LedgerRow]) -> set[str]:
        try:
            self._calls.write("rows")
            refused = self._written(rows)
            self._calls.written("rows")
        except (Unavailable, OutcomeUnknown):
            return {row.conflict_id for row in rows}
        return refused

    def rows_of(self, item_key: str) -> Sequence[Image]:
        self._calls.begin("rows_of")
        rows = list(self._table.rows.get(item_key, {}).values())
        self._calls.end("rows_of")
        return rows

    def _written(self, rows: Sequence[LedgerRow]) -> set[str]:
        refused = set()
        for row in rows:
            if self._calls.strikes(faults.ROW_REFUSED, "row"):
                refused.add(row.conflict_id)
            elif self._table.keep(row) and row.item["state"]["S"] == State.OPEN.value:
                self._note(row)
        return refused

    def _note(self, row: LedgerRow) -> None:
        journal = self._calls.setting.journal
        item = row.item
        journal.count("conflicts")
        journal.note(
            self._calls.region,
            "loss",
            self._replica.name_in(item["item_key"]["S"]),
            conflict=row.conflict_id,
            role=item["role"]["S"],
            finding=item["finding"]["S"],
            dots=",".join(dot["S"] for dot in item["lost_dots"]["L"]),
        )


class Bus:
    """A `ConflictBus`; `deliver` takes each event that is accepted."""

    def __init__(self, deliver: Callable[[Event], object], calls: Calls, release: Release) -> None:
        self._deliver = deliver
        self._release = release
        self._calls = calls

    def publish(self, events: Sequence[Event]) -> set[str]:
        try:
            self._calls.write("events")
            refused = set()
            for event in events:
                if self._calls.strikes(faults.ENTRY_REFUSED, "entry"):
                    refused.add(event.identifier)
                else:
                    self._deliver(self._release.told(event))
            self._calls.written("events")
        except (Unavailable, OutcomeUnknown):
            return {event.identifier for event in events}
        return refused


class Evidence:
    """An `EvidenceStore`; `documents` are those of the region."""

    def __init__(self, documents: dict[str, str], calls: Calls) -> None:
        self._documents = documents
        self._calls = calls

    def put(self, name: str, document: str) -> str:
        self._calls.begin("keep")
        self._documents[f"memory://{name}"] = document
        self._calls.end("keep")
        return f"memory://{name}"

    def get(self, reference: str) -> str:
        self._calls.begin("fetch")
        if reference not in self._documents:
            raise Unavailable(f"{reference} is not there")
        return self._documents[reference]


class Parked:
    """`ParkedChanges`; `documents` are those of the region."""

    def __init__(self, documents: list[Mapping[str, Any]], calls: Calls) -> None:
        self._documents = documents
        self._calls = calls

    def park(self, document: Mapping[str, Any]) -> None:
        self._calls.begin("park")
        self._documents.append(document)
        self._calls.setting.journal.count("parked")
        reason = str(document.get("reason"))
        self._calls.setting.journal.note(self._calls.region, "park", "", reason=reason)
        self._calls.end("park")


class Unheard:
    """A `Telemetry` that nobody reads."""

    def count(self, metric: str, value: float = 1) -> None:
        """Count nothing."""

    def note(self, message: str, **fields: Any) -> None:
        """Log nothing."""
