"""The one wire form of a replicated item: plain attributes beside one reserved map, `_rec`.

`encode` is canonical: equal items give equal bytes, in any region. `decode` reads an image back and
says which attributes no longer match the metadata, because a writer went around the library. The
letters of `_rec` are named below, and no other module reads one.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, TypeVar

from reconciler.causality.context import ADOPTED, CausalContext, Dot, Lineage
from reconciler.causality.hlc import COARSE_WIDTH, DIGIT, HLC_WIDTH, NONCE_WIDTH, Hlc, coarse
from reconciler.crdt.base import (
    Crdt,
    Edit,
    OutsideChange,
    Sources,
    decode_tagged,
    dots_of,
    encode_tagged,
    refs_text,
    value_digest,
    value_text,
)
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import (
    MALFORMED,
    ReconcilerError,
    Undecodable,
    UnknownWireVersion,
    bounded,
)
from reconciler.item.foreign import Foreign, place_of, place_text
from reconciler.item.leaves import value_at
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import (
    SHORT_DIGEST_WIDTH,
    Image,
    Path,
    Wire,
    Wires,
    canonical,
    canonical_image,
    digest,
    to_json,
)

METADATA = "_rec"
EXPIRY = "_rec_ttl"  # a top-level number, because that is all DynamoDB's TTL looks at
NAMES = "_rec_w"  # the list of named writes, to which any client may append one
WIRE_VERSION = "1"
TOKEN_WIDTH = COARSE_WIDTH + NONCE_WIDTH  # of a time, and of a digest, or a random part
T = TypeVar("T")
Metadata = Mapping[str, Any]  # what `_rec` holds, in wire format

TOKEN = "t"  # noqa: S105 (a letter; what a conditional write compares)
VERSION = "v"  # of the wire form
_KEY_NAMES = "i"
CONTEXT = "c"  # lineage -> hlc
_WATERMARKS = "w"  # replica -> the epoch up to which its lineages are folded
_TIP = "p"  # the lineage that wrote the image, if a local write did
_DOTS = "d"  # the live ones
_STATES = "a"  # one of each attribute
_FOREIGN = "f"  # states of what stands where an attribute's type cannot hold it
_ALIVE = "l"  # dots that keep the item alive
_DEAD = "x"  # dots that keep it deleted
_EXPIRES = "e"  # seconds since 1970
_EXPIRES_BY = "y"  # the tables' own TTL attributes: a deleted item shows its expiry there, too
_MARKS = "m"  # replica -> what it says of writes around the library, if anything
TOMBSTONE = "s"  # the values of a deleted item
_OURS = frozenset({EXPIRY, NAMES})
_NO_WATERMARKS: Wire = {"M": {}}
_NO_NAMES: Wire = {"L": []}  # what is left once they are all filed
ALONE = "~"  # begins the token of an image of named writes alone; no digest does
_FIRST = Hlc.of(0)
_TIME = re.compile(rf"{DIGIT}{{{COARSE_WIDTH}}}")
_REMEMBERED = 8  # images: as many as one conflict has, and few, as one may be of 400 KB
_LATER = re.compile(r"[1-9][0-9]{0,5}")  # greater than ours, which is 1


def reading(image: Any, read: Callable[[Metadata], T]) -> T:
    """Return `read(metadata)`; Undecodable, with the metadata, if it is not what we write."""
    try:
        metadata = image[METADATA]["M"]
        if metadata[VERSION]["N"] != WIRE_VERSION:
            raise _unknown(metadata[VERSION]["N"], metadata)
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
        if earlier[VERSION]["N"] == WIRE_VERSION == later[VERSION]["N"]:
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


def is_named(image: Mapping[str, Wire] | None) -> bool:
    """Return whether named writes stand in the image."""
    return image is not None and NAMES in image and image[NAMES] != _NO_NAMES


def token_of(image: Mapping[str, Wire]) -> str:
    """Return a managed image's version token: what a conditional write compares."""
    return reading(image, token_in)


