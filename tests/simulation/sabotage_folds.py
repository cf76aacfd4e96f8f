"""The rules of certified folds, broken one at a time from outside; see `sabotage`."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from reconciler.causality import hlc
from reconciler.causality.hlc import Hlc, Stamp
from reconciler.causality.region_time import RegionTime
from reconciler.client import writer
from reconciler.conflict import classification as detection
from reconciler.conflict import folding
from reconciler.conflict.event import FoldCertificate
from reconciler.detection import detector
from reconciler.item.metadata import (
    context_of,
    decode,
    encode,
    is_managed,
)
from reconciler.item.replicated import ReplicatedItem
from reconciler.resolution import resolver
from reconciler.values.wire import Image
from tests.simulation.sabotage import a_replica_made_anew_is_taken_for_the_old, replacing

_WALL_WIDTH = hlc.EPOCH_WIDTH - hlc.NONCE_WIDTH


def as_image(found: Any) -> Image | None:
    """Return what `folded` returned, with its type."""
    return None if found is None else dict(found)


def fold_by_age() -> AbstractContextManager[Any]:
    """Let whatever is as old as a certified lineage be folded, unconditionally."""

    def make(_: Any) -> Any:
        def folded(current: Image | None, certificate: FoldCertificate, _: Any) -> Image | None:
            if current is None or not is_managed(current):
                return None
            item = decode(current)[0]
            youngest = max(lineage.rpartition(".")[2] for lineage in certificate.lineages)
            if item.context.watermarks.get(certificate.replica, "") >= youngest:
                return None
            return encode(folding.folded(item, certificate.replica, youngest))

        return folded

    return replacing(resolver, "folded_image", make)


def a_replica_made_anew_folds_what_the_old_wrote() -> AbstractContextManager[Any]:
    """Let a replica made anew extend no lineage of the old one, but have its code (W7)."""

    def make(real: Any) -> Any:
        def write(before: Image | None, *given: Any, **named: Any) -> Image:
            if before is not None and is_managed(before):
                item, changed = decode(before)
                before = before if changed else encode(replace(item, tip=None))
            return dict(real(before, *given, **named))

        return write

    stack = ExitStack()
    stack.enter_context(a_replica_made_anew_is_taken_for_the_old())
    stack.enter_context(replacing(writer, "write", make))
    return stack


def fold_without_the_ledger() -> AbstractContextManager[Any]:
    """Let a fold ask no ledger row about own lineages (F2)."""

    def make(real: Any) -> Any:
        return lambda rows, replica: ({}, (real(rows, replica) or ({}, ""))[1])

    return replacing(folding, "_own_losses", make)


def fold_blind_to_lost_watermarks() -> AbstractContextManager[Any]:
    """Let a fold not ask whether a watermark of its replica was lost (F2)."""

    def make(real: Any) -> Any:
        def own_losses(rows: Iterable[Image], replica: str) -> Any:
            found = real(rows, replica)
            return found and (found[0], "")

        return own_losses

    return replacing(folding, "_own_losses", make)


def fold_without_comparing_hlcs() -> AbstractContextManager[Any]:
    """Let a lineage that stands in the item count as whole, whatever its hlc (F1)."""

    def make(real: Any) -> Any:
        def folded(current: Image | None, certificate: FoldCertificate, rows: Any) -> Image | None:
            if current is None or not is_managed(current):
                return None
            heads = context_of(current).heads
            held = {str(lineage): str(head) for lineage, head in heads.items()}
            lineages = {each: held.get(each, at) for each, at in certificate.lineages.items()}

            def own_losses(rows: Any, replica: str) -> Any:
                found = losses(rows, replica)
                return found and ({k: heads.get(k, v) for k, v in found[0].items()}, found[1])

            losses = folding._own_losses
            with patch.object(folding, "_own_losses", own_losses):
                certificate = certificate.model_copy(update={"lineages": lineages})
                return as_image(real(current, certificate, rows))

        return folded

    return replacing(resolver, "folded_image", make)


def fold_of_lineages_that_nobody_certified() -> AbstractContextManager[Any]:
    """Let a fold take other own lineages along that stand below the youngest (F3)."""

    def make(real: Any) -> Any:
        def folded(current: Image | None, certificate: FoldCertificate, rows: Any) -> Image | None:
            if current is None or not is_managed(current):
                return None
            youngest = max(certificate.lineages, default="")
            others = {
                str(lineage): str(head)
                for lineage, head in context_of(current).heads.items()
                if lineage.replica == certificate.replica and lineage <= youngest
            }
            lineages = {**others, **certificate.lineages}
            certificate = certificate.model_copy(update={"lineages": lineages})
            return as_image(real(current, certificate, rows))

        return folded

    return replacing(resolver, "folded_image", make)


def fold_of_lineages_that_are_not_there() -> AbstractContextManager[Any]:
    """Let a fold not ask whether all that it covers stands in the item (F1, F2)."""

    def make(real: Any) -> Any:
        def folded(current: Image | None, certificate: FoldCertificate, rows: Any) -> Image | None:
            if current is None or not is_managed(current):
                return None
            heads = {str(each) for each in context_of(current).heads}

            def own_losses(rows: Any, replica: str) -> Any:
                found = losses(rows, replica)
                return found and ({k: v for k, v in found[0].items() if k in heads}, found[1])

            losses = folding._own_losses
            lineages = {k: v for k, v in certificate.lineages.items() if k in heads}
            with patch.object(folding, "_own_losses", own_losses):
                certificate = certificate.model_copy(update={"lineages": lineages})
                return as_image(real(current, certificate, rows))

        return folded

    return replacing(resolver, "folded_image", make)


def fold_keeps_a_foreign_tip() -> AbstractContextManager[Any]:
    """Let a fold leave the tip as it is, whoever's it is (M3)."""

    def make(real: Any) -> Any:
        def fold(item: ReplicatedItem, replica: str, epoch: str) -> ReplicatedItem:
            found: ReplicatedItem = real(item, replica, epoch)
            return replace(found, tip=item.tip)

        return fold

    return replacing(folding, "folded", make)


