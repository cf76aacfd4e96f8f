"""What is done around the library is bounded by marks of all regions, exactly, or it stays."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from reconciler.causality.context import ADOPTED
from reconciler.conflict.classification import classify
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.folding import folded_image
from reconciler.conflict.marking import Speaker, marked_image
from reconciler.conflict.marks import Mark
from reconciler.conflict.row import Row, State
from reconciler.conflict.verdict import Finding
from reconciler.crdt.counter_pn import CounterPn
from reconciler.detection.certifying import certificates_in
from reconciler.detection.change import parse
from reconciler.detection.securing import AsOf, DetectorPolicy
from reconciler.item.image import merge, read
from reconciler.item.metadata import METADATA, context_of, decode, encode
from reconciler.values.size import item_size
from reconciler.values.wire import Image
from tests.builders import Replica, assign, written
from tests.conflicts import judged, loss
from tests.detection.test_detector import record

BOTH = ("use1", "euw1")
EPOCH_MS = 1_700_000_000_000
POLICY = DetectorPolicy("parties", "us-east-1")


class Table:
    """One item in regions that replication keeps alike, each with its detector and resolver."""

    def __init__(self, codes: Sequence[str] = BOTH, known: Sequence[str] | None = None) -> None:
        self.codes, self.known = codes, known
        self.now_ms = EPOCH_MS
        self.replica = Replica("use1")
        self.rows: dict[str, list[Row]] = {code: [] for code in codes}
        self.largest = 0
        self.write()

    @property
    def image(self) -> Image:
        assert self.replica.image is not None
        return dict(self.replica.image)

    def write(self, by: str = "use1") -> None:
        """Let the library write once, on all that others did."""
        before = self.replica.image
        self.replica.name = by
        self.replica.write(assign("name", f"n{self.now_ms}"), at=self.now_ms)
        self.seen(before)

    def add(self, amount: int = 1) -> None:
        """Let somebody add around the library."""
        total = Decimal(self.image.get("balance", {"N": "0"})["N"]) + amount
        self.replica.image = {**self.image, "balance": {"N": str(total)}}

    def seen(self, before: Mapping[str, Any] | None) -> None:
        """Let the regions see what the item became, and do what follows from it."""
        self.largest = max(self.largest, item_size({METADATA: self.image[METADATA]}))
        for code in self.codes:
            for told in self.certificates(code, before):
                after = self.carried_out(code, told)
                if after is not None:
                    before, self.replica.image = self.image, after
                    self.seen(before)

    def certificates(
        self, code: str, before: Mapping[str, Any] | None
    ) -> Sequence[FoldCertificate]:
        """Return what a region's detector certifies of a change to the item as it is now."""
        at = {"ApproximateCreationDateTime": self.now_ms / 1_000}
        change = parse(record(1, before, self.image, **at))
        return certificates_in(change, POLICY, AsOf(self.now_ms, code))

    def carried_out(self, code: str, told: FoldCertificate) -> Image | None:
        """Return what a region's resolver writes for a certificate."""
        rows = self.rows[code]
        if told.replica == ADOPTED:
            return marked_image(self.image, told, rows, Speaker(code, self.known, self.now_ms))
        return folded_image(self.image, told, rows)

    def lineages(self) -> int:
        return sum(each.replica == ADOPTED for each in context_of(self.image).heads)


@pytest.mark.parametrize("codes", [("use1",), BOTH, (*BOTH, "apse1")], ids=len)
def test_1680_raw_increments_each_adopted_stay_bounded(codes: Sequence[str]) -> None:
    table = Table(codes, codes)

    for _ in range(1_680):
        table.now_ms += 10_000
        table.add()
        table.write()

    assert (read(table.image) or {})["balance"] == 1_680
    assert table.lineages() < 150
    assert table.largest < 10_000


def marked(steps: int = 20, codes: Sequence[str] = ("use1",), known: Any = BOTH) -> Table:
    """Return a table after minutes of raw increments, each adopted; `codes` make marks."""
    table = Table(codes, known)
    for _ in range(steps):
        table.now_ms += 60_000
        table.add()
        table.write()
    return table


def folded_to(table: Table) -> str:
    return context_of(table.image).watermarks.get(ADOPTED, "")