def basis_of(image: Mapping[str, Wire]) -> str:
    """Return the part of a managed image's token that names what is done around the library to it.

    It stays where the metadata is stated anew and nothing else changes.
    HAZARD if it did not: a change that two regions find, on either side of that, would count twice.
    """
    return token_of(image)[:TOKEN_WIDTH]


def time_of(image: Mapping[str, Wire]) -> str:
    """Return the coarse time of the latest write that a managed image knew of when it was made."""
    return time_in(token_of(image))


def time_in(token: str) -> str:
    """Return the time with which a version token begins; the first one, if that is none of ours."""
    time = token.removeprefix(ALONE)[:COARSE_WIDTH]
    return time if _TIME.fullmatch(time) else coarse(0)


def with_token(image: Image, token: str, version: str = WIRE_VERSION) -> Image:
    """Return a managed image under another version token."""
    named: Image = {VERSION: {"N": version}, TOKEN: {"S": token}}
    return {**image, METADATA: {"M": {**metadata_in(image), **named}}}


# What metadata says, in wire format and unchecked. Inside `reading`, whatever is missing or of
# another kind is Undecodable.


def metadata_in(image: Mapping[str, Any]) -> Metadata:
    """Return what an image's metadata holds, of whatever version; nothing of an unmanaged image."""
    held: Metadata = image[METADATA]["M"] if METADATA in image else {}
    return held


def version_in(metadata: Metadata) -> str:
    """Return the version of the wire form."""
    return str(metadata[VERSION]["N"])


def token_in(metadata: Metadata) -> str:
    """Return the version token."""
    token: str = metadata[TOKEN]["S"]
    return token


def heads_in(metadata: Metadata) -> Mapping[str, Wire]:
    """Return the causal context: the hlc of each lineage, as wire values."""
    heads: Mapping[str, Wire] = metadata[CONTEXT]["M"]
    return heads


def watermarks_in(metadata: Metadata) -> Wire | None:
    """Return the watermarks as one wire value; None if nothing is folded."""
    return metadata.get(_WATERMARKS)


def marks_in(metadata: Metadata) -> Mapping[str, str]:
    """Return what each replica says of writes around the library; mostly nothing."""
    return {code: str(mark["S"]) for code, mark in metadata.get(_MARKS, {"M": {}})["M"].items()}


def tip_in(metadata: Metadata) -> str | None:
    """Return the lineage that wrote the image; None if no local write did."""
    return str(metadata[_TIP]["S"]) if _TIP in metadata else None


def key_names_in(metadata: Metadata) -> Sequence[str]:
    """Return the names of the item's key, in order."""
    names: Sequence[str] = metadata[_KEY_NAMES]["SS"]
    return names


def is_tombstone_in(metadata: Metadata) -> bool:
    """Return whether the image is that of a deleted item."""
    return TOMBSTONE in metadata


def tombstone_values_in(metadata: Metadata) -> Image:
    """Return the values that a deleted item held."""
    values: Image = metadata[TOMBSTONE]["M"]
    return values


def expiry_in(metadata: Metadata) -> int | None:
    """Return when time-to-live may remove the item, in seconds since 1970."""
    return int(metadata[_EXPIRES]["N"]) if _EXPIRES in metadata else None


def expiry_attributes_in(metadata: Metadata) -> frozenset[str]:
    """Return the tables' own TTL attributes at which a deleted item shows its expiry, too."""
    return frozenset(metadata[_EXPIRES_BY]["SS"] if _EXPIRES_BY in metadata else ())


def hidden_in(image: Mapping[str, Any]) -> set[str]:
    """Return the names of what an image shows that is the library's and no value of a user's."""
    try:
        return {METADATA, *_expiries_in(image, metadata_in(image))}
    except MALFORMED:
        return {METADATA, *_OURS}


