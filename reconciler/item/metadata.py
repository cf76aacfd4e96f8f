"""The replicated item and its one wire form: plain attributes beside one reserved map, `_rec`.

Behaviour: `encode` is canonical: equal items give equal bytes, in any region. `decode` reads an
image back and says which attributes no longer match the metadata, because a writer went around the
library. A deleted item shows only its key, so indexes drop it; its values wait inside `_rec`.

`_rec` is a map of: v wire version · t version token · i key names · c causal context (lineage ->
hlc) · w watermarks · p tip · d live dots · a state of each attribute · h digests of what each shows
· l dots that keep the item alive · x dots that keep it deleted · e expiry (s since 1970) · s values
of a deleted item. States name dots by their position in d.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from reconciler.causality.context import CausalContext, Dot, Lineage
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, decode_tagged, dots_of, encode_tagged, refs_text
from reconciler.errors import ReconcilerError, Undecodable, UnknownWireVersion
from reconciler.values.wire import Image, Wire, canonical_bytes, canonical_image, digest, to_json

METADATA = "_rec"
EXPIRY = "_rec_ttl"  # a top-level number, because that is all DynamoDB's TTL looks at
WIRE_VERSION = "1"
TOKEN_WIDTH = 12
_DIGEST_WIDTH = 6
T = TypeVar("T")


@dataclass(frozen=True)
class ReplicatedItem:
    """An item with its causality.

    `tip` is the lineage that wrote the image, if a local write did. The item exists iff a dot keeps
    it `alive` and none keeps it `dead` (a delete that wins over updates it has not seen).
    """

    key: Image
    attributes: Mapping[str, Crdt] = field(default_factory=dict)
    context: CausalContext = field(default_factory=CausalContext)
    tip: Lineage | None = None
    alive: tuple[Dot, ...] = ()
    dead: tuple[Dot, ...] = ()
    expires: int | None = None

    @property
    def exists(self) -> bool:
        return bool(self.alive) and not self.dead

    def latest(self) -> Hlc | None:
        """Return the greatest hlc of the context and of live dots, which folds leave behind."""
        heads, states = self.context.heads.values(), self.attributes.values()
        live = chain(self.alive, self.dead, *(state.dots() for state in states))
        return max(chain(heads, (dot.hlc for dot in live)), default=None)


def reading(image: Any, read: Callable[[Any], T]) -> T:
    """Return `read(metadata)`; Undecodable, with the metadata, if it is not what we write."""
    try:
        metadata = image[METADATA]["M"]
        if metadata["v"]["N"] != WIRE_VERSION:
            raise _unknown(metadata["v"]["N"], metadata)
        return read(metadata)
    except ReconcilerError:
        raise
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError) as cause:
        evidence = image.get(METADATA) if isinstance(image, Mapping) else image
        raise Undecodable(
            f"unreadable metadata ({type(cause).__name__}: {cause})", metadata=evidence
        ) from None


def _unknown(version: str, metadata: Any) -> Undecodable:
    said = f"metadata version {version!r}; this release reads {WIRE_VERSION}"
    if version.isdecimal() and int(version) > int(WIRE_VERSION):
        return UnknownWireVersion(f"{said}: deploy the newer release here", metadata=metadata)
    return Undecodable(said, metadata=metadata)


def is_managed(image: Mapping[str, Wire] | None) -> bool:
    """Return whether the image carries reconciler metadata."""
    return image is not None and METADATA in image


def context_of(image: Mapping[str, Wire]) -> CausalContext:
    """Return a managed image's causal context, reading nothing else."""
    return reading(image, _context)


def token_of(image: Mapping[str, Wire]) -> str:
    """Return a managed image's version token: what a conditional write compares."""
    return reading(image, lambda metadata: str(metadata["t"]["S"]))


def _context(metadata: Mapping[str, Wire]) -> CausalContext:
    return CausalContext(
        {
            Lineage.parse(lineage): Hlc.parse(hlc["S"])
            for lineage, hlc in metadata["c"]["M"].items()
        },
        {replica: str(epoch["S"]) for replica, epoch in metadata.get("w", {"M": {}})["M"].items()},
    )