def fold_without_margin() -> AbstractContextManager[Any]:
    """Let lineages be certified at once, though clocks of one region may differ."""
    return patch.object(folding, "CLOCK_SKEW_MARGIN_MS", -60_000)


def certificates_as_of_now() -> AbstractContextManager[Any]:
    """Let a late detector certify lineages that were young when its record was written."""

    def make(real: Any) -> Any:
        return lambda change, *rest: real(change._replace(created_at_ms=None), *rest)

    return replacing(detector, "certificates_in", make)


def epochs_from_the_hlc() -> AbstractContextManager[Any]:
    """Let a foreign clock that is ahead decide the epochs of this replica's lineages (W1)."""

    def make(real: Any) -> Any:
        def stamp(self: Any, seen: str | None) -> Stamp:
            drawn = real(self, seen)
            nonce = drawn.epoch[_WALL_WIDTH:]
            return Stamp(Hlc(drawn.hlc), drawn.hlc[:_WALL_WIDTH] + nonce)

        return stamp

    return replacing(hlc.HybridClock, "stamp", make)


def writers_that_follow_their_machine() -> AbstractContextManager[Any]:
    """Let epochs be the time of whatever machine a writer runs on (W6)."""
    return replacing(RegionTime, "hear", lambda _: lambda *_: None)


def watermarks_that_nobody_compares() -> AbstractContextManager[Any]:
    """Let a record be clean although a watermark goes back in it (D1)."""

    def make(real: Any) -> Callable[..., bool]:
        def dominates(before: Any, after: Any) -> bool:
            return bool(real({**before, "w": after.get("w", {"M": {}})}, after))

        return dominates

    return replacing(detection, "_dominates", make)
