"""One region's event bus, over the EventBridge API.

An event that is not certainly accepted is reported as not sent; sending it again is harmless.
Source: EventBridge API Reference, PutEvents.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from reconciler.aws.clients import Note, translated
from reconciler.conflict.event import ConflictEvent, Event, FoldCertificate
from reconciler.deployment.wiring import CERTIFICATE_DETAIL_TYPE, DETAIL_TYPE, EVENT_SOURCE
from reconciler.errors import InvalidInput, ReconcilerError, Unavailable

_ENTRIES_PER_CALL = 10
_CALL_BYTES = 1_000_000  # PutEvents takes 1,048,576 bytes, entries' own overhead included
_ENTRY_OVERHEAD_BYTES = 200


class Told(Protocol):
    """An event that says by what rules select it."""

    @property
    def identifier(self) -> str: ...

    @property
    def event_type(self) -> str: ...

    def to_detail(self) -> str: ...


class EventBridgeBus:
    """An EventBridge bus; `note` hears which events were not sent, and why.

    `trace` returns the X-Ray header that an event travels with, "" for none.
    """

    def __init__(self, bus: str, events: Any, trace: Callable[[Any], str], note: Note) -> None:
        self._bus = bus
        self._client = events
        self._trace = trace
        self._note = note

    def publish(self, events: Sequence[Event | Told]) -> set[str]:
        """Send events, ten a call and under 1 MB; each entry's own result is read."""
        unsent: dict[str, ReconcilerError] = {}  # and why
        about = {event.identifier: self._about(event) for event in events}
        for batch in batches([(event.identifier, event.to_detail()) for event in events]):
            entries = [{**about[identifier], "Detail": detail} for identifier, detail in batch]
            refusals = zip(batch, self._refusals(entries), strict=True)
            unsent |= {identifier: why for (identifier, _), why in refusals if why}
        reasons = {str(why): why for why in unsent.values()}
        for text, why in sorted(reasons.items()):
            identifiers = sorted(each for each in unsent if str(unsent[each]) == text)
            self._note("events not sent", error=why, identifiers=identifiers)
        return set(unsent)

    def _refusals(self, entries: Sequence[Mapping[str, str]]) -> list[ReconcilerError | None]:
        """Send one call's entries; return why each was not accepted, None if it was."""
        try:
            with translated("PutEvents"):
                results = self._client.put_events(Entries=entries)["Entries"]
        except InvalidInput as problem:  # of one entry, perhaps: it must not take others along
            if len(entries) == 1:
                return [problem]
            return [why for entry in entries for why in self._refusals([entry])]
        except ReconcilerError as problem:
            return [problem] * len(entries)
        return [None if "EventId" in each else _refusal(each) for each in results]

    def _about(self, event: Event | Told) -> dict[str, str]:
        about = {
            "EventBusName": self._bus,
            "Source": EVENT_SOURCE,
            "DetailType": _detail_type(event),
        }
        header = self._trace(event)  # counts towards no limit
        return {**about, "TraceHeader": header} if header else about


def _detail_type(event: Event | Told) -> str:
    if isinstance(event, ConflictEvent):
        return DETAIL_TYPE
    return CERTIFICATE_DETAIL_TYPE if isinstance(event, FoldCertificate) else event.event_type


def _refusal(result: Mapping[str, Any]) -> ReconcilerError:
    code, text = result.get("ErrorCode"), result.get("ErrorMessage")
    return Unavailable(f"PutEvents: {code}: {text}", call="PutEvents", code=code)


def batches(details: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield (id, detail) pairs in calls of at most ten entries and under 1 MB together."""
    batch: list[tuple[str, str]] = []
    size = 0
    for identifier, detail in details:
        weight = len(detail.encode()) + _ENTRY_OVERHEAD_BYTES
        if batch and (len(batch) == _ENTRIES_PER_CALL or size + weight > _CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((identifier, detail))
        size += weight
    if batch:
        yield batch
