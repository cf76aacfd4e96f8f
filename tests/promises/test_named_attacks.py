"""Named writes of hostile or careless clients harm nobody but themselves."""

from itertools import count
from typing import Any

import pytest

from reconciler.causality.hlc import HybridClock
from reconciler.conflict.classification import classify, lost_image
from reconciler.conflict.event import FoldCertificate
from reconciler.conflict.folding import MOST_NAMES
from reconciler.item import edits
from reconciler.item.filing import file
from reconciler.item.image import merge, read, write
from reconciler.item.metadata import NAMES, is_managed, is_named
from reconciler.item.restating import with_names_filed
from reconciler.resolution.repair import repaired_image
from reconciler.resolution.resolver import Resolver
from reconciler.values.wire import Image
from tests.bench.hot_counter import largest_item
from tests.builders import KEY, SCHEMA, clock, increment, written
from tests.fakes import Fakes

NOW = 1_732_838_400_000
WIRE_KEY: Image = {"id": {"S": "p1"}}
HELD = written(increment("balance", 10), at=NOW - 100_000)
PLAIN: Image = {**WIRE_KEY, "balance": {"N": "10"}}


def text(value: str) -> Any:
    return {"S": value}


def done(verb: str, where: Any, *value: Any) -> Any:
    return {"L": [text(verb), where, *value]}


PLUS_5 = done("increment", text("balance"), {"N": "5"})


def element(*told: Any, at: int = NOW, nonce: str = "k3J-_9ab0Zx", **more: Any) -> Any:
    parts = {"by": text("use1"), "at": {"N": str(at)}, "id": text(nonce), "do": {"L": list(told)}}
    return {"M": parts | more}


def named(image: Image, balance: int, *elements: Any) -> Image:
    return {**image, "balance": {"N": str(balance)}, NAMES: {"L": list(elements)}}


def edited(image: Image, name: str = "Ada") -> Any:
    """Return what readers see after a library write on top."""
    changed = [edits.assign(("name",), name)]
    stamps = clock(NOW + 5_000, count(1))
    return read(write(image, changed, key=KEY, schema=SCHEMA, replica="euw1", clock=stamps))


@pytest.mark.parametrize("start", [HELD, PLAIN], ids=["managed", "plain"])
@pytest.mark.parametrize("levels", [33, 500, 5_000])
def test_a_path_that_no_item_can_have_holds_up_no_write_of_the_library(
    start: Image, levels: int
) -> None:
    deep = element(done("assign", {"L": [text("a")] * levels}, text("x")))
    assert edited(named(start, 10, deep)) == {**KEY, "balance": 10, "name": "Ada"}


@pytest.mark.parametrize("name", ["id", "_rec", "_rec_w", "_rec_ttl"])
def test_what_is_said_of_a_key_or_of_the_metadata_leaves_no_state(name: str) -> None:
    item = file(named(HELD, 10, element(done("increment", text(name), {"N": "5"}))))
    assert set(item.attributes) == {"balance"}


def test_what_is_said_of_a_key_beside_what_was_done_is_filed_without_it() -> None:
    image = named(HELD, 15, element(done("assign", text("id"), text("p1")), PLUS_5))
    filed = with_names_filed(image, 1, WIRE_KEY)
    assert filed is not None
    assert read(filed) == {**KEY, "balance": 15}


@pytest.mark.parametrize("part", ["at", "to"])
def test_a_stamp_at_the_end_of_time_stops_no_clock_of_a_writer(part: str) -> None:
    last = 64**7 - 1
    late = element(PLUS_5, at=last) if part == "at" else element(PLUS_5, to={"N": str(last)})
    image = named(HELD, 15, late)
    writer = HybridClock(lambda: NOW, lambda: "k3J-_9ab0Zx")
    changed = [edits.assign(("name",), "Ada")]
    write(image, changed, key=KEY, schema=SCHEMA, replica="euw1", clock=writer)
    assert writer.drift_ms() == 0


@pytest.mark.parametrize("start", [HELD, PLAIN], ids=["managed", "plain"])
def test_one_write_around_the_library_does_not_keep_names_from_being_filed_for_good(
    start: Image,
) -> None:
    written_so_far = MOST_NAMES + 1
    fakes = Fakes()
    several = [element(PLUS_5, nonce=f"{n:011d}") for n in range(written_so_far)]
    named_email = element(done("assign", text("email"), text("a@b")), nonce="-" * 11)
    image = named(start, 10 + 5 * written_so_far, named_email, *several)
    fakes.items.place({**image, "email": text("raw@b")})
    asked = FoldCertificate(
        certificate_id="certificate-use1~-1",
        table="parties",
        key=WIRE_KEY,
        replica="use1~",
        sequence_number="1",
        issued_at_ms=str(NOW),
        lineages={},
        names=MOST_NAMES,
    )
    Resolver(fakes.ports, lambda: NOW).fold(asked)
    current = fakes.items.get(WIRE_KEY)
    assert is_managed(current)
    assert not is_named(current)
    assert read(current) == {**KEY, "balance": 335, "email": "raw@b"}


def _of_no_type_yet() -> Image:
    """Return an item with an amount of which nobody said yet that it is one."""
    lost = {**PLAIN, "tags": {"SS": ["a"]}}
    lost[NAMES] = {"L": [element(done("add", text("tags"), {"SS": ["a"]}), nonce="-" * 11)]}
    verdict = classify(lost, PLAIN, replica="use1", key=WIRE_KEY)
    taken = dict(lost_image(verdict, lost, PLAIN, None, WIRE_KEY))
    repaired = repaired_image(PLAIN, [taken], restore=False, winners=[PLAIN])
    assert repaired is not None
    return repaired


def test_an_amount_of_no_type_counts_once_beneath_a_named_increment_and_a_raw_one() -> None:
    before = _of_no_type_yet()
    raw = {**before, "balance": {"N": "1010"}}
    assert read(merge(named(before, 15, element(PLUS_5)), raw)) == {
        **KEY,
        "balance": 1015,
        "tags": {"a"},
    }


def test_a_raw_and_a_named_increment_of_an_amount_of_no_type_count_once_each() -> None:
    before = _of_no_type_yet()
    both = named(before, 1015, element(PLUS_5))
    raw = {**before, "balance": {"N": "1010"}}
    assert read(merge(both, raw)) == {**KEY, "balance": 1015, "tags": {"a"}}


def test_a_named_increment_of_an_amount_of_no_type_can_be_filed() -> None:
    image = named(_of_no_type_yet(), 15, element(PLUS_5))
    filed = with_names_filed(image, 1, WIRE_KEY)
    assert filed is not None
    assert file(filed) == file(image)


@pytest.mark.slow
def test_an_item_that_clients_name_one_write_each_stops_growing() -> None:
    one, four = (
        largest_item(clients=1, minutes=60 * hours, every_ms=20_000, each_is_new=True)
        for hours in (1, 4)
    )
    assert four < 8_000
    assert four < one * 1.1
