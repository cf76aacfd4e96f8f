"""The rules about writers around the library, broken one at a time; see `sabotage`."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any

from reconciler.client.memory import Memory
from reconciler.conflict import classification as verdict
from reconciler.conflict.verdict import Finding, Verdict
from reconciler.crdt import counter_pn
from reconciler.crdt.base import OutsideChange
from reconciler.detection import securing
from reconciler.item import filing
from reconciler.resolution import repair, resolver
from tests.simulation.sabotage import replacing


def any_tip_of_the_region_is_gone_on_with() -> AbstractContextManager[Any]:
    """Let a client extend the tip of a copy that a stale save brought back (W1)."""
    return replacing(Memory, "goes_on", lambda _: lambda *_: True)


def what_a_library_write_took_away_is_not_looked_for() -> AbstractContextManager[Any]:
    """Let a record be clean whose contexts are, whatever the old image held (D5)."""
    return replacing(verdict, "is_touched", lambda _: lambda *_: False)


def what_raw_writers_did_is_filed_at_once() -> AbstractContextManager[Any]:
    """Let every raw update be sent to the resolver, which writes the item with it filed (Q1)."""

    def found(real: Any) -> Any:
        def classify(*given: Any, **named: Any) -> Verdict:
            known: Verdict = real(*given, **named)
            unmanaged = known.finding is Finding.UNMANAGED
            return replace(known, finding=Finding.REVIVED) if unmanaged else known

        return classify

    stack = ExitStack()
    stack.enter_context(replacing(securing, "classify", found))
    stack.enter_context(replacing(repair, "_is_hidden", lambda _: lambda _: True))
    return stack


def one_slot_for_each_amount() -> AbstractContextManager[Any]:
    """Let what was added to one image have a slot for each sum that was seen (Q2)."""

    def make(real: Any) -> Any:
        def lineage(token: str, change: OutsideChange) -> Any:
            amount = change.edit.value if change.edit is not None else None
            return real(token, change._replace(name=f"{change.name}{amount}"))

        return lineage

    return replacing(filing, "lineage_of", make)


def one_slot_for_all_images() -> AbstractContextManager[Any]:
    """Let what was added to any image of an item go into one slot (Q2)."""
    return replacing(filing, "lineage_of", lambda real: lambda _, change: real("", change))


def the_lesser_slot_stands() -> AbstractContextManager[Any]:
    """Let of two sums that were added to one image the lesser one stand (Q2)."""
    return replacing(
        counter_pn,
        "joined_slots",
        lambda _: lambda dots, a, b: {d: min(s[d] for s in (a, b) if d in s) for d in dots},
    )


def two_regions_write_one_merge_alike() -> AbstractContextManager[Any]:
    """Let a merge not tell in which region it was written (M1)."""
    return replacing(resolver, "written_in", lambda _: lambda _replica, merged: merged)


def amounts_of_one_raw_addition_are_not_compared() -> AbstractContextManager[Any]:
    """Let a record be clean whose contexts are, though less of an addition is left (D1)."""
    return replacing(verdict, "counts_outside", lambda _: lambda _: False)
