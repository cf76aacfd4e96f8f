"""Whether a loss belongs to the item that is there now, by the ledger's rows of it. Pure.

An item may have been deleted for good since, and its key created anew: nothing of the old one may
come into the new one. Where the two images know nothing of each other, the rows must tell.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce

from reconciler.causality.context import CausalContext
from reconciler.conflict.lives import Overwrite, Removal, is_accounted_for, is_recreated
from reconciler.conflict.row import Row
from reconciler.conflict.verdict import Finding
from reconciler.crdt.counter_slots import is_added
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import HistoryUnknown, ItemRecreated, ReconcilerError
from reconciler.item.filing import file, state_at
from reconciler.item.joining import joined
from reconciler.item.metadata import context_of, encode, is_managed
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.sightings import registers_in, with_earlier, with_later
from reconciler.values.wire import Image

Rows = Callable[[], Sequence[Row]]


def check_lives(current: Image, lost: Iterable[Image], rows: Rows, lost_at_ms: int | None) -> None:
    """Refuse, as ItemRecreated, a loss of an item that was deleted for good.

    `lost_at_ms` is when the first of the losses was made.
    """

    def removed() -> Sequence[Removal]:
        return removals(rows())

    if any(is_recreated(current, each, removed, lost_at_ms) for each in lost):
        raise ItemRecreated("its item was deleted for good, and the key created anew since")


def check_history(current: Image, losses: Iterable[tuple[Image, Image | None]], rows: Rows) -> None:
    """Refuse, as HistoryUnknown, a loss of which no row tells what happened to its item since.

    `losses` are losing images, each with what took its place.
    """
    for lost, winner in losses:
        if not (is_managed(current) and is_managed(lost) and is_managed(winner)):
            continue
        loss = Overwrite(context_of(lost), context_of(winner or {}))
        if not is_accounted_for(current, loss, lambda: overwrites(rows())):
            raise HistoryUnknown(
                "the item knows nothing of this loss, and no row says what happened to it since:"
                " the detector is behind, or the replica was made anew"
            )


def image_taken(current: Image, rows: Rows, record: tuple[str, int] | None) -> Image | None:
    """Return what a write around the library took of the item that is there now, last, if the row
    holds it: a hard delete, or a whole put, with what was put in it.

    `record` is the region and the time of the record that showed a loss.
    HAZARD if it were what a put of another region took: what it never held looks left out.
    """
    known = context_of(current)
    taken = [row for row in rows() if row.lost and _is_taken(row, record)]
    latest = max(
        (row for row in taken if known.meets(_taken(row))),
        key=lambda row: row.lost_at_ms,
        default=None,
    )
    return latest.lost if latest else None


def _is_taken(row: Row, record: tuple[str, int] | None) -> bool:
    if row.finding == Finding.REMOVED.value:
        return True
    is_put = row.finding == Finding.OVERWRITTEN.value
    return is_put and record is not None and row.region == record[0] and row.lost_at_ms <= record[1]


def without_replaced(filed: Image, lost: Image, winner: Image | None) -> Image:
    """Return a losing image, filed, without the raw values that its winner replaced, or at whose
    place the library or a name wrote what the losing image does not know.

    HAZARD if they were merged with the rest of a loss: ranked by when that was found, they would
    stand over what the library wrote since on top of what had replaced them.
    """
    if winner is None or not (is_managed(winner) and is_managed(lost)):
        return filed
    before, after = file(filed), file(winner)
    known = with_earlier(with_later(after, winner, before, lost), before).context
    for path, state in registers_in((), after.attributes):
        ours = state_at(before, path)
        if isinstance(ours, RegisterLww) and any(map(is_added, ours.entries)):
            news = [dot for dot in state.entries if not before.context.covers(dot)]
            if news and not any(map(is_added, state.entries)):
                known = reduce(CausalContext.with_dot, filter(is_added, ours.entries), known)
    replaced = {k: hlc for k, hlc in known.heads.items() if k not in after.context.heads}
    if not replaced:
        return filed
    left = joined(before, ReplicatedItem(before.key, context=CausalContext(replaced)))
    return encode(replace(left, alive=before.alive))


def removals(rows: Iterable[Row]) -> list[Removal]:
    """Return the hard deletes that stand."""
    return [Removal(_taken(row), row.lost_at_ms) for row in rows if _is_removal(row)]


def overwrites(rows: Iterable[Row]) -> list[Overwrite]:
    """Return what took the place of what, hard deletes that stand left out.

    Images that do not fit a row are not looked for elsewhere: what they would tell is unknown.
    """
    return [each for row in rows if not _is_removal(row) for each in _overwrites(row)]


def _overwrites(row: Row) -> Iterator[Overwrite]:
    winner = row.winner
    try:
        if winner or not row.images_ref:
            by = context_of(winner) if winner and is_managed(winner) else None
            yield Overwrite(_taken(row), by)
    except ReconcilerError:
        pass  # what cannot be read tells nothing


def _is_removal(row: Row) -> bool:
    is_taken_back = row.image.get("restore") == {"BOOL": True}
    is_known = row.lost_dots is not None
    return is_known and row.finding == Finding.REMOVED.value and not is_taken_back


def _taken(row: Row) -> CausalContext:
    heads = {dot.lineage: dot.hlc for dot in row.lost_dots or ()}
    return CausalContext(heads, row.lost_watermarks or {})