def _expiries_in(image: Mapping[str, Any], metadata: Metadata) -> Set[str]:
    """Return the names at which an image may show the expiry of a deleted item.

    A table's own TTL attribute is a user's as long as the item is alive, and whenever it shows
    anything but the tombstone's expiry.
    HAZARD if that, too, were taken for the tombstone's: who gave a deleted item a new time would
    find it gone.
    """
    if _EXPIRES_BY not in metadata or not is_tombstone_in(metadata):
        return _OURS
    own, expires = expiry_attributes_in(metadata), metadata.get(_EXPIRES)
    return {*_OURS, *(name for name in own if image.get(name) == expires)}


def shows_expiry(image: Mapping[str, Any]) -> bool:
    """Return whether time-to-live would take an image, managed, for that of a deleted item."""
    return bool((reading(image, partial(_expiries_in, image)) - {NAMES}) & image.keys())


def is_touched(old: Wires, new: Wires, before: Metadata) -> bool:
    """Return, inside `reading`, whether the old image held what its metadata does not know of.

    Of attributes of which old and new image show the same, only counters are looked at: a clean
    record pays for what was edited (D5). A counter of equal amount may hold another addition.
    """
    states = before[_STATES]["M"]
    values = tombstone_values_in(before) if TOMBSTONE in before else old
    expiries = _expiries_in(old, before)
    known = len(before[_KEY_NAMES]["SS"]) + 1
    for name in expiries:
        known += name in old
    for name, state in states.items():
        value = values.get(name)
        if value is not None and values is old:
            known += 1
        is_same = value == new.get(name)
        if "S" in state:
            if not is_same and state["S"][-SHORT_DIGEST_WIDTH:] != _digest(value):
                return True
        elif (not is_same or _may_count(state["M"])) and not _fits(state["M"], value, before):
            return True
    if len(old) == known:
        return False
    more = old.keys() - states.keys() - {METADATA, *expiries, *before[_KEY_NAMES]["SS"]}
    return values is not old or any(old[name] != new.get(name) for name in more)


def counts_outside(metadata: Metadata) -> bool:
    """Return, inside `reading`, whether a counter may hold what was added around the library.

    The same write has another amount in another image of it: contexts do not tell the greater.
    """
    dots = metadata[_DOTS]["L"]
    if not dots or not dots[-1]["S"].startswith(ADOPTED):
        return False  # dots are sorted and no replica comes after that one: one look (D4)
    states = metadata[_STATES]["M"].values()
    return any("M" in state and _may_count(state["M"]) for state in states)


def _digest(value: Wire | None) -> str:
    return value_digest(None if value is None else canonical(value))


def _may_count(tagged: Wires) -> bool:
    """Return whether a state is a counter's, or that of a map which holds one."""
    if CounterPn.TAG in tagged:
        return True
    if MapOr.TAG in tagged:
        for each in tagged[MapOr.TAG]["M"].values():
            if "M" in each and _may_count(each["M"]):
                return True
    return False


def _fits(tagged: Wires, value: Wire | None, metadata: Metadata) -> bool:
    slots = tagged.get(CounterPn.TAG)
    if slots is not None and len(slots["M"]) == 2 and value is not None:
        # One slot, and "p", that it exists: mostly so, once a counter is folded or has one writer.
        one, other = slots["M"].values()
        return value in (one, other)
    sources = Sources([Dot.parse(each["S"]) for each in metadata[_DOTS]["L"]], [])
    shown = None if value is None else canonical(value)
    decode_tagged(canonical({"M": tagged}), shown, sources, ())
    return not sources.changes


