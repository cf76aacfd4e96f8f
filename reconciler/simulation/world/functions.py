"""The functions of a region, run with the real detector, the real resolver and the real redriver.

Every invocation has ports of its own, as a new process does. A message is mostly handed
over as it is; now and then it goes through its JSON, as all do on the wire.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from reconciler.conflict.event import (
    ConflictEvent,
    Event,
    FoldCertificate,
    parse_certificate,
    parse_event,
)
from reconciler.conflict.fitting import check_is_ours
from reconciler.conflict.row import Row
from reconciler.detection.detector import Detector
from reconciler.detection.securing import DetectorPolicy
from reconciler.item.metadata import is_managed
from reconciler.ports import StreamRange, Unheard
from reconciler.redrive.letters import FailedEvent, contents
from reconciler.redrive.outcome import Result
from reconciler.redrive.redriver import Redriver
from reconciler.resolution.resolver import Message, Resolution, Resolver, Work
from reconciler.simulation.plan.plan import Plan
from reconciler.simulation.world.causes import Origin
from reconciler.simulation.world.items import SimulatedItems
from reconciler.simulation.world.ledger import LedgerTable, SimulatedLedger
from reconciler.simulation.world.poison import Poisoner
from reconciler.simulation.world.ports import (
    Ports,
    SimulatedBus,
    SimulatedEvidence,
    SimulatedParked,
    SimulatedSetAside,
    SimulatedStream,
)
from reconciler.simulation.world.queues import Letter
from reconciler.simulation.world.releases import Release, release_of
from reconciler.simulation.world.replica import SimulatedReplica
from reconciler.simulation.world.setting import Calls, Setting
from reconciler.values.wire import Image

_THROUGH_JSON = 1 / 16
Send = Callable[[Event], object]
Read = Callable[[StreamRange], Sequence[Any]]
OriginOf = Callable[[str, Image, Origin], Origin]


def _not_given(*_: Any) -> Any:
    raise AssertionError("this function is not given what it asks for")


class Functions:
    """One region's functions, and the stores that only they use.

    `set_aside` are the documents of batches that were given up, by reference; `when_parked` hears
    of every change that is parked.
    """

    def __init__(
        self, setting: Setting, replica: SimulatedReplica, plan: Plan, *, folds: bool
    ) -> None:
        self.region = replica.region
        self.ledger = LedgerTable()
        self.evidence: dict[str, str] = {}
        self.parked: list[Mapping[str, Any]] = []
        self.set_aside: dict[str, str | None] = {}
        self.when_parked: Callable[[Mapping[str, Any]], object] = lambda _: None
        self._setting = setting
        self._replica = replica
        self._poisoner = Poisoner(setting, self.region)
        self._policy = DetectorPolicy(
            plan.schema.table,
            self.region,
            "restore" if plan.restores else "accept",
            folds=folds,
            outside_writers=setting.outside_writers,
            ttl_attribute=plan.schema.ttl_attribute,
            key_lifetime_minutes=plan.schema.key_lifetime_minutes,
        )

    def detect(self, records: Sequence[Any], about: str, send: Send) -> str | None:
        """Run the detector on a batch; return the sequence number to come back to, if any."""
        calls, release = self._process("detect", about)
        self._setting.journal.count("batches")
        seen = [self._poisoner.view(release.read_record(record)) for record in records]
        by_number = {record["dynamodb"]["SequenceNumber"]: record["dynamodb"] for record in records}

        self.ledger.when_new = partial(self._note_filed, by_number)
        ports = self.ports(calls, release, send=send)
        return Detector(self._policy, ports, self._now_ms).detect(seen)

    def _note_filed(self, records: Mapping[str, Mapping[str, Any]], row: Row) -> None:
        """Note on what a losing image rests that is of a plain image: both that it was made of."""
        event = row.event()
        record = records.get(event.sequence_number, {})
        old, new = record.get("OldImage"), record.get("NewImage")
        if not record or (is_managed(old) and is_managed(new)):
            return
        image = event.lost or json.loads(self.evidence.get(event.images_ref or "", "{}")).get(
            "lost"
        )
        if image:
            self._setting.causes.note_filing(image, old, new)

    def resolve(self, letters: Sequence[Letter], about: str) -> set[str]:
        """Run the resolver on a batch; return the names of the messages that must come back."""
        calls, release = self._process("resolve", about)
        call = _Call(self, calls)
        messages, certificates = [], []
        for letter in letters:
            event = release.read_event(self._hand_over(letter))
            if isinstance(event, FoldCertificate):
                certificates.append(event)
            else:
                messages.append(Message(letter.name, event))
        resolver = _Watched(self.ports(calls, release, origin=call.origin), self._now_ms)
        resolver.call = call
        failed = resolver.resolve(messages)
        call.folds = True
        for certificate in certificates:
            resolver.fold(certificate)
        return set(failed)

    def redrive(self, body: str, about: str, send: Send, read: Read) -> Result:
        """Run the redriver on a message; `read` reads the stream again."""
        losses = (each.event for each in contents(body) if isinstance(each, FailedEvent))
        redriver, release = self._redriver(losses, about, send, read)
        return redriver.redrive(release.read_document(body))

    def resend(self, row: Row, about: str, send: Send) -> Result:
        """Run the redriver on a row that is still open."""
        return self._redriver((), about, send, lambda _: ())[0].resend(row)

    def origin_of_lost(self, event: ConflictEvent) -> Origin:
        """Return where the losing image of an event comes from."""
        image = event.lost
        if image is None:
            image = json.loads(self.evidence[event.images_ref or ""])["lost"]
        return self._setting.causes.of(image)

    def ports(
        self,
        calls: Calls,
        release: Release,
        *,
        send: Send = _not_given,
        origin: OriginOf = _not_given,
        read: Read = _not_given,
    ) -> Ports:
        """Return what one invocation works with; what it is not given it may not use."""
        return Ports(
            items=SimulatedItems(self._replica, calls, origin, release),
            ledger=SimulatedLedger(self.ledger, self._replica, calls),
            bus=SimulatedBus(send, calls, release),
            evidence=SimulatedEvidence(self.evidence, calls),
            parked=SimulatedParked(self.parked, calls, self.when_parked),
            set_aside=SimulatedSetAside(self.set_aside, calls, release),
            streams=SimulatedStream(read, calls, release, self._poisoner),
            telemetry=Unheard(),
            table=self._replica,
        )

    def name_of(self, event: Event) -> str:
        """Return the name of the item an event is about."""
        return self._replica.name_of(event.key)

    def _redriver(
        self, losses: Iterable[Event], about: str, send: Send, read: Read
    ) -> tuple[Redriver, Release]:
        calls, release = self._process("redrive", about)
        origin = _Call(self, calls, losses).origin
        ports = self.ports(calls, release, send=send, origin=origin, read=read)
        return Redriver(self._policy, ports, self._now_ms), release

    def _process(self, function: str, about: str) -> tuple[Calls, Release]:
        setting = self._setting
        process = f"{self.region}/{function}"
        release = release_of(setting.weather, process, setting.agenda.now_ms)
        return Calls(setting, self.region, about), release

    def _now_ms(self) -> int:
        return self._setting.wall_ms(self.region)

    def _hand_over(self, letter: Letter) -> Event:
        event = letter.event
        check_is_ours(event, self._policy.table, self._policy.region)  # as the door of AWS does
        if self._setting.draws.chance("wire", event.identifier) >= _THROUGH_JSON:
            return event
        self._setting.journal.count("through_json")
        detail = json.loads(event.to_detail())
        certificate = isinstance(event, FoldCertificate)
        return parse_certificate(detail) if certificate else parse_event(detail)


class _Call:
    """One invocation that merges: what its writes rest on, which are the losses it merges now."""

    def __init__(self, functions: Functions, calls: Calls, losses: Iterable[Event] = ()) -> None:
        self.folds = False
        self._functions = functions
        self._calls = calls
        self.merge(losses)

    def merge(self, losses: Iterable[Event]) -> None:
        """Take these for what the next write merges."""
        self._lost: dict[str, int] = {}
        self._ids: dict[str, list[str]] = {}
        for event in losses:
            if isinstance(event, ConflictEvent):
                name = self._functions.name_of(event)
                rests_on = self._functions.origin_of_lost(event).rests_on
                self._lost[name] = self._lost.get(name, 0) | rests_on
                self._ids.setdefault(name, []).append(event.conflict_id)

    def origin(self, name: str, image: Image, replaced: Origin) -> Origin:
        """Return where an image comes from that this invocation writes."""
        setting, region = self._calls.setting, self._calls.region
        token = setting.causes.name(image)
        taken = [] if self.folds else self._functions.ledger.put_over(image)
        lost = 0 if self.folds else self._lost.get(name, 0) | setting.causes.included(image, taken)
        kind = "fold" if self.folds else "merge"
        setting.journal.count("folds" if self.folds else "write_backs")
        setting.journal.note(
            region,
            kind,
            name,
            token=token,
            replaced=replaced.label,
            conflicts=",".join(() if self.folds else self._ids.get(name, ())),
        )
        label = f"{kind} {token}"
        return Origin(replaced.rests_on | lost, label, region, setting.agenda.now_ms)


class _Watched(Resolver):
    """The resolver, watched: of a batch it merges what it can, and parks the rest."""

    call: _Call

    def _repair(self, group: Sequence[Work]) -> Resolution:
        self.call.merge(work.message.event for work in group)
        return super()._repair(group)
