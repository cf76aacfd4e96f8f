"""Causality of images: lineages, dots, causal contexts and how they compare.

A context says exactly which writes an image includes, even after whole-item
last-writer-wins made a replica forget its own. The actors of the version vector are lineages, not
regions: a region that writes on top of a foreign image starts a new one, so it never claims a write
that it lost. HAZARD if actors were regions: acknowledged writes are lost while replicas agree.
Source: Almeida et al., "Scalable and Accurate Causality Tracking for Eventually Consistent Stores",
2014 (dotted version vectors); Riak's per-key actor epochs.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeVar

from reconciler.causality.hlc import DIGIT, EPOCH_WIDTH, HLC_WIDTH, Hlc
from reconciler.errors import InvalidInput

_SHORT = {"north": "n", "south": "s", "east": "e", "west": "w", "central": "c", "gov": "g"} | {
    f"{ns}{ew}": ns[0] + ew[0] for ns in ("north", "south") for ew in ("east", "west")
}
_LINEAGE = re.compile(rf"[a-z0-9~=]+\.{DIGIT}{{{EPOCH_WIDTH}}}")
_DIRECTIONS = "|".join(word for word in _SHORT if word != "gov")
_REGION = re.compile(rf"[a-z]{{2,}}(-[a-z]+)*-({_DIRECTIONS})-[0-9]{{1,2}}")
K = TypeVar("K")
V = TypeVar("V", bound=str)

ADOPTED = "~"  # the replica of writes made around the library; no region has this code
KEYED = "="  # the replica of what idempotency keys name; no region has this code
_OF_ANY_LIFE = {ADOPTED, KEYED}
_NAMED = "~"  # ends the code under which a replica's named writes go
FROM_PLAIN = Hlc.of(0, 1)  # of what an image without metadata shows
NAMED_BY_PRESENCE = Hlc.of(0)  # of what is named by what it is: there is no later one
BY_A_PUT = Hlc.of(0, 2)  # of what such an image, over a managed one, added to an amount
UNTYPED = Hlc.of(0, 3)  # of a number that was put around the library where no type is known
INCARNATION_WIDTH = 5
# A named write lands without a condition, five minutes after it was signed at most, and nobody
# signs one later than five minutes after its name was drawn. HAZARD if a fold were sooner than all
# that and what clocks differ by: its watermark covers a write that the item does not have.
NAMED_MARGIN_MS = 900_000


def replica_id(region: str, incarnation: str = "") -> str:
    """Return the code of a replica: "use1" for "us-east-1", "apse1" for "ap-southeast-1".

    A region's replica that is deleted and made anew is another one: `incarnation`, five characters
    of a-z and 0-9, tells them apart. HAZARD without it: it takes the lineages of the earlier one
    for its own, goes on with them, and its folds cover writes that it never had.
    """
    if not _REGION.fullmatch(region):
        raise InvalidInput(f"region {region[:80]!r} is not an AWS region name such as 'eu-west-1'")
    area, *words, number = region.split("-")
    return area + "".join(_SHORT.get(word, word) for word in words) + number + incarnation


def named_by(replica: str) -> str:
    """Return the code under which the named writes of a replica go.

    They land when they land, so they are folded later than others, under a watermark of their own.
    HAZARD if they had that of the conditional writes: it covers a name that is still on its way.
    """
    return replica + _NAMED


def is_replica_of(replica: str, region: str) -> bool:
    """Return whether a code is that of a region's replica, in any of its incarnations."""
    code, given = replica_id(region), replica.removesuffix(_NAMED)
    return given in (code, code + given[-INCARNATION_WIDTH:])


class Lineage(str):
    """An unbroken chain of writes by one replica on one item: `<replica>.<epoch>`."""

    __slots__ = ()

    @classmethod
    def of(cls, replica: str, epoch: str) -> "Lineage":
        return cls(f"{replica}.{epoch}")

    @classmethod
    def parse(cls, text: str) -> "Lineage":
        """Return the lineage written as `text`; ValueError if it is not one."""
        if not _LINEAGE.fullmatch(text):
            raise ValueError(f"{text!r} is not a lineage")
        return cls(text)

    @property
    def replica(self) -> str:
        return self[: -EPOCH_WIDTH - 1]

    @property
    def epoch(self) -> str:
        return self[-EPOCH_WIDTH:]


class Dot(NamedTuple):
    """The name of one write, spent once; its text is the lineage followed by the hlc."""

    lineage: Lineage
    hlc: Hlc

    def __str__(self) -> str:
        return self.lineage + self.hlc

    @classmethod
    def parse(cls, text: str) -> "Dot":
        """Return the dot written as `text`; ValueError if it is not one."""
        return cls(Lineage.parse(text[:-HLC_WIDTH]), Hlc.parse(text[-HLC_WIDTH:]))


def is_code_of_names(replica: str) -> bool:
    """Return whether a code is the one under which a replica's named writes go."""
    return replica != ADOPTED and replica.endswith(_NAMED)