def test_the_mark_of_one_region_folds_nothing() -> None:
    alone = marked(60)

    assert set(decode(alone.image)[0].marks) == {"use1"}
    assert not folded_to(alone)
    assert folded_to(marked(60, BOTH))


def test_nothing_is_marked_while_not_all_replicas_are_known() -> None:
    assert decode(marked(60, BOTH, known=None).image)[0].marks == {}


def test_what_all_regions_have_said_once_is_not_folded() -> None:
    table = marked(1, BOTH)
    while {*decode(table.image)[0].marks} != {*BOTH}:
        table.now_ms += 60_000
        table.add()
        table.write()

    assert not folded_to(table)


def raw_loss(table: Table, amount: int) -> Row:
    """Return the row of a raw increment of an earlier version that a library write took away."""
    before = table.image
    lost = {**before, "balance": {"N": str(Decimal(before["balance"]["N"]) + amount)}}
    winner = Replica("euw1", before).write(assign("name", "Eve"), at=table.now_ms)
    verdict = classify(lost, winner, replica="use1")
    table.write()  # nobody adds to that version here
    return loss(lost, winner, State.OPEN, lost_at_ms=str(table.now_ms), **judged(verdict))


def test_a_mark_waits_until_the_item_has_what_its_ledger_says_was_lost() -> None:
    table = marked(4, BOTH)
    row = raw_loss(table, 100)
    table.rows = {code: [row] for code in BOTH}

    for _ in range(80):
        table.now_ms += 60_000
        table.add()
        table.write()
    assert not folded_to(table)

    table.replica.image = merge(table.image, row.event().lost or {})
    table.write()
    for _ in range(40):
        table.now_ms += 60_000
        table.write()
    assert folded_to(table)
    assert (read(table.image) or {})["balance"] == 84 + 100


@pytest.mark.parametrize("gone", ["lost_dots", "lost_watermarks", "ordering", "lost"])
def test_a_row_that_cannot_say_what_was_lost_lets_no_mark_be_made(gone: str) -> None:
    table = marked(4, BOTH)
    row = raw_loss(table, 100)
    mute = Row.of({name: each for name, each in row.image.items() if name != gone})
    table.rows = {code: [mute] for code in BOTH}

    for _ in range(40):
        table.now_ms += 60_000
        table.add()
        table.write()

    assert decode(table.image)[0].marks == {}


def test_a_mark_begins_anew_if_an_older_image_came_back() -> None:
    table = marked(12)
    first = Mark.parse(decode(table.image)[0].marks["use1"])
    old = written(assign("name", "Eve"), replica="euw1", at=1_000)
    table.rows["use1"] = [loss(table.image, old, lost_at_ms=str(table.now_ms))]

    table.now_ms += 10 * 60_000
    table.add()
    table.write()

    assert Mark.parse(decode(table.image)[0].marks["use1"]).since > first.since


def test_marks_are_no_part_of_whether_a_record_is_clean_and_join_by_the_later() -> None:
    image = marked(12).image
    bare = encode(replace(decode(image)[0], marks={}))

    assert classify(image, bare, replica="use1").finding is Finding.CLEAN
    assert classify(bare, image, replica="use1").finding is Finding.CLEAN
    assert decode(merge(image, bare))[0].marks == decode(image)[0].marks


def test_a_mark_costs_an_item_nothing_that_only_the_library_writes() -> None:
    table = Table(BOTH, BOTH)
    for _ in range(60):
        table.now_ms += 60_000
        table.write()

    assert decode(table.image)[0].marks == {}


def test_a_fold_that_a_slower_region_merges_later_counts_once() -> None:
    table = marked(12, BOTH)
    earlier = table.image
    for _ in range(40):
        table.now_ms += 60_000
        table.add()
        table.write()

    assert folded_to(table)
    assert merge(earlier, table.image) == merge(table.image, earlier)
    assert read(merge(earlier, table.image)) == read(table.image)
    assert classify(earlier, table.image, replica="use1").finding is Finding.CLEAN


def test_a_fold_that_readers_would_see_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    real = CounterPn.fold

    def shifted(self: CounterPn, replica: str, epoch: str) -> CounterPn:
        after = real(self, replica, epoch)
        assert isinstance(after, CounterPn)
        return replace(after, bases={**after.bases, replica: Decimal(1_000_000)})

    monkeypatch.setattr(CounterPn, "fold", shifted)

    assert not folded_to(marked(60, BOTH))
