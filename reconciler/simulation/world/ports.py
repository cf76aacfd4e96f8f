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
from reconciler.item.metadata import METADATA, NAMES, is_managed, metadata_in, token_in
from reconciler.ports import Replacement, Restatement, StreamRange, Superseded, Unheard
from reconciler.simulation.plan import faults
from reconciler.simulation.world.causes import NOWHERE, Origin
from reconciler.simulation.world.ledger import SimulatedLedger
from reconciler.simulation.world.poison import Poisoner
from reconciler.simulation.world.releases import Release
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls
from reconciler.values.wire import Image

_COMPARED_ATTRIBUTES = 100


class SimulatedItems:
    """An `ItemStore`. `origin` says what a write rests on, given what it replaces.

    `last_read` is the image that was read last, and where it comes from.
    """

    def __init__(
        self,
        replica: SimulatedReplica,
        calls: Calls,
        origin: Callable[[str, Image, Origin], Origin],
        release: Release,
    ) -> None:
        self._replica = replica
        self._origin = origin
        self.calls = calls
        self.release = release
        self.last_read: tuple[Image | None, Origin] = (None, NOWHERE)

    def get(self, key: Image) -> Image | None:
        self.calls.begin("get")
        name = self._replica.name_of(key)
        seen: Image | None = self.release.read_image(self._replica.items.get(name))
        self.last_read = seen, self._replica.origin_of(name)
        self.calls.end("get")
        return seen

    def put(self, write: Replacement) -> Superseded | None:
        self.calls.begin_write("put")
        refusal = self._put(write)
        self.calls.end_write("put")
        return refusal

    def put_all(self, writes: Sequence[Replacement]) -> Sequence[Superseded | None] | None:
        """Refuse: no simulated client edits two items at once."""
        raise Unavailable(f"a transaction of {len(writes)} items")

    def restate(self, write: Restatement) -> bool:
        """Write metadata as `DynamoItems` does: readers see, and the image rests on, the same."""
        self.calls.begin_write("restate")
        replica = self._replica
        key = replica.name_of(write.image)
        current = self.release.read_image(replica.items.get(key)) or {}
        before = write.replacing
        held, known = (each.get(NAMES, {"L": []})["L"] for each in (current, before))
        stands = current.get(METADATA) == before.get(METADATA)
        stands = stands and held[: write.filed] == known[: write.filed]
        if stands:
            left = {NAMES: {"L": held[write.filed :]}} if NAMES in current else {}
            image = {**current, **left, METADATA: write.image[METADATA]}
            origin = self._origin(key, image, replica.origin_of(key))
            replica.write(key, self.release.write_image(image), origin)
        self.calls.end_write("restate")
        return stands

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:
        """Refuse: no simulated client queries."""
        raise Unavailable(f"a query: {sorted(parameters)}")

    def _put(self, write: Replacement) -> Superseded | None:
        replica = self._replica
        key = replica.name_of(write.image)
        current = self.release.read_image(replica.items.get(key))
        if not _stands(current, write):
            self.calls.setting.journal.count("refusals")
            return Superseded(current)
        before = self.calls.setting.causes.read(write.replacing, replica.items.get(key))
        origin = self._origin(key, write.image, before)
        replica.write(key, self.release.write_image(write.image), origin)
        return None


def _stands(current: Image | None, write: Replacement) -> bool:
    """Return whether the condition of a write holds, which is that of `DynamoItems`."""
    before = write.replacing
    if _version(current) != _version(before) or _names(current) != _names(before):
        return False
    if current is None or before is None or current is before or current == before:
        return True
    if is_managed(before) and not write.adopts:
        return True
    plain = sorted((name, value) for name, value in before.items() if name not in (METADATA, NAMES))
    return all(current.get(name) == value for name, value in plain[:_COMPARED_ATTRIBUTES])


def _names(image: Mapping[str, Any] | None) -> Any:
    return (image or {}).get(NAMES)


def _version(image: Mapping[str, Any] | None) -> str | None:
    if image is None:
        return None
    return token_in(metadata_in(image)) if is_managed(image) else ""


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
    code: str

    def replica(self) -> str:
        return self.code

    def refusal(self) -> str:
        """Return the same words for every refusal."""
        return "its row or its event was not accepted"
