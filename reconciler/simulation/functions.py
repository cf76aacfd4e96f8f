"""The two functions of a region, run with the real detector and the real resolver.

Behaviour: every invocation has ports of its own, as a new process does. A message is mostly handed
over as it is; now and then it goes through its JSON, as all do on the wire.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.codec import Image
from reconciler.detector import Detector, DetectorPolicy, DetectorPorts
from reconciler.events import ConflictEvent, Event, FoldCertificate, parse_certificate, parse_event
from reconciler.resolver import Message, Resolver, ResolverPorts
from reconciler.simulation.causes import Origin
from reconciler.simulation.ports import (
    Bus,
    Evidence,
    Items,
    Ledger,
    LedgerTable,
    Parked,
    Unheard,
)
from reconciler.simulation.queues import Letter
from reconciler.simulation.releases import Release, release_of
from reconciler.simulation.replica import Replica
from reconciler.simulation.setting import Calls, Setting

_THROUGH_JSON = 1 / 16


class Functions:
    """One region's detector and resolver, and the stores that only they use."""

    def __init__(self, setting: Setting, replica: Replica, table: str, *, folds: bool) -> None:
        self.ledger = LedgerTable()
        self.evidence: dict[str, str] = {}
        self.parked: list[Mapping[str, Any]] = []
        self._setting = setting
        self._replica = replica
        self._region = replica.region
        self._policy = DetectorPolicy(table, self._region, folds=folds)

    def detect(self, records: Sequence[Any], about: str, bus: Any) -> str | None:
        """Run the detector on a batch; return the sequence number to come back to, if any."""
        calls = Calls(self._setting, self._region, about)
        release = self._release("detect")
        ports = DetectorPorts(
            ledger=Ledger(self.ledger, self._replica, calls),
            bus=Bus(bus, calls, release),
            evidence=Evidence(self.evidence, calls),
            parked=Parked(self.parked, calls),
            telemetry=Unheard(),
        )
        self._setting.journal.count("batches")
        seen = [release.noticed(record) for record in records]
        return Detector(self._policy, ports, self._now_ms).detect(seen)

    def resolve(self, letters: Sequence[Letter], about: str) -> set[str]:
        """Run the resolver on a batch; return the names of the messages that must come back."""
        calls = Calls(self._setting, self._region, about)
        call = _Call(self, letters, calls)
        release = self._release("resolve")
        messages, certificates = [], []
        for letter in letters:
            event = release.heard(self._handed_over(letter))
            if isinstance(event, FoldCertificate):
                certificates.append(event)
            else:
                messages.append(Message(letter.name, event))
        failed = call.resolver.resolve(messages)
        call.folds = True
        for certificate in certificates:
            call.resolver.fold(certificate)
        return set(failed)

    def resolver(self, items: Items, calls: Calls) -> Resolver:
        """Return a resolver that writes through `items`."""
        ports = ResolverPorts(
            items=items,
            ledger=Ledger(self.ledger, self._replica, calls),
            evidence=Evidence(self.evidence, calls),
            parked=Parked(self.parked, calls),
            telemetry=Unheard(),
        )
        return Resolver(ports, self._now_ms)

    def items(self, calls: Calls, origin: Any) -> Items:
        """Return the item store for one call."""
        return Items(self._replica, calls, origin, self._release("resolve"))

    def lost(self, event: ConflictEvent) -> Origin:
        """Return where the losing image of an event comes from."""
        image = event.lost
        if image is None:
            image = json.loads(self.evidence[event.images_ref or ""])["lost"]
        return self._setting.causes.of(image)

    def name_of(self, event: Event) -> str:
        """Return the name of the item an event is about."""
        return self._replica.name_of(event.key)

    def _release(self, function: str) -> Release:
        setting = self._setting
        process = f"{self._region}/{function}"
        return release_of(setting.weather, process, setting.agenda.now_ms)

    def _now_ms(self) -> int:
        return self._setting.wall_ms(self._region)

    def _handed_over(self, letter: Letter) -> Event:
        event = letter.event
        if self._setting.draws.chance("wire", event.identifier) >= _THROUGH_JSON:
            return event
        self._setting.journal.count("through_json")
        detail = json.loads(event.to_detail())
        certificate = isinstance(event, FoldCertificate)
        return parse_certificate(detail) if certificate else parse_event(detail)


class _Call:
    """One invocation of the resolver: what its writes rest on."""

    def __init__(self, functions: Functions, letters: Sequence[Letter], calls: Calls) -> None:
        self.folds = False
        self._calls = calls
        self._lost: dict[str, int] = {}
        self._ids: dict[str, list[str]] = {}
        for letter in letters:
            event = letter.event
            if isinstance(event, ConflictEvent):
                name = functions.name_of(event)
                rests_on = functions.lost(event).rests_on
                self._lost[name] = self._lost.get(name, 0) | rests_on
                self._ids.setdefault(name, []).append(event.conflict_id)
        self.resolver = functions.resolver(functions.items(calls, self._origin), calls)

    def _origin(self, name: str, image: Image, replaced: Origin) -> Origin:
        setting, region = self._calls.setting, self._calls.region
        token = str(image["_rec"]["M"]["t"]["S"])
        lost = 0 if self.folds else self._lost.get(name, 0)
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
