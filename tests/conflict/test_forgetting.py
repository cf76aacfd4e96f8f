"""What is forgotten of idempotency keys, and when: all regions say that the item holds them."""

from itertools import count
from typing import Any

import pytest

from reconciler.causality.context import KEYED
from reconciler.causality.hlc import COARSE_MS
from reconciler.causality.keys import Once, stem_of
from reconciler.conflict.classification import classify
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.forgetting import forgotten_image, standing_keys
from reconciler.conflict.marking import Speaker
from reconciler.conflict.row import Row
from reconciler.item.filing import filed_image
from reconciler.item.image import merge, read, write
from reconciler.item.metadata import context_of
from reconciler.values.wire import Image
from tests.builders import KEY, SCHEMA, clock, increment
from tests.named import element, with_name
from tests.resolution.test_past import row

START, LIFETIME_MS = 1_790_000_000_000, 600_000
OVER_MS = LIFETIME_MS + 900_000 + 3 * COARSE_MS  # after its writing, when a key is forgotten
REPLICAS = ["use1", "euw1"]
nonces = count(1)


def keyed(image: Image | None, number: int, at: int = START, replica: str = "use1") -> Image:
    """Return the image after an increment by 10, under a key of its own."""
    once = Once(f"order-{number}", at).lineage()
    by: dict[str, Any] = {"replica": replica, "clock": clock(at, nonces), "once": once}
    return write(image, [increment("balance", 10)], key=KEY, schema=SCHEMA, **by)


def of_keys(number: int) -> Image:
    image: Image | None = None
    for each in range(number):
        image = keyed(image, each, START + each)
    assert image is not None
    return image


def marked(image: Image, replica: str, *rows: Row, at: int = START + OVER_MS) -> Image | None:
    """Return the image as a replica marks it, by what its own stream shows."""
    return forgotten_image(image, certified(image, at), rows, Speaker(replica, REPLICAS, at))


def certified(image: Image, at: int = START + OVER_MS) -> FoldCertificate:
    """Return what a detector says of the keys in an image."""
    found = standing_keys(image, at, LIFETIME_MS)
    assert found is not None
    return FoldCertificate(
        certificate_id="c",
        table="parties",
        key={"id": {"S": "p1"}},
        replica=KEYED,
        sequence_number="1",
        issued_at_ms=str(at),
        lineages=found.lineages,
        up_to=found.up_to,
    )


def keys_in(image: Image | None) -> int:
    assert image is not None
    return sum(lineage.replica == KEYED for lineage in context_of(image).heads)


def test_keys_are_forgotten_when_all_regions_have_marked_the_item() -> None:
    image = of_keys(12)
    first = marked(image, "use1")
    assert keys_in(first) == 12
    second = marked(first or {}, "euw1")
    assert keys_in(second) == 0
    assert read(second) == read(image) == {"id": "p1", "balance": 120}


def test_what_is_forgotten_is_still_known_and_counts_once_where_it_is_not() -> None:
    image = of_keys(12)
    folded = marked(marked(image, "use1") or {}, "euw1") or {}
    for one, other in ((image, folded), (folded, image)):
        assert (read(merge(one, other)) or {})["balance"] == 120
    assert classify(image, folded, replica="use1").finding.value == "clean"


@pytest.mark.parametrize(("keys", "later_ms"), [(8, OVER_MS), (12, LIFETIME_MS + 900_000)])
def test_few_keys_and_keys_that_may_still_be_taken_are_left_alone(keys: int, later_ms: int) -> None:
    assert standing_keys(of_keys(keys), START + later_ms, LIFETIME_MS) is None


def test_a_key_that_is_lost_and_not_repaired_yet_is_no_mark() -> None:
    lost = keyed(of_keys(12), 99)
    image = keyed(of_keys(12), 12, START + 20, "euw1")
    open_loss = row(lost, image)
    assert marked(image, "use1", open_loss) is None
    repaired = merge(lost, image)
    assert marked(repaired, "use1", open_loss) is not None


def named(image: Image, once: Once) -> Image:
    """Return the image after a named increment by 10 under a key, which is not filed yet."""
    name = element(increment("balance", 10), at=once.issued_at_ms)["M"]
    key = once.lineage()
    for each in ({"M": {**name, "once": {"S": key.epoch}}}, {"S": stem_of(key)}):
        image = with_name(image, each)
    return {**image, "balance": {"N": str(int(image["balance"]["N"]) + 10)}}


def test_a_key_whose_named_write_still_stands_in_the_list_is_not_forgotten() -> None:
    image = named(of_keys(12), Once("order-99", START))
    certificate = certified(of_keys(12))
    speaker = Speaker("use1", REPLICAS, START)

    assert standing_keys(image, START + OVER_MS, LIFETIME_MS) is None
    assert forgotten_image(image, certificate, [], speaker) is None
    filed = filed_image(image)
    assert keys_in(filed) == 13
    folded = marked(marked(filed, "use1") or {}, "euw1")
    assert (keys_in(folded), read(folded)) == (0, {"id": "p1", "balance": 130})


def test_a_named_write_whose_key_is_forgotten_already_counts_as_done_around_the_library() -> None:
    folded = marked(marked(of_keys(12), "use1") or {}, "euw1") or {}
    late = named(folded, Once("order-99", START))

    assert (read(late), read(filed_image(late))) == ({"id": "p1", "balance": 130},) * 2
    assert (read(merge(folded, late)) or {})["balance"] == 130
    assert keys_in(filed_image(late)) == 0


def test_a_key_that_the_certificate_names_and_the_item_lacks_is_no_mark() -> None:
    certificate = certified(of_keys(12))
    speaker = Speaker("use1", REPLICAS, START)
    assert forgotten_image(of_keys(11), certificate, [], speaker) is None
    assert forgotten_image(of_keys(12), certificate, [], speaker._replace(replicas=None)) is None


def test_an_item_that_is_written_with_keys_for_hours_stays_small() -> None:
    image: Image = of_keys(1)
    most = 0
    for minute in range(1, 600):
        at = START + minute * 60_000
        image = keyed(image, minute, at)
        most = max(most, keys_in(image))
        for replica in REPLICAS:
            if standing_keys(image, at, LIFETIME_MS) is not None:
                image = marked(image, replica, at=at) or image
    assert most < 60
    assert (read(image) or {})["balance"] == 6_000


def test_a_row_that_cannot_say_what_was_lost_or_tells_of_forgotten_keys_is_no_mark() -> None:
    lost, image = keyed(of_keys(12), 12), keyed(of_keys(12), 13, START + 20, "euw1")
    told = row(lost, lost, lost_dots=())
    assert marked(image, "use1", told) is not None
    bare = {name: wire for name, wire in told.image.items() if name != "lost_dots"}
    assert marked(image, "use1", Row.of(bare)) is None
    later = Once("order-99", START).lineage().epoch
    assert (
        marked(image, "use1", row(lost, lost, lost_dots=(), lost_watermarks={KEYED: later})) is None
    )
