"""counter_pn: a number that concurrent increments and decrements add up in.

One slot per lineage holds that lineage's sum; the value is the sum of the slots less what was
removed. Assigning a number adds the difference to what its writer saw. Removing records what its
writer saw of each slot, so two removals at once take it away once.
HAZARD if slots belonged to regions: one that lost a write would count on from a slot it has not.
HAZARD if a removal subtracted its sum instead: both would, and 100 removed twice is -100.
Limits: a slot holds 38 digits exactly; a sum beyond them is shown rounded, its slots stay exact.
Source: INRIA RR-7506, 2011, section 3.1.3; Riak's per-key actor epochs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal

from reconciler.causality.context import (
    ADOPTED,
    BY_A_PUT,
    CausalContext,
    Dot,
    Lineage,
    beside_each_other,
    is_code_of_names,
)
from reconciler.crdt.base import (
    Crdt,
    Edit,
    LocalWrite,
    OutsideChange,
    Sources,
    Spec,
    dots_of,
    refs_text,
    register,
    surviving_dots,
)
from reconciler.crdt.counter_removals import Seen, encode_seen, greater, not_covered, parse_seen
from reconciler.crdt.counter_slots import (
    OF_IMAGES,
    counted,
    is_added,
    joined_slots,
    of_puts,
    without_baseless,
    without_images,
    without_puts,
    without_removed,
)
from reconciler.errors import InvalidInput
from reconciler.values.wire import Path, Wire, label, number_text, rounded_number_text

# DynamoDB numbers span 1E-130 to 9.9E+125: this many digits hold any sum of them exactly.
_EXACT = Context(prec=300)


def exact_sum(numbers: Iterable[Decimal]) -> Decimal:
    """Return the sum without rounding."""
    total = Decimal(0)
    for number in numbers:
        total = _EXACT.add(total, number)
    return total


ADDED = "+"  # the name of what was added around the library to one image
_REMOVED, _REMOVED_BASES = "z", "y"  # beside the references of slots, which are numbers


@register
@dataclass(frozen=True)
class CounterPn(Crdt):
    """A number kept as the sum of one slot for each lineage.

    `slots`: last dot of each lineage -> its sum. `presence`: the dots that say it exists.
    `bases`: replica -> the sum of its folded lineages, those that its watermark covers. `removed`
    and `removed_bases`: what removals saw of them.
    """

    NAME, TAG = "counter_pn", "pn"

    slots: Mapping[Dot, Decimal] = field(default_factory=dict)
    presence: tuple[Dot, ...] = ()
    bases: Mapping[str, Decimal] = field(default_factory=dict)
    removed: Mapping[Lineage, Seen] = field(default_factory=dict)
    removed_bases: Mapping[str, Seen] = field(default_factory=dict)

    def join(self, other: "CounterPn", mine: CausalContext, theirs: CausalContext) -> Crdt:
        removed_bases = greater(self.removed_bases, other.removed_bases)
        removed = not_covered(greater(self.removed, other.removed), removed_bases)
        # What a put changed an amount by says nothing once the library removed that amount.
        left, right = (
            each.slots
            if (each.removed, each.removed_bases) == (removed, removed_bases)
            else without_puts(each.slots)
            for each in (self, other)
        )
        dots = surviving_dots(left, right, mine, theirs)
        return CounterPn(
            joined_slots(without_baseless(dots, (left, right), (mine, theirs)), left, right),
            surviving_dots(self.presence, other.presence, mine, theirs),
            self._join_bases(other, mine, theirs),
            removed,
            removed_bases,
        )

    def _join_bases(
        self, other: "CounterPn", mine: CausalContext, theirs: CausalContext
    ) -> Mapping[str, Decimal]:
        # The base belongs to the watermark: the greater one's sums all that the lesser one's does.
        bases: dict[str, Decimal] = {}
        for replica in sorted(self.bases.keys() | other.bases.keys()):
            ahead = mine.watermarks.get(replica, "") >= theirs.watermarks.get(replica, "")
            base = (self if ahead else other).bases.get(replica)
            if base is not None:
                bases[replica] = base
        return bases

    def fold(self, replica: str, epoch: str) -> Crdt:
        # What was removed of the slots stays recorded: another removal may have seen more of them.
        old = [d for d in self.slots if d.lineage.replica == replica and d.lineage.epoch <= epoch]
        # What an image showed is no sum: it stands, or goes, as a presence does.
        gone = [dot for dot in old if dot.hlc not in OF_IMAGES]
        if not gone:
            return self
        base = exact_sum([self.bases.get(replica, Decimal(0)), *map(self.slots.__getitem__, gone)])
        slots = {dot: amount for dot, amount in self.slots.items() if dot not in gone}
        # A removal took such a slot whole, however much it had seen of it.
        whole = {dot.lineage: self.slots[dot] for dot in gone if is_added(dot)}
        removed = {
            lineage: seen._replace(amount=whole.get(lineage, seen.amount))
            for lineage, seen in self.removed.items()
        }
        return replace(self, slots=slots, bases={**self.bases, replica: base}, removed=removed)

    def is_empty(self) -> bool:
        return not (self.slots or self.presence or self.bases)

    def apply(self, edit: Edit, depth: int, write: LocalWrite, spec: Spec) -> Crdt:  # noqa: ARG002 (no fields)
        if len(edit.path) > depth or edit.verb not in ("assign", "increment", "remove"):
            raise self.refusal(edit, depth, "increment, assign and remove")
        if edit.verb == "remove":
            return self.forget(write)
        where = edit.path[:depth]
        if edit.value is None or "N" not in edit.value:
            raise InvalidInput(f"{label(where)}: a counter_pn takes a number")
        amount = Decimal(edit.value["N"])
        if edit.verb == "assign":
            amount = _EXACT.subtract(amount, self.total())
        is_named = is_code_of_names(write.dot.lineage.replica) and edit.verb == "increment"
        others = self.presence if is_named or write.dot.hlc in OF_IMAGES else ()
        if is_added(write.dot):
            # It has one name wherever others added to that image, so who removes it in one region
            # has not seen the named writes that stand beside it in another.
            others = tuple(d for d in self.presence if is_code_of_names(d.lineage.replica))
        # HAZARD if a key said that it exists: whoever removes one execution's work has seen it.
        presence = beside_each_other([*others, write.dot])
        state = self
        if write.dot.hlc == BY_A_PUT:
            # Of several puts one counts, so a later one takes in what an earlier one added.
            amount = exact_sum([amount, *counted(of_puts(self.slots))])
            state = replace(self, slots=without_puts(self.slots))
        return replace(state._add(amount, write.keyed or write.dot, where), presence=presence)

    def _add(self, amount: Decimal, dot: Dot, where: Path) -> "CounterPn":
        own = [held for held in self.slots if held.lineage == dot.lineage]
        total = exact_sum([amount, *(self.slots[held] for held in own)])
        try:
            number_text(total)
        except ValueError as problem:
            raise InvalidInput(
                f"{label(where)}: the counter's slot {problem}; add a rounder amount"
            ) from None
        return replace(
            self, slots={d: n for d, n in self.slots.items() if d not in own} | {dot: total}
        )

    def forget(self, write: LocalWrite) -> Crdt:
        # Dropping the slots would bring a lineage's old increments back with its next one.
        # What an image showed is one amount for good, so it goes as a presence does.
        dot, slots = write.keyed or write.dot, without_images(self.slots)
        seen = {d.lineage: Seen(d.hlc, d != dot, n) for d, n in slots.items()}
        marks = {r: Seen(write.watermarks[r], True, n) for r, n in self.bases.items()}
        removed_bases = greater(self.removed_bases, marks)
        # Of one write's removals the last one saw most; nobody else has seen a part of a write.
        own = dot.lineage, dot.hlc
        before = {of: each for of, each in self.removed.items() if (of, each.until) != own}
        removed = not_covered(greater(before, seen), removed_bases)
        return CounterPn(slots, (), self.bases, removed, removed_bases)

    def total(self) -> Decimal:
        """Return the exact sum of what was added less what was removed."""
        slots = without_removed(self.slots, self.removed)
        summed = ADOPTED in self.bases
        held = {dot.lineage for dot in self.slots}
        removed = [
            seen
            for lineage, seen in self.removed.items()
            if lineage.replica != ADOPTED or (summed and lineage not in held)
        ]
        removed += self.removed_bases.values()
        return exact_sum(
            [
                *counted(slots),
                *self.bases.values(),
                *(seen.amount.copy_negate() for seen in removed),
            ]
        )

    def visible(self) -> Wire | None:
        return {"N": rounded_number_text(self.total())} if self.presence else None

    def dots(self) -> Iterator[Dot]:
        yield from self.slots
        yield from self.presence

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        slots = {refs[dot]: {"N": number_text(self.slots[dot])} for dot in sorted(self.slots)}
        present: Wire = {"p": {"S": refs_text(self.presence, refs)}}
        bases = {name: {"N": number_text(self.bases[name])} for name in sorted(self.bases)}
        seen = {
            _REMOVED: encode_seen(self.removed),
            _REMOVED_BASES: encode_seen(self.removed_bases),
        }
        seen = {name: records for name, records in seen.items() if records["M"]}
        return {"M": {**slots, **present, **({"b": {"M": bases}} if bases else {}), **seen}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> "CounterPn":
        refs, dots = dict(wire["M"]), sources.dots
        presence = refs.pop("p")["S"]
        bases = refs.pop("b", {"M": {}})["M"]
        removed, removed_bases = (
            refs.pop(name, {"M": {}})["M"] for name in (_REMOVED, _REMOVED_BASES)
        )
        state = cls(
            {dots[int(ref)]: Decimal(amount["N"]) for ref, amount in refs.items()},
            dots_of(presence, dots),
            {replica: Decimal(amount["N"]) for replica, amount in bases.items()},
            {Lineage.parse(name): parse_seen(each) for name, each in removed.items()},
            {replica: parse_seen(each) for replica, each in removed_bases.items()},
        )
        state._note_outside(visible, sources, path)
        return state

    def _note_outside(self, visible: Wire | None, sources: Sources, path: Path) -> None:
        """Note by how much the number that readers see differs: no digest is needed for that."""
        if visible == self.visible():
            return
        if visible is not None and "N" not in visible:
            sources.assigned(path, visible, visible)
            return
        # HAZARD if a removal alone took the number away: added to, it looks like an amount, and
        # where both are known, it would go twice.
        left = Decimal(0) if visible is None else Decimal(visible["N"])
        amount = _EXACT.subtract(left, self.total())
        # However often it is added to, of one image it is one amount: the greatest so far.
        edit = Edit(path, "increment", {"N": rounded_number_text(amount)})
        sources.changes.append(OutsideChange(path, ADDED, edit))
        if visible is None:
            sources.assigned(path, None, None)