def check_form(before: Metadata, after: Metadata) -> None:
    """Raise, inside `reading`, if `after` has not the form of what this library writes.

    Looks at what is new in the context and at the parts, not into the states: a clean record must
    stay cheap (D4). So a state that is broken inside is found by the next write or merge.
    """
    known, heads = before[CONTEXT]["M"], after[CONTEXT]["M"]
    for hlc in heads.values():
        stamp = hlc["S"]
        if len(stamp) != HLC_WIDTH or not stamp.isascii():
            raise ValueError("not a stamp")
    if len(heads) > len(known):
        for lineage in heads.keys() - known.keys():
            Lineage.parse(lineage)
    if _WATERMARKS in after and after[_WATERMARKS] != before.get(_WATERMARKS):
        _watermarks(after)
    after[_KEY_NAMES], after[_DOTS], after[_ALIVE], after[_STATES]["M"]


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
    item = replace(item, attributes=states)
    dots = sorted({*item.live_dots()})
    refs = {dot: str(position) for position, dot in enumerate(dots)}
    visible = item.shown()
    heads, watermarks = item.context.heads, item.context.watermarks
    metadata: Image = {
        VERSION: {"N": WIRE_VERSION},
        _KEY_NAMES: {"SS": sorted(item.key)},
        CONTEXT: {"M": {lineage: {"S": str(heads[lineage])} for lineage in sorted(heads)}},
        _DOTS: {"L": [{"S": str(dot)} for dot in dots]},
        _STATES: {"M": {name: encode_tagged(state, refs) for name, state in states.items()}},
        _ALIVE: {"S": refs_text(item.alive, refs)},
    }
    if watermarks:
        metadata[_WATERMARKS] = {
            "M": {replica: {"S": watermarks[replica]} for replica in sorted(watermarks)}
        }
    if item.foreign:
        foreign = {place_text(at): each.encode(refs) for at, each in sorted(item.foreign.items())}
        metadata[_FOREIGN] = {"M": foreign}
    if item.tip:
        metadata[_TIP] = {"S": str(item.tip)}
    if item.dead:
        metadata[_DEAD] = {"S": refs_text(item.dead, refs)}
    if item.marks:
        metadata[_MARKS] = {"M": {code: {"S": item.marks[code]} for code in sorted(item.marks)}}
    if item.expires is not None:
        metadata[_EXPIRES] = {"N": str(item.expires)}
    if item.expires_by:
        metadata[_EXPIRES_BY] = {"SS": sorted(item.expires_by)}
    if not item.exists:
        metadata[TOMBSTONE] = {"M": visible}
        names = (EXPIRY, *sorted(item.expires_by)) if item.expires is not None else ()
        visible = {name: {"N": str(item.expires)} for name in names}
    time = max(item.time, (item.context.latest() or _FIRST)[:COARSE_WIDTH])
    metadata[TOKEN] = {"S": time + digest(to_json(metadata).encode(), NONCE_WIDTH)}
    return {**item.key, **visible, METADATA: {"M": metadata}}


def decode(image: Mapping[str, Any]) -> tuple[ReplicatedItem, list[OutsideChange]]:
    """Return the item as the library wrote it last, and what was done around the library since.

    What was replaced or removed there is missing in the item, for only the image held its value.
    Undecodable if the metadata is not readable. Of the images that were decoded last the answer is
    remembered, because who decides about two of them comes back to both again and again.
    """
    item, changes = reading(image, lambda _: _decoded(_Remembered(image)))
    return item, [*changes]


class _Remembered:
    """An image that is known again by all that it holds."""

    def __init__(self, image: Mapping[str, Any]) -> None:
        self.image = image
        self._text = to_json(image)

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Remembered) and self._text == other._text


@lru_cache(maxsize=_REMEMBERED)
def _decoded(remembered: _Remembered) -> tuple[ReplicatedItem, list[OutsideChange]]:
    return _decode(remembered.image, remembered.image[METADATA]["M"])


