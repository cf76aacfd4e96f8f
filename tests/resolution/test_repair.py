"""What a repair makes of the current item, and what waits for a person."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from reconciler.causality.context import CausalContext
from reconciler.causality.hlc import Hlc
from reconciler.causality.keys import Once
from reconciler.errors import ItemGone, ItemRecreated, KeyReused
from reconciler.feed.beside import image_beside
from reconciler.item.filing import file, filed_image, lost_dots
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import encode, metadata_in, tip_in
from reconciler.item.plain import file_plain
from reconciler.item.puts import beneath
from reconciler.item.restating import written_in
from reconciler.item.schema import Schema
from reconciler.resolution.repair import (
    includes,
    knowing,
    repaired_image,
    undecided,
)
from reconciler.values.wire import Image
from tests.builders import SCHEMA, Replica, add, as_stream, assign, increment, written
from tests.named import KEY, named_on
from tests.resolution.test_past import row

BASE = written(assign("name", "old"), increment("balance", 10), add("tags", "a"))


def test_a_loss_of_which_all_is_folded_is_merged() -> None:
    """Its context has watermarks alone, as if nobody had written it."""
    item = file(Replica("use1", BASE).write(increment("balance", 5), at=2_000))
    (lineage,) = item.context.heads
    states = {n: each.fold("use1", lineage.epoch) for n, each in item.attributes.items()}
    context = CausalContext({}, {"use1": lineage.epoch})
    folded = encode(replace(item, attributes=states, context=context, tip=None))
    current = Replica("euw1", BASE).write(increment("balance", 7), at=3_000)
    repaired = repaired_image(current, [folded], restore=False)
    assert (read(repaired) or {})["balance"] == 22


def test_a_loss_of_an_item_that_is_gone_is_refused_unless_it_is_to_be_restored() -> None:
    with pytest.raises(ItemGone):
        repaired_image(None, [BASE], restore=False)
    assert read(repaired_image(None, [BASE], restore=True)) == read(BASE)


# Items that were deleted for good and created anew

DAY = 86_400_000
NOW = 1_700_000_000_000


def expired() -> tuple[Image, Image]:
    """Return a tombstone that keeps values, and an item created anew after it had expired."""
    writer = Replica("use1")
    writer.write(increment("balance", 100), add("tags", "old"), at=NOW - DAY)
    gone = writer.write(DELETE, at=NOW)
    return gone, written(increment("balance", 5), replica="euw1", at=NOW + 40 * DAY)


def test_a_late_loss_of_an_expired_tombstone_takes_nothing_into_the_item_created_anew() -> None:
    gone, anew = expired()
    assert repaired_image(anew, [gone], restore=False) is None


def test_an_item_created_anew_that_lost_to_its_expired_tombstone_takes_its_place() -> None:
    gone, anew = expired()
    repaired = repaired_image(gone, [anew], restore=False)
    assert read(repaired) == {"id": "p1", "balance": 5}
    assert repaired is not None
    assert tip_in(metadata_in(repaired)) is None
    assert repaired_image(repaired, [anew, gone], restore=False) is None


def test_a_loss_of_another_life_is_refused() -> None:
    taken = Replica("euw1", BASE).write(assign("name", "Eve"), at=2_000)
    lost = Replica("use1", BASE).write(increment("balance", 7), at=2_000)
    anew = written(increment("balance", 5), at=3_000)
    rows = [row(taken, None, lost_at_ms="2500")]
    with pytest.raises(ItemRecreated, match="created anew"):
        repaired_image(anew, [lost], restore=False, rows=lambda: rows)


def a_put_after_a_delete() -> tuple[Image, Image]:
    """Return a library write made elsewhere, and what was put here after a delete, both plain."""
    ours = Replica("use1", BASE).write(increment("balance", 10), at=2_000)
    put = {"id": {"S": "p1"}, "name": {"S": "old"}, "balance": {"N": "10"}, "phone": {"S": "2"}}
    return ours, encode(file_plain(put, {"id": {"S": "p1"}}, lambda _: None))


def test_a_put_after_a_delete_is_kept_beside_a_library_write_that_took_its_place() -> None:
    ours, put = a_put_after_a_delete()
    deleted = row(BASE, None, lost_at_ms="2500")
    repaired = read(repaired_image(ours, [put], restore=False, rows=lambda: [deleted]))
    assert repaired == {**(read(ours) or {}), "phone": "2"}


def test_a_put_of_which_nobody_knows_what_it_changed_takes_nothing_along() -> None:
    ours, put = a_put_after_a_delete()
    elsewhere = row(written(assign("name", "other"), replica="apse1", at=9_000), None)
    assert repaired_image(ours, [put], restore=False, rows=lambda: [elsewhere]) is None
    assert repaired_image(ours, [put], restore=False, rows=list) is None


def test_what_was_removed_is_not_asked_for_if_the_loss_and_the_item_know_each_other() -> None:
    lost = Replica("use1", BASE).write(increment("balance", 7), at=2_000)
    winner = Replica("euw1", BASE).write(increment("balance", 5), at=3_000)

    def rows() -> Any:
        raise AssertionError

    repaired = repaired_image(winner, [lost], restore=False, rows=rows)
    assert (read(repaired) or {})["balance"] == 22


def test_a_loss_that_the_item_includes_needs_no_merge_though_it_could_not_be_merged() -> None:
    other = Schema.of(table="parties", key=["id"], attributes={"status": "counter_pn"})
    lost = Replica("use1", BASE).write(assign("status", 5), at=2_000, schema=other)
    winner = Replica("euw1", BASE).write(assign("status", "new"), at=3_000)
    beside = image_beside(winner, lost, ["status"])
    assert beside is not None
    assert repaired_image(beside, [lost], restore=False) is None


def test_a_manual_attribute_waits_for_a_person_until_somebody_writes_it() -> None:
    schema = Schema.of(table="parties", key=["id"], attributes={"owner": "manual"})
    ours = Replica("use1").write(assign("owner", "Ada"), schema=schema)
    theirs = Replica("euw1").write(assign("owner", "Eve"), at=2_000, schema=schema)
    disputed = merge(ours, theirs)
    assert undecided(disputed) == ["owner"]
    decided = Replica("use1", disputed).write(assign("owner", "Eve"), at=3_000, schema=schema)
    assert undecided(decided) == []
    assert undecided(None) == undecided({"id": {"S": "p1"}}) == []


def test_one_key_with_two_payloads_in_two_regions_waits_for_a_person() -> None:
    ten, eleven = (Once("order-17", 900, payload) for payload in (b"10", b"11"))
    lost = Replica("use1", BASE).write(increment("balance", 10), at=2_000, once=ten)
    winner = Replica("euw1", BASE).write(increment("balance", 11), at=3_000, once=eleven)
    with pytest.raises(KeyReused):
        repaired_image(winner, [lost], restore=False)


def test_one_key_carried_out_in_two_regions_is_one_amount_after_a_repair() -> None:
    ten = Once("order-17", 900, b"10")
    lost = Replica("use1", BASE).write(increment("balance", 10), at=2_000, once=ten)
    winner = Replica("euw1", BASE).write(increment("balance", 10), at=3_000, once=ten)
    repaired = repaired_image(winner, [lost], restore=False)
    assert (read(repaired) or {})["balance"] == 20


def test_a_value_that_a_named_write_replaced_does_not_come_back_by_a_loss_seen_later() -> None:
    """Clocks differ, or the loss is seen late: the raw value ranked above the name on top of it."""
    raw = as_stream({**BASE, "name": {"S": "raw"}})
    named = named_on(raw, assign("name", "Bea"), at=2_000)
    late = encode(file({**raw, "email": {"S": "x"}}, Hlc.of(9_000)))
    here = {**raw, "email": {"S": "x"}}

    for current, lost in ((named, late), (here, named), (late, named)):
        known = knowing(filed_image(lost), lost, [current])
        after = repaired_image(current, [known], restore=True, seen=Hlc.of(9_000))
        assert (read(after) or {})["name"] == "Bea"


def test_a_put_of_an_attribute_with_several_values_is_no_further_value_of_it() -> None:
    """Read as a list, put as one, and merged over what another put had taken, it was nested."""
    ours = written(assign("name", "Ada"), assign("notes", "n"))
    put = {**KEY, "name": {"S": "Ada"}, "notes": {"L": [{"S": "n"}]}}
    later = encode(file_plain({**put, "email": {"S": "x"}}, KEY, SCHEMA.spec))
    taken = row(ours, put, region="eu-west-1", lost_at_ms="2000")
    current = Replica("use1", ours).write(increment("balance", 1), at=3_000)

    where = [("eu-west-1", 4_000)]
    repaired = repaired_image(current, [later], restore=False, rows=lambda: [taken], records=where)

    assert read(repaired) == {"id": "p1", "name": "Ada", "notes": ["n"], "email": "x", "balance": 1}


def test_a_loss_of_which_a_merge_takes_nothing_is_not_written_again_with_each_delivery() -> None:
    """What was added raw is in what a later put holds, so it counts by no name of its own."""
    base = written(assign("name", "Ada"), increment("balance", 100))
    lost = filed_image(as_stream({**base, "balance": {"N": "105"}}))
    put = {**KEY, "name": {"S": "Ada"}, "balance": {"N": "112"}}
    merged = merge(encode(beneath(base, put, Hlc.of(9_000))), lost)

    assert lost_dots(file(lost), file(merged))
    assert repaired_image(merged, [lost], restore=False) is None


@pytest.mark.parametrize("path", ["name", "profile.city"])
@pytest.mark.parametrize(("first", "second"), [("a", "b"), (None, "b"), ("a", None)])
def test_a_raw_value_that_a_second_one_replaced_does_not_bring_back_the_item_deleted_since(
    path: str, first: str | None, second: str | None
) -> None:
    """Set twice, or set and removed: a region that saw the first alone finds it lost."""
    base = written(assign("name", "old"), assign("profile.city", "old"), increment("balance", 10))

    def raw(value: str | None, **others: Any) -> Image:
        image = as_stream({**base, **others})
        where, name = (image, path) if path == "name" else (image["profile"]["M"], "city")
        where.pop(name)
        return image if value is None else (where.update({name: {"S": value}}), image)[1]

    writer = Replica("euw1", raw(second))
    then = as_stream(writer.write(increment("balance", 1), at=2_000))
    gone = [writer.write(DELETE, at=3_000)]
    # And where the second one did not last either:
    third = Replica("euw1", {**then, "name": {"S": "c"}, "profile": {"M": {"city": {"S": "c"}}}})
    third.write(increment("balance", 1), at=2_500)
    gone.append(third.write(DELETE, at=3_000))

    for tombstone, seen in product(gone, (Hlc.of(1_999), Hlc.of(9_000))):
        lost = [filed_image(raw(first, **more), seen) for more in ({}, {"email": {"S": "x"}})]
        assert repaired_image(tombstone, lost[:1], restore=False) is None
        assert (read(repaired_image(tombstone, lost[1:], restore=False)) or {})["email"] == "x"


def test_a_raw_value_that_was_replaced_and_that_in_turn_does_not_stand_again() -> None:
    """Set three times, with a library write between: a region that saw the first finds it lost."""
    base = written(assign("name", "old"), increment("balance", 10))
    first, second = ({**base, "name": {"S": value}} for value in ("first", "second"))
    then = Replica("euw1", second).write(increment("balance", 1), at=2_000)
    third = {**then, "name": {"S": "third"}}

    for lost in (first, {**first, "email": {"S": "x"}}):
        filed = filed_image(as_stream(lost), Hlc.of(9_000))
        repaired = repaired_image(third, [filed], restore=False, seen=Hlc.of(8_000)) or third
        assert (read(repaired) or {})["name"] == "third"
        assert (read(repaired) or {}).get("email") == (read(filed) or {}).get("email")
    alone = filed_image(as_stream(first), Hlc.of(9_000))
    assert includes(third, alone)
    assert repaired_image(third, [alone], restore=False) is None


def test_a_merge_that_another_region_wrote_is_not_written_again() -> None:
    base = written(assign("name", "Ada"), increment("balance", 100))
    lost = filed_image(as_stream({**base, "balance": {"N": "105"}}))
    put = {**KEY, "name": {"S": "Ada"}, "balance": {"N": "112"}}
    merged = merge(encode(beneath(base, put, Hlc.of(9_000))), lost)

    assert repaired_image(written_in("euw1", merged), [lost], restore=False) is None
