"""What subscribers are told of a party: events of TMF688, made of a stream's records. Pure.

Each replica's stream has every write, so only the region that made a write tells it: the tip of an
image, or a name in it, says who did. Merges have no tip and tell nothing; what becomes of a loss
the resolver of its home tells. The same write gives the same `eventId`, however often its record is
read, and one idempotency key does in whichever regions it is carried out. A write around the
library does not say where it was made, so nobody tells it.
Source: TMF688 Event Management v4.0.0, TMF632 v5.0.0 (Event, IndividualCreateEvent, ...).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from reconciler.api.tmf632.party import OURS, shown
from reconciler.api.tmf632.resources import INDIVIDUAL, RESOURCES, Resource, resource_of
from reconciler.causality.context import KEYED, CausalContext, Dot, Lineage, is_replica_of
from reconciler.conflict.event import ConflictEvent
from reconciler.detection.change import Change
from reconciler.errors import MALFORMED, ReconcilerError
from reconciler.item.image import read
from reconciler.item.metadata import context_of, is_managed, reading, tip_in
from reconciler.item.names import known_with_keys, names_in
from reconciler.text.plain_json import json_text
from reconciler.values.wire import Image, canonical_image, digest, from_wire

MOST_DETAIL_BYTES = 240_000  # EventBridge takes 1 MB; whom it delivers to may take 256 KB
_ID_WIDTH = 32
CREATED, CHANGED, STATE, DELETED, RESOLVED = (
    *("CreateEvent", "AttributeValueChangeEvent", "StateChangeEvent", "DeleteEvent"),
    "ConflictResolvedEvent",  # ours: TM Forum knows no conflicts
)
KINDS = (CREATED, CHANGED, STATE, DELETED, RESOLVED)
EVENT_TYPES = tuple(f"{each.name}{kind}" for each in RESOURCES for kind in KINDS)


@dataclass(frozen=True)
class Place:
    """The table and the region whose stream, or queue, is read."""

    table: str
    region: str


class _Write(NamedTuple):
    """A write that a record shows; `about` is its key, if it has one, or else its dot."""

    about: str
    at_ms: int


@dataclass(frozen=True)
class PartyEvent:
    """One event; `about` is the whole of what identifies it, and `more` what its type adds."""

    place: Place
    resource: Resource
    kind: str
    about: str
    at_ms: int
    party: Mapping[str, Any]
    more: Mapping[str, str]

    @cached_property
    def identifier(self) -> str:
        told = json_text([self.place.table, self.party["id"], self.about, self.event_type])
        return digest(told.encode(), _ID_WIDTH)

    @property
    def event_type(self) -> str:
        """What subscribers select events by."""
        return f"{self.resource.name}{self.kind}"

    def to_detail(self) -> str:
        """Return the event as its subscribers get it; of a party too large, where it is."""
        whole = self._text(self.party)
        if len(whole.encode()) <= MOST_DETAIL_BYTES:
            return whole
        return self._text({name: self.party[name] for name in OURS})

    def _text(self, party: Mapping[str, Any]) -> str:
        time = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        time = time.replace("+00:00", "Z")
        place = f"{self.place.table}/{self.place.region}"
        system = {"@type": "EntityRef", "id": place, "@referredType": "DynamoDBReplica"}
        return json_text(
            {
                "@type": f"{self.resource.kind}{self.kind}",
                "eventId": self.identifier,
                "eventTime": time,
                "timeOccurred": time,
                "eventType": self.event_type,
                "domain": "party",
                "source": system,
                "reportingSystem": system,
                **self.more,
                "event": {self.resource.name: party},
            }
        )


def events_of(change: Change, place: Place) -> list[PartyEvent]:
    """Return the events that a record of a stream is; none if its write was made elsewhere.

    What nobody can read tells nothing: the detector parks it.
    """
    if change.new is None or change.unreadable:
        return []
    try:
        old = canonical_image(change.old) if change.old is not None else None
        new = canonical_image(change.new)
        write = _written_here(old, new, place.region)
        return list(_events(old, new, write, place)) if write is not None else []
    except (ReconcilerError, *MALFORMED):
        return []


def resolved_event(event: ConflictEvent, now: Image | None, at_ms: int, place: Place) -> PartyEvent:
    """Return the event of a loss that was merged; `now` is the item, as a moment ago."""
    item = read(now)
    key = {name: from_wire(wire) for name, wire in canonical_image(event.key).items()}
    resource = (resource_of(item) if item is not None else None) or INDIVIDUAL
    party = shown(item) if item is not None and resource.holds(item) else _gone(resource, key)
    more = {"correlationId": event.conflict_id}
    return PartyEvent(place, resource, RESOLVED, event.conflict_id, at_ms, party, more)


def _written_here(old: Image | None, new: Image, region: str) -> _Write | None:
    """Return the write that a record shows, if this region's replica made it."""
    named = {name.dot for name in names_in(old or {})}
    known = known_with_keys(old or {})
    fresh = [n for n in names_in(new) if n.dot not in named and not known.covers(n.dot)]
    if fresh:  # what a named update adds is the last: those before it came with another's image
        dot, keyed = fresh[-1].dot, fresh[-1].keyed
        key = None if keyed is None else keyed.lineage
    else:
        tip = reading(new, tip_in) if is_managed(new) else None
        if tip is None:
            return None
        now = context_of(new)
        dot = Dot(Lineage(tip), now.heads[Lineage(tip)])
        key = _key_spent(known, now)
    if known.covers(dot) or not is_replica_of(dot.lineage.replica, region):
        return None
    return _Write(str(dot) if key is None else key, dot.hlc.wall_ms)


def _key_spent(known: CausalContext, now: CausalContext) -> Lineage | None:
    """Return the key that the write between two contexts spent; None if it had none."""
    keys = (dot.lineage for dot in now.lost_dots(known) if dot.lineage.replica == KEYED)
    return next(keys, None)


def _events(old: Image | None, new: Image, write: _Write, place: Place) -> Iterator[PartyEvent]:
    before, after = read(old), read(new)
    item = after if after is not None else before
    resource = resource_of(item) if item is not None else None
    if item is None or resource is None:
        return
    party = shown(item)

    def event(kind: str, **more: str) -> PartyEvent:
        return PartyEvent(place, resource, kind, write.about, write.at_ms, party, more)

    if after is None:
        yield event(DELETED)
    elif before is None or resource_of(before) is not resource:
        yield event(CREATED)
    else:
        names = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
        if "status" in names:
            yield event(STATE)
        if changed := [name for name in names if name != "status"]:
            yield event(CHANGED, fieldPath=",".join(changed))


def _gone(resource: Resource, key: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left to say of a party that is deleted."""
    return shown({"@type": resource.kind, **key}, ["id"])
