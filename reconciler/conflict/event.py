"""The conflict event: what a detector tells the resolver, through the bus and two queues.

Events are versioned, and the same loss has the same id in every region. Whoever may send messages
can send anything, so whatever an event holds is of its form, or there is no event: times are
numbers, dots are dots, images are items that DynamoDB could hold.
Source: EventBridge API Reference, PutEvents.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from reconciler.causality.context import Dot, Lineage
from reconciler.causality.hlc import COARSE_WIDTH, DIGIT, Hlc
from reconciler.conflict.verdict import Finding, Verdict
from reconciler.errors import Undecodable, bounded
from reconciler.values.size import is_too_deep
from reconciler.values.wire import canonical_image, digest, to_json

Json = dict[str, Any]
_KEY_KINDS = ("S", "N", "B")
_AMOUNT = re.compile(r"-?[0-9.]{1,200}(E[-+]?[0-9]{1,3})?")


def _image(value: Any) -> Json:
    try:
        image = canonical_image(value)
    except Undecodable as problem:
        raise ValueError(str(problem)) from None
    if is_too_deep(image, levels=-1):  # DynamoDB takes one level more than this library writes
        raise ValueError("nests deeper than DynamoDB takes")
    return image


def _key(value: Any) -> Json:
    key = _image(value)
    if len(key) > 2 or not all(kind in _KEY_KINDS for wire in key.values() for kind in wire):
        raise ValueError("a key is one or two attributes: strings, numbers or bytes")
    return key


def _dot(text: str) -> str:
    return str(Dot.parse(text))


def _watermark(watermarks: Mapping[str, str]) -> Mapping[str, str]:
    for replica, epoch in watermarks.items():
        Lineage.parse(f"{replica}.{epoch}")
    return watermarks


def _lineages(lineages: Mapping[str, str]) -> Mapping[str, str]:
    for lineage, hlc in lineages.items():
        Lineage.parse(lineage), Hlc.parse(hlc)
    return lineages


def _amounts(amounts: Mapping[str, str]) -> Mapping[str, str]:
    for lineage, amount in amounts.items():
        Lineage.parse(lineage)
        if not _AMOUNT.fullmatch(amount):
            raise ValueError("not an amount")
    return amounts


Name = Annotated[str, Field(min_length=1, max_length=1_024)]
Milliseconds = Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]  # until the year 33658
Number = Annotated[str, Field(pattern=r"^[0-9]{0,40}$")]  # of a record in its stream
Key = Annotated[Json, BeforeValidator(_key)]  # {} if nobody can say
WireImage = Annotated[Json, BeforeValidator(_image)]
DotText = Annotated[str, AfterValidator(_dot)]
Watermarks = Annotated[Mapping[str, str], AfterValidator(_watermark)]
Lineages = Annotated[Mapping[str, str], AfterValidator(_lineages)]
Amounts = Annotated[Mapping[str, str], AfterValidator(_amounts)]


class ConflictEvent(BaseModel):
    """One loss. `key` and the images are in wire format; times are in milliseconds since 1970.

    `lost_at_ms` is the stream's approximate creation time, which AWS rounds down to a second.
    `version_attributes` are those by which a loss of an item without metadata was found.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal["1"] = "1"
    conflict_id: Name
    table: Name
    key: Key
    finding: Finding
    ordering: Name
    role: Literal["home", "witness"]
    region: Name
    replica: Name
    lost_dots: tuple[DotText, ...]
    lost_watermarks: Watermarks = {}
    restore: bool = False
    version_attributes: Annotated[tuple[Name, ...], Field(min_length=1, max_length=3)] | None = None
    sequence_number: Number
    lost_at_ms: Milliseconds
    detected_at_ms: Milliseconds
    lost: WireImage | None = None
    winner: WireImage | None = None
    images_ref: Name | None = None

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

    It holds for the stream up to `sequence_number`: every earlier loss has its ledger row. `names`
    named writes in front of the image's list are to become metadata. Of what is named alike in all
    regions it says up to which time it is about, what counters had of it, and the replica's mark.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal["1"] = "1"
    certificate_id: Name
    table: Name
    key: Key
    role: Literal["home"] = "home"
    replica: Name
    sequence_number: Number
    issued_at_ms: Milliseconds
    lineages: Lineages
    names: Annotated[int, Field(ge=0, le=1_000)] = 0
    amounts: Amounts = {}
    up_to: Annotated[str, Field(pattern=rf"^({DIGIT}{{{COARSE_WIDTH}}})?$")] = ""
    mark: Annotated[str, Field(pattern=rf"^({DIGIT}{{{4 * COARSE_WIDTH}}})?$")] = ""

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
        raise Undecodable(f"not a fold certificate: {_mistakes(problem)}", detail=detail) from None


def parse_event(detail: Any) -> ConflictEvent:
    """Return the event in an EventBridge detail; Undecodable, with the detail, if it is none."""
    try:
        return ConflictEvent.model_validate(detail)
    except ValidationError as problem:
        raise Undecodable(f"not a conflict event: {_mistakes(problem)}", detail=detail) from None


def _mistakes(problem: ValidationError) -> str:
    """Return which fields are wrong, and how, without what they hold."""
    return bounded(
        "; ".join(
            f"{each['loc'][0] if each['loc'] else 'it'}: {each['type']}"
            for each in problem.errors(include_url=False, include_input=False)
        )
    )


def conflict_id(table: str, key: Mapping[str, Any], verdict: Verdict, lost: Any) -> str:
    """Return the id of a loss: the same in every region that sees the same dots lost.

    It can be typed and pasted: it never begins with "-", as an option of a command does.
    """
    named: list[Any] = [str(dot) for dot in verdict.lost_dots]
    if verdict.finding in (Finding.UNMANAGED, Finding.SCALAR):
        named = [digest(to_json(canonical_image(lost)).encode(), 22)]
    loss = [table, canonical_image(key), verdict.finding.value, named, verdict.lost_watermarks]
    name = digest(to_json(loss).encode(), 22)
    return f"_{name[1:]}" if name.startswith("-") else name
