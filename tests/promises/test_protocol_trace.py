"""The trace that loses data in every obvious scheme, step by step.

A writes a1 and B writes b1. B's copy wins and overwrites A's: A's item has forgotten a1. A's
application writes a2 on top of b1, before any repair. With one actor per region, a2's version
vector claims a1, so nobody brings a1 back. `Naive` is that scheme; the library names lineages.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.conflict.classification import classify, lost_image
from reconciler.conflict.verdict import Finding
from reconciler.item.image import merge, read
from reconciler.item.metadata import context_of
from reconciler.values.wire import Image
from tests.builders import KEY, Replica, add, assign, discard, increment


@dataclass(frozen=True)
class Naive:
    """An item with one version-vector entry, one counter slot and one set actor a region."""

    vector: dict[str, int] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    elements: dict[str, tuple[str, int]] = field(default_factory=dict)
    register: tuple[tuple[str, int], str] | None = None

    def write(self, region: str, *, amount: int = 0, add: str = "", value: str = "") -> "Naive":
        dot = (region, self.vector.get(region, 0) + 1)
        return Naive(
            {**self.vector, region: dot[1]},
            {**self.slots, region: self.slots.get(region, 0) + amount},
            {**self.elements, **({add: dot} if add else {})},
            (dot, value) if value else self.register,
        )

    def covers(self, dot: tuple[str, int]) -> bool:
        return self.vector.get(dot[0], 0) >= dot[1]

    def merge(self, other: "Naive") -> "Naive":
        def greatest(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
            return {name: max(a.get(name, 0), b.get(name, 0)) for name in {*a, *b}}

        def kept(a: "Naive", b: "Naive") -> dict[str, tuple[str, int]]:
            return {
                e: d for e, d in a.elements.items() if b.elements.get(e) == d or not b.covers(d)
            }

        mine = self.register if self.register and not other.covers(self.register[0]) else None
        return replace(
            self,
            vector=greatest(self.vector, other.vector),
            slots=greatest(self.slots, other.slots),
            elements=kept(self, other) | kept(other, self),
            register=mine or other.register,
        )


def naive_trace(a: dict[str, Any], b: dict[str, Any], a_again: dict[str, Any]) -> Naive:
    a1 = Naive().write("A", **a)
    b1 = Naive().write("B", **b)
    a2 = b1.write("A", **a_again)  # b1 took a1's place in region A
    return a1.merge(a2)


def trace(a: Any, b: Any, a_again: Any, *, base: Image | None = None) -> Image:
    """Return what the library makes of the same trace, repaired only after the second write."""
    a1 = Replica("use1", base).write(a, at=2_000)
    b1 = Replica("euw1", base).write(b, at=2_001)
    verdict = classify(a1, b1, replica="use1")
    assert (verdict.finding, verdict.role) == (Finding.CONFLICT, "home")
    region_a = Replica("use1", b1)
    a2 = region_a.write(a_again, at=2_002)
    assert classify(b1, a2, replica="use1").finding is Finding.CLEAN
    assert not context_of(a1).within(context_of(a2))
    return merge(a2, lost_image(verdict, a1, b1))


def test_an_actor_per_region_loses_the_increment_that_was_overwritten() -> None:
    merged = naive_trace({"amount": 1}, {"amount": 10}, {"amount": 100})
    assert sum(merged.slots.values()) == 110


def test_a_lineage_as_actor_keeps_every_increment() -> None:
    merged = trace(increment("balance", 1), increment("balance", 10), increment("balance", 100))
    assert read(merged) == KEY | {"balance": 111}


def test_an_actor_per_region_loses_the_element_that_was_overwritten() -> None:
    merged = naive_trace({"add": "a1"}, {"add": "b1"}, {"add": "a2"})
    assert set(merged.elements) == {"b1"}  # a1 is taken for removed, and a2 has a1's name


def test_a_lineage_as_actor_keeps_every_element() -> None:
    merged = trace(add("tags", "a1"), add("tags", "b1"), add("tags", "a2"))
    assert read(merged) == KEY | {"tags": {"a1", "b1", "a2"}}


def test_an_actor_per_region_loses_the_value_that_was_overwritten() -> None:
    merged = naive_trace({"value": "a1"}, {"amount": 10}, {"amount": 100})
    assert merged.register is None


def test_a_lineage_as_actor_keeps_every_value() -> None:
    merged = trace(assign("name", "a1"), assign("notes", "b1"), increment("balance", 1))
    assert read(merged) == KEY | {"name": "a1", "notes": ["b1"], "balance": 1}


def test_a_removal_that_was_overwritten_is_kept_as_well() -> None:
    base = Replica("apse1").write(add("tags", "x", "y"), add("blocked", "x", "y"), at=1_000)
    merged = trace(
        discard("tags", "x"), discard("blocked", "y"), increment("balance", 1), base=base
    )
    assert read(merged) == KEY | {"tags": {"y"}, "blocked": {"x"}, "balance": 1}


def test_a_write_on_a_foreign_image_starts_a_lineage_and_the_next_one_extends_it() -> None:
    foreign = Replica("euw1").write(assign("name", "b1"), at=1_000)
    region_a = Replica("use1", foreign)
    first = context_of(region_a.write(assign("name", "a1"), at=2_000))
    second = context_of(region_a.write(assign("name", "a2"), at=3_000))
    assert len(first.heads) == 2
    assert second.heads.keys() == first.heads.keys()


def test_a_merge_ends_the_lineage_so_the_next_write_starts_one() -> None:
    ours = Replica("use1").write(increment("balance", 1), at=1_000)
    theirs = Replica("euw1").write(increment("balance", 2), at=1_000)
    merged = merge(ours, theirs)
    after = Replica("use1", merged).write(increment("balance", 4), at=2_000)
    assert "p" not in merged["_rec"]["M"]
    assert len(context_of(after).heads) == 3


def test_a_lineage_is_not_continued_on_a_merge_that_was_made_elsewhere() -> None:
    # If the tip survived the merge, both writes below would be the same lineage with two heads,
    # and the greater would claim the other.
    ours = Replica("use1").write(increment("balance", 1), at=1_000)
    theirs = Replica("euw1").write(increment("balance", 10), at=1_000)
    merged = merge(ours, theirs)
    on_ours = Replica("use1", ours).write(increment("balance", 100), at=2_000)
    on_merged = Replica("use1", merged).write(increment("balance", 1_000), at=2_001)
    plain = read(merge(on_ours, on_merged))
    assert plain == KEY | {"balance": 1_111}


def test_a_write_behind_every_clock_still_exceeds_all_it_has_seen() -> None:
    ahead = Replica("euw1").write(assign("name", "future"), at=9_000)
    behind = Replica("use1", ahead).write(assign("name", "now"), at=1_000)
    latest = context_of(behind).latest()
    assert latest is not None
    assert latest > (context_of(ahead).latest() or "")
    assert read(merge(ahead, behind)) == KEY | {"name": "now"}
