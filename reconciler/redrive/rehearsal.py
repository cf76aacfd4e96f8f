"""The ports of a rehearsal, which only reads, and those of the work on one letter.

The same detector and resolver run over these, so a dry run says what the real one does.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.conflict.event import Event
from reconciler.conflict.row import Row, State
from reconciler.errors import Undecodable
from reconciler.ports import (
    ConflictBus,
    EvidenceStore,
    ItemStore,
    Ledger,
    Naming,
    ParkedChanges,
    RedrivePorts,
    Replacement,
    Restatement,
    SetAside,
    Superseded,
    Telemetry,
)


class Heard:
    """A `Telemetry` that remembers what it was told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []

    def count(self, metric: str, value: int = 1, kind: str = "") -> None:  # noqa: ARG002 (of any)
        """Remember a count."""
        self.counts[metric] += value

    def measure(self, metric: str, value: float) -> None:
        """Remember no measurement."""

    def note(self, message: str, **fields: Any) -> None:  # noqa: ARG002 (the error says it all)
        """Remember an error."""
        if fields.get("error"):
            self.errors.append(str(fields["error"]))


class AlreadyParked:
    """`ParkedChanges` for what is in a parking place already: it refuses, and keeps the reason."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def park(self, document: Mapping[str, Any]) -> None:
        """Refuse; the message stays where it is."""
        self.reasons.append(str(document.get("reason")))
        raise Undecodable("parked already", reason=self.reasons[-1])


class UnwrittenPark:
    """`ParkedChanges` that keeps nothing, and says that all is kept."""

    def park(self, document: Mapping[str, Any]) -> None:
        """Keep nothing."""


class UnwrittenItems:
    """An `ItemStore` that reads only."""

    def __init__(self, items: ItemStore) -> None:
        self.get = items.get
        self.query = items.query

    def put(self, write: Replacement) -> None:
        """Write nothing, and say that it was written."""

    def put_all(self, writes: Sequence[Replacement]) -> None:
        """Write nothing, and say that it was written."""

    def update(self, write: Naming) -> Superseded:
        """Name nothing, so that the item is read and put."""
        return Superseded(self.get(write.key))

    def restate(self, write: Restatement) -> bool:  # noqa: ARG002 (nothing is folded)
        """Write nothing, and say so."""
        return False


class UnwrittenLedger:
    """A `Ledger` that reads only; a row that would be written anew is in no state any more."""

    def __init__(self, ledger: Ledger) -> None:
        self.rows_of = ledger.rows_of
        self._ledger = ledger
        self._rehearsed: set[str] = set()

    def record(self, rows: Sequence[Row]) -> set[str]:
        """Write nothing, and say that all is written."""
        self._rehearsed |= {row.conflict_id for row in rows}
        return set()

    set_state = record

    def in_state(self, state: State) -> Iterator[Row]:
        """Yield the rows in a state that the rehearsal has not come across."""
        for row in self._ledger.in_state(state):
            if row.conflict_id not in self._rehearsed:
                yield row


class UnsentEvents:
    """A `ConflictBus` that sends nothing, and says that all is sent."""

    def publish(self, events: Sequence[Event]) -> set[str]:  # noqa: ARG002 (nothing is sent)
        return set()


class UnwrittenEvidence:
    """An `EvidenceStore` that reads only."""

    def __init__(self, evidence: EvidenceStore) -> None:
        self.get = evidence.get

    def put(self, name: str, document: str) -> str:  # noqa: ARG002 (nothing is written)
        """Write nothing; return where it would be."""
        return f"unwritten://{name}"


class UnmovedBatches:
    """A `SetAside` that reads only; what would be moved away waits no more."""

    def __init__(self, set_aside: SetAside) -> None:
        self.is_empty = set_aside.is_empty
        self.get = set_aside.get
        self._set_aside = set_aside
        self._rehearsed: set[str] = set()

    def references(self) -> Iterator[str]:
        """Yield the references of those that would still wait."""
        return (each for each in self._set_aside.references() if each not in self._rehearsed)

    def done(self, reference: str) -> None:
        """Move nothing."""
        self._rehearsed.add(reference)


class Rehearsal:
    """A region over which a redrive only says what it would do."""

    def __init__(self, ports: RedrivePorts) -> None:
        self.items = UnwrittenItems(ports.items)
        self.ledger = UnwrittenLedger(ports.ledger)
        self.bus = UnsentEvents()
        self.evidence = UnwrittenEvidence(ports.evidence)
        self.parked = UnwrittenPark()
        self.set_aside = UnmovedBatches(ports.set_aside)
        self.streams = ports.streams
        self.refusal = ports.refusal
        self.replica = ports.replica
        self.replicas = ports.replicas


@dataclass(frozen=True)
class LetterPorts:
    """What the detector and the resolver of one letter work with."""

    items: ItemStore
    ledger: Ledger
    bus: ConflictBus
    evidence: EvidenceStore
    parked: ParkedChanges
    set_aside: SetAside
    telemetry: Telemetry
    replica: Callable[[], str]
    replicas: Callable[[], Sequence[str] | None]

    @classmethod
    def of(cls, ports: RedrivePorts, parked: ParkedChanges, telemetry: Telemetry) -> "LetterPorts":
        """Return a region's ports with the parking place and the telemetry of one letter."""
        return cls(
            items=ports.items,
            ledger=ports.ledger,
            bus=ports.bus,
            evidence=ports.evidence,
            parked=parked,
            set_aside=ports.set_aside,
            telemetry=telemetry,
            replica=ports.replica,
            replicas=ports.replicas,
        )
