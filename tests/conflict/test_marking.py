"""What is done around the library is bounded by marks of all regions, exactly, or it stays."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from reconciler.causality.context import ADOPTED
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.folding import folded_image
from reconciler.conflict.marking import Speaker, marked_image
from reconciler.conflict.row import Row
from reconciler.detection.certifying import certificates_in
from reconciler.detection.change import parse
from reconciler.detection.securing import AsOf, DetectorPolicy
from reconciler.item.image import read
from reconciler.item.metadata import METADATA, context_of
from reconciler.values.size import item_size
from reconciler.values.wire import Image
from tests.builders import Replica, assign
from tests.detection.test_detector import record

BOTH = ("use1", "euw1")
EPOCH_MS = 1_700_000_000_000
POLICY = DetectorPolicy("parties", "us-east-1")


class Table:
    """One item in regions that replication keeps alike, each with its detector and resolver."""

    def __init__(self, codes: Sequence[str] = BOTH) -> None:
        self.codes = codes
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
            return marked_image(self.image, told, rows, Speaker(code, self.codes, self.now_ms))
        return folded_image(self.image, told, rows)

    def lineages(self) -> int:
        return sum(each.replica == ADOPTED for each in context_of(self.image).heads)


@pytest.mark.parametrize("codes", [("use1",), BOTH, (*BOTH, "apse1")], ids=len)
def test_1680_raw_increments_each_adopted_stay_bounded(codes: Sequence[str]) -> None:
    table = Table(codes)

    for _ in range(1_680):
        table.now_ms += 10_000
        table.add()
        table.write()

    assert (read(table.image) or {})["balance"] == 1_680
    assert table.lineages() < 300
