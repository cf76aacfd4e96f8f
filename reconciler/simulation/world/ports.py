"""The reconciler's ports in memory, on one region, for one running function.

The contract of `reconciler.ports`, with faults: a call may be refused, carried out in
part, carried out unheard, or be the last thing a process does. Images are shared, never copied:
nobody changes one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.conflict.event import Event
from reconciler.errors import EvidenceExpired, OutcomeUnknown, Unavailable
from reconciler.ports import StreamRange, Unheard
from reconciler.simulation.plan import faults
from reconciler.simulation.world.items import SimulatedItems
from reconciler.simulation.world.ledger import SimulatedLedger
from reconciler.simulation.world.poison import Poisoner
from reconciler.simulation.world.releases import Release
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls


class SimulatedBus:
    """A `ConflictBus`; `deliver` takes each event that is accepted."""

    def __init__(self, deliver: Callable[[Event], object], calls: Calls, release: Release) -> None:
        self._deliver = deliver
        self._release = release
        self._calls = calls

    def publish(self, events: Sequence[Event]) -> set[str]:
        try:
            self._calls.begin_write("events")
            refused = set()
            for event in events:
                if self._calls.strikes(faults.ENTRY_REFUSED, "entry"):
                    refused.add(event.identifier)
                else:
                    self._deliver(self._release.write_event(event))
            self._calls.end_write("events")
        except (Unavailable, OutcomeUnknown):
            return {event.identifier for event in events}
        return refused


class SimulatedEvidence:
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
            raise EvidenceExpired(f"{reference} is not there")
        return self._documents[reference]


class SimulatedParked:
    """`ParkedChanges`; `documents` are those of the region, `heard` is told of each new one."""

    def __init__(
        self,
        documents: list[Mapping[str, Any]],
        calls: Calls,
        heard: Callable[[Mapping[str, Any]], object],
    ) -> None:
        self._documents = documents
        self._calls = calls
        self._heard = heard

    def park(self, document: Mapping[str, Any]) -> None:
        self._calls.begin("park")
        self._documents.append(document)
        self._calls.setting.journal.count("parked")
        reason = str(document.get("reason"))
        self._calls.setting.journal.note(self._calls.region, "park", "", reason=reason)
        self._heard(document)
        self._calls.end("park")


class SimulatedSetAside:
    """A `SetAside`; `documents` are those of the region, None once they are done."""

    def __init__(self, documents: dict[str, str | None], calls: Calls, release: Release) -> None:
        self._documents = documents
        self._calls = calls
        self._release = release

    def is_empty(self) -> bool:
        self._calls.begin("list")
        return not any(self._documents.values())

    def references(self) -> Iterator[str]:
        self._calls.begin("list")
        return iter([name for name, document in self._documents.items() if document])

    def get(self, reference: str) -> str | None:
        self._calls.begin("fetch")
        document = self._documents[reference]
        return document and self._release.read_document(document)

    def done(self, reference: str) -> None:
        self._calls.begin("move")
        self._documents[reference] = None
        self._calls.end("move")


class SimulatedStream:
    """A `StreamReader`; `read` returns what the region's stream still holds."""

    def __init__(
        self,
        read: Callable[[StreamRange], Sequence[Any]],
        calls: Calls,
        release: Release,
        poisoner: Poisoner,
    ) -> None:
        self._read = read
        self._calls = calls
        self._release = release
        self._poisoner = poisoner

    def read(self, wanted: StreamRange) -> Sequence[Any]:
        self._calls.begin("read")
        seen = (self._release.read_record(record) for record in self._read(wanted))
        return [self._poisoner.view(record) for record in seen]


@dataclass(frozen=True)
class Ports:
    """What one invocation of any function works with."""

    items: SimulatedItems
    ledger: SimulatedLedger
    bus: SimulatedBus
    evidence: SimulatedEvidence
    parked: SimulatedParked
    set_aside: SimulatedSetAside
    streams: SimulatedStream
    telemetry: Unheard
    table: SimulatedReplica

    def replica(self) -> str:
        return self.table.code

    def replicas(self) -> Sequence[str]:
        return self.table.codes()

    def refusal(self) -> str:
        """Return the same words for every refusal."""
        return "its row or its event was not accepted"