def _decode(
    image: Mapping[str, Any], metadata: Metadata
) -> tuple[ReplicatedItem, list[OutsideChange]]:
    dots = [Dot.parse(each["S"]) for each in metadata[_DOTS]["L"]]
    keys = set(key_names_in(metadata))
    key = canonical_image({name: image[name] for name in keys})
    outside = {METADATA, *keys, *_expiries_in(image, metadata)}
    plain = canonical_image({name: image[name] for name in image if name not in outside})
    is_deleted = is_tombstone_in(metadata)
    values = canonical_image(tombstone_values_in(metadata)) if is_deleted else plain
    changes: list[OutsideChange] = []
    states, foreign = _states(metadata, values, dots, changes)
    if is_deleted and changes:
        raise ValueError("the values of a deleted item are not those that it had")
    tip, context = tip_in(metadata), _context(metadata)
    if tip is not None and tip not in context.heads:
        raise ValueError("the tip is of no write that is included")
    item = ReplicatedItem(
        key=key,
        attributes=states,
        context=context,
        tip=Lineage.parse(tip) if tip is not None else None,
        alive=dots_of(metadata.get(_ALIVE, {"S": ""})["S"], dots),
        dead=dots_of(metadata.get(_DEAD, {"S": ""})["S"], dots),
        expires=expiry_in(metadata),
        expires_by=expiry_attributes_in(metadata),
        foreign=foreign,
        time=time_in(token_in(metadata)),
        marks=marks_in(metadata),
    )
    return item, _revival(states, plain) if is_deleted and plain else changes


def _states(
    metadata: Metadata, values: Image, dots: Sequence[Dot], changes: list[OutsideChange]
) -> tuple[dict[str, Crdt], Foreign]:
    """Return the states of the attributes, and of what stands where these cannot hold it."""
    wires = canonical_image(metadata[_STATES]["M"])
    others = metadata.get(_FOREIGN, {"M": {}})["M"]
    above, places = Sources(dots, changes), {place_of(text): others[text] for text in others}
    foreign = {
        place: RegisterLww.decode(places[place], value_at(values, place), above, place)
        for place in sorted(places)
    }
    sources = Sources(dots, changes, frozenset(foreign))
    states = {
        name: decode_tagged(wires[name], values.get(name), sources, (name,))
        for name in sorted(wires)
    }
    changed = {change.path[0] for change in changes}
    shown = ReplicatedItem({}, states, foreign=foreign).shown()
    for name in (states.keys() | {place[0] for place in foreign}) - changed:
        state = None if (name,) in foreign else states.get(name)
        if shown.get(name) != _shown_by(state, values.get(name)):
            raise ValueError(f"the state of {name} does not give its visible value")
    for name in sorted(values.keys() - wires.keys()):
        sources.assigned((name,), values[name], values[name])
    return states, foreign


def _shown_by(state: Crdt | None, value: Wire | None) -> Wire | None:
    """Return a value as its type shows it: what others leave of a map without keys is nothing."""
    if not isinstance(state, MapOr) or value is None or "M" not in value:
        return value
    fields = {name: _shown_by(state.fields.get(name), each) for name, each in value["M"].items()}
    kept = {name: each for name, each in fields.items() if each is not None}
    return {"M": kept} if kept else None


def _revival(states: Mapping[str, Crdt], plain: Image) -> list[OutsideChange]:
    """Return how a writer around the library brought a deleted item back: nothing of it is left."""
    changes: list[OutsideChange] = []
    sources = Sources((), changes)
    for name in sorted(states):
        sources.assigned((name,), None, None)
    for name in sorted(plain):
        _brought_back((name,), plain[name], states.get(name), changes)
    return changes


def _brought_back(
    path: Path, value: Wire, state: Crdt | None, changes: list[OutsideChange]
) -> None:
    if isinstance(state, MapOr) and "M" in value:
        for key in sorted(value["M"]):
            _brought_back((*path, key), value["M"][key], state.fields.get(key), changes)
        return
    changes.append(OutsideChange(path, f"={value_text(value)}", Edit(path, "assign", value)))
