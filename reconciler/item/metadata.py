"""The one wire form of a replicated item: plain attributes beside one reserved map, `_rec`.

`encode` is canonical: equal items give equal bytes, in any region. `decode` reads an image back and
says which attributes no longer match the metadata, because a writer went around the library. The
letters of `_rec` are named below, and no other module reads one.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from reconciler.causality.context import CausalContext, Dot, Lineage
from reconciler.causality.hlc import HLC_WIDTH, Hlc
from reconciler.crdt.base import decode_tagged, dots_of, encode_tagged, refs_text
from reconciler.errors import (
    MALFORMED,
    ReconcilerError,
    Undecodable,
    UnknownWireVersion,
    bounded,
)
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import Image, Wire, canonical_bytes, canonical_image, digest, to_json

METADATA = "_rec"
EXPIRY = "_rec_ttl"  # a top-level number, because that is all DynamoDB's TTL looks at
WIRE_VERSION = "1"
TOKEN_WIDTH = 12
_DIGEST_WIDTH = 6
T = TypeVar("T")
Metadata = Mapping[str, Any]  # what `_rec` holds, in wire format

TOKEN = "t"  # noqa: S105 (a letter; what a conditional write compares)
_VERSION = "v"  # of the wire form
_KEY_NAMES = "i"
_CONTEXT = "c"  # lineage -> hlc
_WATERMARKS = "w"  # replica -> the epoch up to which its lineages are folded
_TIP = "p"  # the lineage that wrote the image, if a local write did
_DOTS = "d"  # the live ones
_STATES = "a"  # one of each attribute
_DIGESTS = "h"  # of what each attribute shows
_ALIVE = "l"  # dots that keep the item alive
_DEAD = "x"  # dots that keep it deleted
_EXPIRES = "e"  # seconds since 1970
_TOMBSTONE = "s"  # the values of a deleted item
_NO_WATERMARKS: Wire = {"M": {}}
_LATER = re.compile(r"[1-9][0-9]{0,5}")  # greater than ours, which is 1


def reading(image: Any, read: Callable[[Metadata], T]) -> T:
    """Return `read(metadata)`; Undecodable, with the metadata, if it is not what we write."""
    try:
        metadata = image[METADATA]["M"]
        if metadata[_VERSION]["N"] != WIRE_VERSION:
            raise _unknown(metadata[_VERSION]["N"], metadata)
        return read(metadata)
    except ReconcilerError:
        raise
    except MALFORMED as cause:
        evidence = image.get(METADATA) if isinstance(image, Mapping) else image
        # What the cause says may quote the item, at any length.
        raise Undecodable(
            f"unreadable metadata ({type(cause).__name__}): {METADATA} is not what this library"
            " wrote; put the item back as it was, or remove the attribute, and what the item then"
            " shows is taken in at the next write",
            metadata=evidence,
        ) from None


def reading_both(before: Any, after: Any, read: Callable[[Metadata, Metadata], T]) -> T:
    """Return `read(metadata before, metadata after)`; errors as of `reading`."""
    try:
        earlier, later = before[METADATA]["M"], after[METADATA]["M"]
        if earlier[_VERSION]["N"] == WIRE_VERSION == later[_VERSION]["N"]:
            return read(earlier, later)
    except MALFORMED:
        pass  # which of the two is at fault, and how, the slower way tells
    return reading(before, lambda one: reading(after, lambda other: read(one, other)))


def _unknown(version: str, metadata: Any) -> Undecodable:
    said = bounded(f"metadata version {version!r}"[:80]) + f"; this release reads {WIRE_VERSION}"
    if _LATER.fullmatch(version) and version != WIRE_VERSION:
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
    return reading(image, token_in)


def with_token(image: Image, token: str, version: str = WIRE_VERSION) -> Image:
    """Return a managed image under another version token."""
    named: Image = {_VERSION: {"N": version}, TOKEN: {"S": token}}
    return {**image, METADATA: {"M": {**metadata_in(image), **named}}}


# What metadata says, in wire format and unchecked. Inside `reading`, whatever is missing or of
# another kind is Undecodable.


def metadata_in(image: Mapping[str, Any]) -> Metadata:
    """Return what an image's metadata holds, of whatever version; nothing of an unmanaged image."""
    held: Metadata = image[METADATA]["M"] if METADATA in image else {}
    return held


def version_in(metadata: Metadata) -> str:
    """Return the version of the wire form."""
    return str(metadata[_VERSION]["N"])


def token_in(metadata: Metadata) -> str:
    """Return the version token."""
    token: str = metadata[TOKEN]["S"]
    return token


def heads_in(metadata: Metadata) -> Mapping[str, Wire]:
    """Return the causal context: the hlc of each lineage, as wire values."""
    heads: Mapping[str, Wire] = metadata[_CONTEXT]["M"]
    return heads


def watermarks_in(metadata: Metadata) -> Wire | None:
    """Return the watermarks as one wire value; None if nothing is folded."""
    return metadata.get(_WATERMARKS)