def encode(item: ReplicatedItem) -> Image:
    """Return the item's wire image; the same bytes for the same item."""
    states = {name: item.attributes[name].prune() for name in sorted(item.attributes)}
    live = {*item.alive, *item.dead, *(dot for state in states.values() for dot in state.dots())}
    dots = sorted(live)
    refs = {dot: str(position) for position, dot in enumerate(dots)}
    shown = {name: state.visible() for name, state in states.items()}
    visible = {name: value for name, value in shown.items() if value is not None}
    heads, watermarks = item.context.heads, item.context.watermarks
    metadata: Image = {
        "v": {"N": WIRE_VERSION},
        "i": {"SS": sorted(item.key)},
        "c": {"M": {lineage: {"S": str(heads[lineage])} for lineage in sorted(heads)}},
        "d": {"L": [{"S": str(dot)} for dot in dots]},
        "a": {"M": {name: encode_tagged(state, refs) for name, state in states.items()}},
        "h": {"S": _digests(shown)},
        "l": {"S": refs_text(item.alive, refs)},
    }
    if watermarks:
        metadata["w"] = {
            "M": {replica: {"S": watermarks[replica]} for replica in sorted(watermarks)}
        }
    if item.tip:
        metadata["p"] = {"S": str(item.tip)}
    if item.dead:
        metadata["x"] = {"S": refs_text(item.dead, refs)}
    if item.expires is not None:
        metadata["e"] = {"N": str(item.expires)}
    if not item.exists:
        metadata["s"] = {"M": visible}
        visible = {EXPIRY: {"N": str(item.expires)}} if item.expires is not None else {}
    metadata["t"] = {"S": digest(to_json(metadata).encode(), TOKEN_WIDTH)}
    return {**item.key, **visible, METADATA: {"M": metadata}}


def _digests(shown: Mapping[str, Wire | None]) -> str:
    return "".join(digest(canonical_bytes(shown[name]), _DIGEST_WIDTH) for name in sorted(shown))


def decode(image: Mapping[str, Any]) -> tuple[ReplicatedItem, dict[str, Wire | None]]:
    """Return the item and, by name, what a writer around the library made of its attributes.

    A changed attribute's state keeps its type and its counter slots, but not the values and members
    that only the visible value held. Undecodable if the metadata is not readable.
    """
    return reading(image, lambda metadata: _decode(image, metadata))


def _decode(
    image: Mapping[str, Any], metadata: Mapping[str, Any]
) -> tuple[ReplicatedItem, dict[str, Wire | None]]:
    dots = [Dot.parse(each["S"]) for each in metadata["d"]["L"]]
    keys = set(metadata["i"]["SS"])
    key = canonical_image({name: image[name] for name in keys})
    outside = keys | {METADATA, EXPIRY}
    plain = canonical_image({name: image[name] for name in image if name not in outside})
    wires = canonical_image(metadata["a"]["M"])
    values = canonical_image(metadata["s"]["M"]) if "s" in metadata else plain
    names = sorted(wires)
    width = _DIGEST_WIDTH
    expected = dict(zip(names, _chunks(metadata["h"]["S"], width), strict=True))
    changed: dict[str, Wire | None] = dict(plain) if "s" in metadata else {}
    for name in names:
        if digest(canonical_bytes(values.get(name)), width) != expected[name]:
            changed[name] = values.get(name)
    changed |= {name: value for name, value in values.items() if name not in wires}
    states = {
        name: decode_tagged(wires[name], None if name in changed else values.get(name), dots)
        for name in names
    }
    for name, state in states.items():
        if state.visible() != values.get(name) and name not in changed:
            raise ValueError(f"the state of {name} does not give its visible value")
    tip = metadata.get("p")
    expires = metadata.get("e")
    item = ReplicatedItem(
        key=key,
        attributes=states,
        context=_context(metadata),
        tip=Lineage.parse(tip["S"]) if tip else None,
        alive=dots_of(metadata.get("l", {"S": ""})["S"], dots),
        dead=dots_of(metadata.get("x", {"S": ""})["S"], dots),
        expires=int(expires["N"]) if expires else None,
    )
    return item, changed


def _chunks(text: str, width: int) -> Iterable[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]
