"""The conflict event: what a detector tells the resolver, through the bus and two queues.

Events are versioned. Numbers and stamps travel as strings, because EventBridge refuses integers
beyond 64 bits. The same loss has the same id in every region. The images travel inside, or, when
they are too large, as one object in the evidence bucket that `images_ref` names (claim check).
Source: EventBridge API Reference, PutEvents.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.conflict.verdict import Finding, Verdict
from reconciler.errors import Undecodable
from reconciler.values.wire import canonical_image, digest, to_json

Json = dict[str, Any]


class ConflictEvent(BaseModel):
    """One loss. `key` and the images are in wire format; times are in milliseconds since 1970.

    `lost_at_ms` is the stream's approximate creation time, which AWS rounds down to a second.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal["1"] = "1"
    conflict_id: str
    table: str
    key: Json
    finding: Finding
    ordering: str
    role: Literal["home", "witness"]
    region: str
    replica: str
    lost_dots: tuple[str, ...]
    lost_watermarks: Mapping[str, str] = {}
    restore: bool = False
    sequence_number: str
    lost_at_ms: str
    detected_at_ms: str
    lost: Json | None = None
    winner: Json | None = None
    images_ref: str | None = None

    @property
    def identifier(self) -> str:
        """What the bus and its answers call the event."""
        return self.conflict_id

    def to_detail(self) -> str:
        """Return the event's JSON; binary values inside images are base64 text, as in streams."""
        return to_json(self.model_dump(mode="python", exclude_none=True) | _plain(self))

    def document(self) -> Json:
        """Return the event as JSON types only."""
        return dict(json.loads(self.to_detail()))

    def images(self) -> str:
        """Return the document that the evidence bucket keeps for this event."""
        return to_json({"lost": self.lost, "winner": self.winner})


def _plain(event: ConflictEvent) -> Json:
    return {"finding": event.finding.value, "lost_dots": list(event.lost_dots)}


class FoldCertificate(BaseModel):
    """A detector's statement: these lineages of its replica are closed, each with its final hlc.

    It holds for the stream up to `sequence_number`: every earlier loss has its ledger row.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal["1"] = "1"
    certificate_id: str
    table: str
    key: Json
    role: Literal["home"] = "home"
    replica: str
    sequence_number: str
    issued_at_ms: str
    lineages: Mapping[str, str]

    @property
    def identifier(self) -> str:
        """What the bus and its answers call the certificate."""
        return self.certificate_id

    def to_detail(self) -> str:
        """Return the certificate's JSON."""
        return to_json(self.model_dump(mode="python"))


Event = ConflictEvent | FoldCertificate


def parse_certificate(detail: Any) -> FoldCertificate:
    """Return the certificate in an EventBridge detail; Undecodable if it is none."""
    try:
        return FoldCertificate.model_validate(detail)
    except ValidationError as problem:
        raise Undecodable(f"not a fold certificate: {problem}", detail=detail) from None


def parse_event(detail: Any) -> ConflictEvent:
    """Return the event in an EventBridge detail; Undecodable, with the detail, if it is none."""
    try:
        event = ConflictEvent.model_validate(detail)
    except ValidationError as problem:
        where = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problem.errors()
        )
        raise Undecodable(f"not a conflict event: {where}", detail=detail) from None
    canonical_image(event.key)  # Undecodable here, where its message alone is set aside
    canonical_image(event.lost or {})
    return event


def conflict_id(table: str, key: Mapping[str, Any], verdict: Verdict, lost: Any) -> str:
    """Return the id of a loss: the same in every region that sees the same dots lost.

    It can be typed and pasted: it never begins with "-", as an option of a command does.
    """
    named: list[Any] = [str(dot) for dot in verdict.lost_dots]
    if verdict.finding is Finding.UNMANAGED:
        named = [digest(to_json(canonical_image(lost)).encode(), 22)]
    loss = [table, canonical_image(key), verdict.finding.value, named, verdict.lost_watermarks]
    name = digest(to_json(loss).encode(), 22)
    return f"_{name[1:]}" if name.startswith("-") else name
