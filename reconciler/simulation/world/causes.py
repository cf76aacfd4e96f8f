"""True causality, kept outside the items: which operations every image rests on.

Known from the schedule alone and never read from an image's metadata, of which only the
version token is used, as a name. Named writes leave the token alone: an image with names is called
by what it shows, too. So do writers around the library: where they take part, every image is, and
first of all by being itself, because one region's image may equal another's and rest on other
writes. A client's write rests on what it
was made on and on itself; a merge on that and on the losing images of its call; a fold on what it
replaced. Nothing rests on a tombstone that time-to-live removed: what is written then is a new
item.
Shapes: sets of operations are bit masks: bit n is operation n.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.item.metadata import METADATA, NAMES, context_of, is_managed
from reconciler.simulation.world.releases import token
from reconciler.values.wire import digest, to_json

_SHOWN_WIDTH = 6


class Origin(NamedTuple):
    """Where an image comes from: the operations it rests on, a name for it, and when it began."""

    rests_on: int
    label: str
    region: str
    at_ms: int


class Outlived(NamedTuple):
    """A tombstone that was replaced by an item which knows nothing of it, and when it expires."""

    tombstone: Origin
    item: Origin
    expiry_ms: int


NOWHERE = Origin(0, "nothing", "", 0)


def numbers(mask: int) -> frozenset[int]:
    """Return the operations in a mask."""
    return frozenset(bit for bit in range(mask.bit_length()) if mask >> bit & 1)


class Causes:
    """The origin of every image, and what each region ever held of each item."""

    def __init__(self, regions: Iterable[str], *, raw: bool = False) -> None:
        self._raw = raw
        self._origins: dict[str, Origin] = {}
        self._of_itself: dict[int, tuple[Any, Origin]] = {}  # by identity, and so kept alive
        self._ended: dict[str, list[int]] = {}
        self._outlived: dict[str, list[Outlived]] = {}
        self._held: dict[str, dict[str, int]] = {region: {} for region in regions}
        self.clashes = 0

    def of(self, image: Mapping[str, Any] | None) -> Origin:
        """Return where an image comes from."""
        itself = self._of_itself.get(id(image)) if self._raw else None
        return itself[1] if itself else self._origins.get(self.name(image), NOWHERE)

    def read(self, image: Mapping[str, Any] | None, held: Mapping[str, Any] | None) -> Origin:
        """Return where the image comes from that a write was made on, and replaces what is held.

        The two have one token; writers around the library may have changed what is held since.
        """
        return self.of(image if self._raw else held)

    def name(self, image: Mapping[str, Any] | None) -> str:
        """Return the name of an image; equal images share it."""
        if image is None or (not self._raw and NAMES not in image):
            return token(image)
        shown = {name: value for name, value in image.items() if name != METADATA}
        return f"{token(image)}/{digest(to_json(shown).encode(), _SHOWN_WIDTH)}"

    def note_image(self, image: Mapping[str, Any], origin: Origin) -> Origin:
        """Note a new image; of two equal ones, made in two regions, the first counts.

        Where writers around the library take part, one that rests on other writes is another.
        """
        known = self._origins.setdefault(self.name(image), origin)
        if self._raw:
            known = known if known.rests_on == origin.rests_on else origin
            self._of_itself[id(image)] = image, known
            return known
        # Equal bytes with unequal causes: one of them claims an operation that it does not hold.
        self.clashes += known.rests_on != origin.rests_on
        return known

    def note_filing(self, image: Mapping[str, Any], old: Any, new: Any) -> None:
        """Note on what an image rests that was filed: on both, if the new one is the plain one."""
        if self.of(image) == NOWHERE:
            mask = self.of(old).rests_on | (self.of(new).rests_on if is_managed(old) else 0)
            self.note_image(image, Origin(mask, "what was plain", "", 0))

    def included(self, image: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> int:
        """Return on what those of other images rest that an image includes whole, by its context.

        A merge of what a plain item lost takes in what a put took before.
        """
        known, mask = context_of(image), 0
        for other in others:
            before = context_of(other).of_one_life()
            mask |= 0 if before.lost_dots(known) else self.of(other).rests_on
        return mask

    def note_held(self, region: str, key: str, origin: Origin) -> None:
        """Note what a region holds from now on."""
        held = self._held[region]
        held[key] = held.get(key, 0) | origin.rests_on

    def note_remade(self, region: str, images: Mapping[str, Mapping[str, Any]]) -> None:
        """Note that a region has nothing left but a copy of these images."""
        self._held[region] = {key: self.of(image).rests_on for key, image in images.items()}

    def note_end(self, key: str, origin: Origin) -> None:
        """Note that time-to-live removed a tombstone."""
        self._ended.setdefault(key, []).append(origin.rests_on)

    def ended_tombstones(self, key: str) -> list[int]:
        """Return what each tombstone of an item that was removed rested on."""
        return self._ended.get(key, [])

    def note_outlived(self, key: str, outlived: Outlived) -> None:
        """Note that an item took the place of a tombstone without knowing it."""
        self._outlived.setdefault(key, []).append(outlived)

    def outlived(self, key: str) -> list[Outlived]:
        """Return the tombstones of an item that were replaced by what knows nothing of them."""
        return self._outlived.get(key, [])

    def ever_held_anywhere(self, key: str) -> int:
        """Return the operations that any region held at some time."""
        return self.ever_held(self._held, key)

    def ever_held(self, regions: Iterable[str], key: str) -> int:
        """Return the operations that one of these regions held at some time."""
        mask = 0
        for region in regions:
            mask |= self._held[region].get(key, 0)
        return mask
