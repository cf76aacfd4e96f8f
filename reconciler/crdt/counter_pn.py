"""counter_pn: a number that concurrent increments and decrements add up in.

Behaviour: one slot per lineage holds that lineage's sum; the value is the sum of the slots. Slots
belong to lineages, not regions, because a region that lost a write would count on from a slot it no
longer holds. Assigning a number adds the difference to what its writer saw; removing takes away
exactly what its writer saw.
Limits: a slot holds 38 digits exactly; a sum beyond them is shown rounded, its slots stay exact.
Source: INRIA RR-7506, 2011, section 3.1.3; Riak's per-key actor epochs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal

from reconciler.causality.context import CausalContext, Dot
from reconciler.crdt.base import Crdt, Edit, Spec, dots_of, refs_text, register, surviving_dots
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


@register
@dataclass(frozen=True)
class CounterPn(Crdt):
    """A number kept as the sum of one slot for each lineage.

    `slots`: last dot of each lineage -> its sum. `presence`: the dots that say it exists.
    `bases`: replica -> the sum of its folded lineages, those that its watermark covers.
    """

    NAME, TAG = "counter_pn", "pn"

    slots: Mapping[Dot, Decimal] = field(default_factory=dict)
    presence: tuple[Dot, ...] = ()
    bases: Mapping[str, Decimal] = field(default_factory=dict)

    def join(self, other: "CounterPn", mine: CausalContext, theirs: CausalContext) -> Crdt:
        kept = surviving_dots(self.slots, other.slots, mine, theirs)
        return CounterPn(
            {dot: self.slots[dot] if dot in self.slots else other.slots[dot] for dot in kept},
            surviving_dots(self.presence, other.presence, mine, theirs),
            self._join_bases(other, mine, theirs),
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
        gone = [d for d in self.slots if d.lineage.replica == replica and d.lineage.epoch <= epoch]
        if not gone:
            return self
        base = exact_sum([self.bases.get(replica, Decimal(0)), *map(self.slots.__getitem__, gone)])
        slots = {dot: amount for dot, amount in self.slots.items() if dot not in gone}
        return replace(self, slots=slots, bases={**self.bases, replica: base})

    def is_empty(self) -> bool:
        return not (self.slots or self.presence or self.bases)

    def apply(self, edit: Edit, depth: int, dot: Dot, spec: Spec) -> Crdt:  # noqa: ARG002 (no fields)
        if len(edit.path) > depth or edit.verb not in ("assign", "increment", "remove"):
            raise self.refusal(edit, depth, "increment, assign and remove")
        if edit.verb == "remove":
            return self.forget(dot)
        where = edit.path[:depth]
        if edit.value is None or "N" not in edit.value:
            raise InvalidInput(f"{label(where)}: a counter_pn takes a number")
        amount = Decimal(edit.value["N"])
        if edit.verb == "assign":
            amount = _EXACT.subtract(amount, self.total())
        return replace(self._add(amount, dot, where), presence=(dot,))

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

    def forget(self, dot: Dot) -> Crdt:
        # Dropping the slots would bring a lineage's old increments back with its next one.
        total = self.total()
        cleared = self._add(total.copy_negate(), dot, ("counter",)) if total else self
        return replace(cleared, presence=())

    def total(self) -> Decimal:
        """Return the exact sum of the slots."""
        return exact_sum([*self.slots.values(), *self.bases.values()])

    def visible(self) -> Wire | None:
        return {"N": rounded_number_text(self.total())} if self.presence else None

    def dots(self) -> Iterator[Dot]:
        yield from self.slots
        yield from self.presence

    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        slots = {refs[dot]: {"N": number_text(self.slots[dot])} for dot in sorted(self.slots)}
        present: Wire = {"p": {"S": refs_text(self.presence, refs)}}
        bases = {name: {"N": number_text(self.bases[name])} for name in sorted(self.bases)}
        return {"M": {**slots, **present, **({"b": {"M": bases}} if bases else {})}}

    @classmethod
    def decode(cls, wire: Wire, visible: Wire | None, dots: Sequence[Dot]) -> "CounterPn":  # noqa: ARG003 (the slots say all)
        refs = dict(wire["M"])
        presence = refs.pop("p")["S"]
        bases = refs.pop("b", {"M": {}})["M"]
        return cls(
            {dots[int(ref)]: Decimal(amount["N"]) for ref, amount in refs.items()},
            dots_of(presence, dots),
            {replica: Decimal(amount["N"]) for replica, amount in bases.items()},
        )
