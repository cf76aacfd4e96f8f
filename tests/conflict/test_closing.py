"""What is done to a version that all regions moved on from is set aside whole, in either order."""

from decimal import Decimal

import pytest

from reconciler.causality.hlc import COARSE_MS, number_of
from reconciler.conflict.classification import classify
from reconciler.conflict.closing import check_open, is_closed
from reconciler.conflict.marks import Mark
from reconciler.conflict.row import State
from reconciler.conflict.verdict import Finding
from reconciler.detection.change import parse
from reconciler.detection.securing import CLOSED, AsOf, DetectorPolicy, Loss, loss_in
from reconciler.errors import VersionClosed
from reconciler.item.metadata import decode
from reconciler.values.wire import Image
from tests.conflict.test_marking import BOTH, marked
from tests.detection.test_detector import record


@pytest.fixture
def versions() -> tuple[Image, Image]:
    """Return an early version of an item, and one in which what was done to it is folded."""
    table = marked(4, BOTH)
    early = table.image
    for _ in range(60):
        table.now_ms += 60_000
        table.add()
        table.write()
    return early, table.image


def raw(image: Image, amount: int = 5) -> Image:
    return {**image, "balance": {"N": str(Decimal(image["balance"]["N"]) + amount)}}


def test_an_update_of_a_version_that_is_folded_since_is_closed(
    versions: tuple[Image, Image],
) -> None:
    early, late = versions

    assert is_closed(raw(early), late)
    assert not is_closed(early, late)  # nothing was done to it
    assert not is_closed(raw(late), early)
    assert not is_closed(raw(early), early)
    assert not is_closed({"id": {"S": "p1"}}, late)


@pytest.mark.parametrize("turned", [False, True])
def test_a_record_of_one_is_parked_whole(versions: tuple[Image, Image], turned: bool) -> None:
    early, late = versions
    old, new = (late, raw(early)) if turned else (raw(early), late)

    assert classify(old, new, replica="use1").finding is Finding.CLOSED
    policy = DetectorPolicy("parties", "us-east-1")
    loss = loss_in(parse(record(7, old, new)), policy, AsOf(2_000_000_000_000, "use1"))
    assert isinstance(loss, Loss)
    assert (loss.state, loss.reason) == (State.PARKED, CLOSED)
    assert (loss.event.lost, loss.event.winner) == (old, new)


def test_a_loss_of_one_is_refused_in_either_order(versions: tuple[Image, Image]) -> None:
    early, late = versions
    now = 2_000_000_000_000

    for current, lost in ((late, raw(early)), (raw(early), late)):
        with pytest.raises(VersionClosed, match="compare both images"):
            check_open(current, [(lost, now)], "use1")
    check_open(late, [(early, now)], "use1")
    check_open(None, [(raw(early), now)], "use1")


def test_what_a_region_lost_before_its_mark_is_in_the_sums(versions: tuple[Image, Image]) -> None:
    early, late = versions
    seen = Mark.parse(decode(late)[0].marks["use1"]).seen
    seen_ms = number_of(seen) * COARSE_MS

    check_open(late, [(raw(early), seen_ms - 1)], "use1")
    with pytest.raises(VersionClosed):
        check_open(late, [(raw(early), seen_ms)], "use1")
    with pytest.raises(VersionClosed):
        check_open(late, [(raw(early), seen_ms - 1)], "another")