def tip_in(metadata: Metadata) -> str | None:
    """Return the lineage that wrote the image; None if no local write did."""
    return str(metadata[_TIP]["S"]) if _TIP in metadata else None


def key_names_in(metadata: Metadata) -> Sequence[str]:
    """Return the names of the item's key, in order."""
    names: Sequence[str] = metadata[_KEY_NAMES]["SS"]
    return names


def is_tombstone_in(metadata: Metadata) -> bool:
    """Return whether the image is that of a deleted item."""
    return _TOMBSTONE in metadata


def tombstone_values_in(metadata: Metadata) -> Image:
    """Return the values that a deleted item held."""
    values: Image = metadata[_TOMBSTONE]["M"]
    return values


def expiry_in(metadata: Metadata) -> int | None:
    """Return when time-to-live may remove the item, in seconds since 1970."""
    return int(metadata[_EXPIRES]["N"]) if _EXPIRES in metadata else None


def check_form(before: Metadata, after: Metadata) -> None:
    """Raise, inside `reading`, if `after` has not the form of what this library writes.

    Looks at what is new in the context and at the parts, not into the states: a clean record must
    stay cheap (D4). So a state that is broken inside is found by the next write or merge.
    """
    known, heads = before[_CONTEXT]["M"], after[_CONTEXT]["M"]
    for hlc in heads.values():
        stamp = hlc["S"]
        if len(stamp) != HLC_WIDTH or not stamp.isascii():
            raise ValueError("not a stamp")
    if len(heads) > len(known):
        for lineage in heads.keys() - known.keys():
            Lineage.parse(lineage)
    if _WATERMARKS in after and after[_WATERMARKS] != before.get(_WATERMARKS):
        _watermarks(after)
    if len(after[_DIGESTS]["S"]) != _DIGEST_WIDTH * len(after[_STATES]["M"]):
        raise ValueError("a digest is missing")
    after[_KEY_NAMES], after[_DOTS], after[_ALIVE]


def _watermarks(metadata: Metadata) -> dict[str, str]:
    watermarks = watermarks_in(metadata) or _NO_WATERMARKS
    return {
        replica: Lineage.parse(f"{replica}.{epoch['S']}").epoch
        for replica, epoch in watermarks["M"].items()
    }


def _context(metadata: Metadata) -> CausalContext:
    return CausalContext(
        {
            Lineage.parse(lineage): Hlc.parse(hlc["S"])
            for lineage, hlc in heads_in(metadata).items()
        },
        _watermarks(metadata),
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
        _VERSION: {"N": WIRE_VERSION},
        _KEY_NAMES: {"SS": sorted(item.key)},
        _CONTEXT: {"M": {lineage: {"S": str(heads[lineage])} for lineage in sorted(heads)}},
        _DOTS: {"L": [{"S": str(dot)} for dot in dots]},
        _STATES: {"M": {name: encode_tagged(state, refs) for name, state in states.items()}},
        _DIGESTS: {"S": _digests(shown)},
        _ALIVE: {"S": refs_text(item.alive, refs)},
    }
    if watermarks:
        metadata[_WATERMARKS] = {
            "M": {replica: {"S": watermarks[replica]} for replica in sorted(watermarks)}
        }
    if item.tip:
        metadata[_TIP] = {"S": str(item.tip)}
    if item.dead:
        metadata[_DEAD] = {"S": refs_text(item.dead, refs)}
    if item.expires is not None:
        metadata[_EXPIRES] = {"N": str(item.expires)}
    if not item.exists:
        metadata[_TOMBSTONE] = {"M": visible}
        visible = {EXPIRY: {"N": str(item.expires)}} if item.expires is not None else {}
    metadata[TOKEN] = {"S": digest(to_json(metadata).encode(), TOKEN_WIDTH)}
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
    image: Mapping[str, Any], metadata: Metadata
) -> tuple[ReplicatedItem, dict[str, Wire | None]]:
    dots = [Dot.parse(each["S"]) for each in metadata[_DOTS]["L"]]
    keys = set(key_names_in(metadata))
    key = canonical_image({name: image[name] for name in keys})
    outside = keys | {METADATA, EXPIRY}
    plain = canonical_image({name: image[name] for name in image if name not in outside})
    wires = canonical_image(metadata[_STATES]["M"])
    values = canonical_image(tombstone_values_in(metadata)) if is_tombstone_in(metadata) else plain
    names = sorted(wires)
    width = _DIGEST_WIDTH
    expected = dict(zip(names, _chunks(metadata[_DIGESTS]["S"], width), strict=True))
    changed: dict[str, Wire | None] = dict(plain) if is_tombstone_in(metadata) else {}
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
    tip = tip_in(metadata)
    item = ReplicatedItem(
        key=key,
        attributes=states,
        context=_context(metadata),
        tip=Lineage.parse(tip) if tip is not None else None,
        alive=dots_of(metadata.get(_ALIVE, {"S": ""})["S"], dots),
        dead=dots_of(metadata.get(_DEAD, {"S": ""})["S"], dots),
        expires=expiry_in(metadata),
    )
    return item, changed


def _chunks(text: str, width: int) -> Iterable[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]
