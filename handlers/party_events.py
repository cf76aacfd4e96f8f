"""What detector and resolver tell subscribers of parties, on a bus of its own.

An event that is not accepted brings its record, or its message, back; it has the same `eventId`
then. Nothing is told twice for a record that another one of its batch brings back, as a rule.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from handlers.observability import Observability
from handlers.settings import FunctionSettings
from reconciler.aws.bus import EventBridgeBus
from reconciler.aws.region import Region
from reconciler.conflict.event import ConflictEvent
from reconciler.detection.change import Change, parse
from reconciler.errors import ReconcilerError
from reconciler.values.wire import canonical_image

if TYPE_CHECKING:
    from reconciler.api.tmf632.events import PartyEvent


class PartyEvents:
    """Tells what became of parties in one region."""

    def __init__(
        self, settings: FunctionSettings, region: Region, observability: Observability
    ) -> None:
        from reconciler.api.tmf632 import events  # noqa: PLC0415 (most deployments tell nobody)

        self._events = events
        self._place = events.Place(settings.table, settings.region)
        self._region = region
        self._observability = observability
        self._bus = EventBridgeBus(
            settings.names.events_bus,
            region.client("events"),
            lambda _: "",
            observability.note,
        )

    def tell_changes(self, records: Sequence[Any], until: str | None) -> str | None:
        """Tell what records show that come before `until`; return what to come back to."""
        told: list[tuple[str, PartyEvent]] = []
        for change in _before(map(parse, records), until):
            told += [
                (change.number, event) for event in self._events.events_of(change, self._place)
            ]
        unsent = self._bus.publish([event for _, event in told]) if told else set()
        return next((number for number, event in told if event.identifier in unsent), until)

    def is_told(self, event: ConflictEvent) -> bool:
        """Tell that a loss was merged, with the party as it is now; return whether it is safe."""
        try:
            now = self._region.items.get(canonical_image(event.key))
        except ReconcilerError as problem:
            self._observability.note("not told", error=problem, conflict_id=event.conflict_id)
            return False
        at_ms = self._region.time.now_ms()
        return not self._bus.publish([self._events.resolved_event(event, now, at_ms, self._place)])


def _before(changes: Iterable[Change], until: str | None) -> Iterable[Change]:
    for change in changes:
        if until is not None and until in ("", change.number):
            return
        yield change