def beside_each_other(dots: Iterable[Dot]) -> tuple[Dot, ...]:
    """Return the dots that keep something there, less names that whoever saw the latest has seen.

    An earlier name may be added to after a later one, so each counts; older than the latest of its
    replica by all that clocks differ by, it was there before. HAZARD if the latest alone stayed: a
    delete that saw that one takes what was added to another. HAZARD if another replica's stamp
    counted: its clock may be hours ahead. HAZARD if all stayed: an item never stops growing.
    """
    found = sorted({*dots})
    latest = greatest((dot.lineage.replica, dot.hlc) for dot in found)
    return tuple(
        dot
        for dot in found
        if not is_code_of_names(dot.lineage.replica)
        or dot.hlc.wall_ms >= latest[dot.lineage.replica].wall_ms - NAMED_MARGIN_MS
    )


class Ordering(Enum):
    """How one context stands to another: BEFORE means that the other one knows more."""

    SAME = "SAME"
    BEFORE = "BEFORE"
    AFTER = "AFTER"
    CONCURRENT = "CONCURRENT"


@dataclass(frozen=True)
class CausalContext:
    """Which writes an image includes: per lineage the greatest hlc, per replica a watermark.

    A watermark covers every lineage of its replica whose epoch is not greater: what folding leaves.
    """

    heads: Mapping[Lineage, Hlc] = field(default_factory=dict)
    watermarks: Mapping[str, str] = field(default_factory=dict)

    def covers(self, dot: Dot) -> bool:
        """Return whether the write named `dot` is included."""
        head = self.heads.get(dot.lineage)
        if head is not None and head >= dot.hlc:
            return True
        return self.watermarks.get(dot.lineage.replica, "") >= dot.lineage.epoch

    def lost_dots(self, later: "CausalContext") -> tuple[Dot, ...]:
        """Return the dots at this context's heads that `later` does not cover, in text order."""
        heads = (Dot(lineage, hlc) for lineage, hlc in self.heads.items())
        return tuple(sorted(dot for dot in heads if not later.covers(dot)))

    def lost_watermarks(self, later: "CausalContext") -> dict[str, str]:
        """Return the watermarks that are lower, or missing, in `later`."""
        return {
            replica: epoch
            for replica, epoch in sorted(self.watermarks.items())
            if later.watermarks.get(replica, "") < epoch
        }

    def within(self, other: "CausalContext") -> bool:
        """Return whether `other` includes everything this context does, watermarks included."""
        return not self.lost_dots(other) and not self.lost_watermarks(other)

    def compare(self, other: "CausalContext") -> Ordering:
        """Return how this context stands to `other`: BEFORE means `other` knows more."""
        below, above = self.within(other), other.within(self)
        if below:
            return Ordering.SAME if above else Ordering.BEFORE
        return Ordering.AFTER if above else Ordering.CONCURRENT

    def join(self, other: "CausalContext") -> "CausalContext":
        """Return the context that includes exactly what either of the two does."""
        watermarks = greatest(self.watermarks.items(), other.watermarks.items())
        heads = greatest(self.heads.items(), other.heads.items())
        return CausalContext(
            {
                lineage: hlc
                for lineage, hlc in heads.items()
                if watermarks.get(lineage.replica, "") < lineage.epoch
            },
            watermarks,
        )

    def with_dot(self, dot: Dot) -> "CausalContext":
        """Return this context after one more write, which extends or starts `dot.lineage`."""
        return CausalContext({**self.heads, dot.lineage: dot.hlc}, self.watermarks)

    def meets(self, other: "CausalContext") -> bool:
        """Return whether the two share a lineage, as far as folds let tell."""
        return (
            any(_is_in(other, lineage, hlc) for lineage, hlc in self.heads.items())
            or any(_is_in(self, lineage, hlc) for lineage, hlc in other.heads.items())
            or bool((self.watermarks.keys() & other.watermarks.keys()) - _OF_ANY_LIFE)
        )

    def of_one_life(self) -> "CausalContext":
        """Return this context without what may be known in two lives of an item."""
        heads = {k: hlc for k, hlc in self.heads.items() if k.replica not in _OF_ANY_LIFE}
        watermarks = {k: e for k, e in self.watermarks.items() if k not in _OF_ANY_LIFE}
        return CausalContext(heads, watermarks)

    def begun_ms(self) -> int | None:
        """Return when the first lineage was begun that stands here, by its region's clock."""
        own = (each for each in self.heads if each.replica not in (ADOPTED, KEYED))
        return min((Hlc(each.epoch).wall_ms for each in own), default=None)

    def latest(self) -> Hlc | None:
        """Return the greatest hlc included, or None if there is none."""
        return max(self.heads.values(), default=None)


def _is_in(context: CausalContext, lineage: Lineage, hlc: Hlc) -> bool:
    # All items from before the library have one lineage, and a key may be taken in two lives.
    if lineage.replica in _OF_ANY_LIFE:
        return context.heads.get(lineage) == hlc
    folded = context.watermarks.get(lineage.replica, "")
    return lineage in context.heads or lineage.epoch <= folded


def greatest(*sources: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Return what the sources say, of each key the greatest."""
    result: dict[K, V] = {}
    for source in sources:
        for key, value in source:
            if key not in result or result[key] < value:
                result[key] = value
    return result
