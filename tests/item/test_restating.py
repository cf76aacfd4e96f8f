"""Stating metadata anew beside writers who go on: nobody sees it, and nothing counts twice."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import ADOPTED, NAMED_BY_PRESENCE
from reconciler.crdt.base import Edit
from reconciler.item.filing import file
from reconciler.item.image import merge, read
from reconciler.item.metadata import (
    METADATA,
    NAMES,
    basis_of,
    encode,
    is_named,
    token_of,
    with_token,
)
from reconciler.item.plain import file_plain
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.restating import has_unnamed, stated, with_names_filed
from reconciler.values.wire import Image, to_json
from tests.builders import Replica, add, assign, increment, written
from tests.item.test_names import BEGINNINGS, DELETED, MANAGED, PLAIN, WRITES, made, value
from tests.named import KEY, named_on, shown

UNTYPED = encode(file({**MANAGED, "points": {"N": "100"}}))


def item_of(image: Image) -> ReplicatedItem:
    return file(image) if METADATA in image else file_plain(image, KEY, lambda _: None)


def without_token(image: Image) -> Image:
    return with_token(image, "t")


def counted(item: ReplicatedItem) -> Image:
    """Return an item as it counts: without what names took from nobody on a version of it."""
    heads = {
        lineage: hlc
        for lineage, hlc in item.context.heads.items()
        if (lineage.replica, hlc) != (ADOPTED, NAMED_BY_PRESENCE)
    }
    known = replace(item.context, heads=heads)
    return without_token(encode(replace(item, context=known)))


def names_left(image: Image) -> int:
    return len(image[NAMES]["L"])


@pytest.mark.parametrize("begin", BEGINNINGS)
@given(writes=WRITES, count=st.integers(1, 8))
def test_any_names_in_front_may_become_metadata_and_the_item_is_the_same(
    begin: str, writes: Sequence[tuple[str, int, Edit]], count: int
) -> None:
    image, dots = made(BEGINNINGS[begin], writes)
    if not dots:
        return

    after = with_names_filed(image, count, KEY)

    assert after is not None
    assert shown(after) == shown(image)
    assert names_left(after) == max(0, len(dots) - count)
    assert counted(file(after)) == counted(item_of(image))


@pytest.mark.parametrize(
    "writes",
    [
        [assign("balance", 0), increment("balance", -3)],
        [increment("balance", 0), assign("email", None), increment("balance", -3)],
    ],
)
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_number_that_names_left_at_0_was_there_when_more_names_add_to_it(
    begin: str, writes: Sequence[Edit]
) -> None:
    """It looked like one that names made of nothing, so a removal was filed that nobody made."""
    image, _ = made(BEGINNINGS[begin], [("use1", 1_000, edit) for edit in writes])
    after = with_names_filed(image, len(writes) - 1, KEY)

    assert after is not None
    assert counted(file(after)) == counted(item_of(image))


@given(writes=WRITES, counts=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_names_filed_bit_by_bit_are_filed_as_at_once(
    writes: Sequence[tuple[str, int, Edit]], counts: Sequence[int]
) -> None:
    image, dots = made(MANAGED, writes)
    whole, after = encode(item_of(image)), image
    for count in counts:
        if dots and is_named(after):
            found = with_names_filed(after, count, KEY)
            assert found is not None
            after = found

    assert without_token(encode(item_of(after))) == without_token(whole)


def test_without_names_there_is_nothing_to_file() -> None:
    assert with_names_filed(MANAGED, 1, KEY) is None
    assert with_names_filed(PLAIN, 1, KEY) is None
    assert with_names_filed({**MANAGED, NAMES: {"L": []}}, 1, KEY) is None


@pytest.mark.parametrize("begin", ["managed", "plain"])
def test_names_beside_which_more_was_done_wait_for_a_write_on_top(begin: str) -> None:
    image = named_on(BEGINNINGS[begin], assign("name", "Bea"))

    assert with_names_filed({**image, "name": {"S": "Eve"}}, 1, KEY) is None
    assert with_names_filed(image, 1, KEY) is not None


def test_names_on_what_has_no_type_yet_need_not_wait_for_a_write_on_top() -> None:
    """A raw client's attribute that only named writers went on with: its names stood for ever."""
    told = named_on(UNTYPED, increment("balance", 5))
    (element,) = told[NAMES]["L"]
    did = {"L": [{"L": [{"S": "increment"}, {"S": "points"}, {"N": "5"}]}]}
    image = {**UNTYPED, "points": {"N": "105"}, NAMES: {"L": [{"M": {**element["M"], "do": did}}]}}

    assert not has_unnamed(image)
    after = with_names_filed(image, 1, KEY)

    assert after is not None
    assert file(after).attributes["points"].type_name() == "counter_pn"
    assert without_token(encode(file(after))) == without_token(encode(file(image)))


def test_the_part_of_the_token_that_names_outside_writes_stays_and_the_token_does_not() -> None:
    image = named_on(MANAGED, increment("balance", 5), number=1)
    image = named_on(image, increment("balance", 7), number=2)

    once = with_names_filed(image, 1, KEY)
    assert once is not None
    twice = with_names_filed(once, 1, KEY)
    assert twice is not None

    assert len({token_of(each) for each in (image, once, twice)}) == 3
    assert {basis_of(each) for each in (image, once, twice)} == {token_of(MANAGED)}


def test_a_write_on_top_begins_another_basis() -> None:
    after = with_names_filed(named_on(MANAGED, increment("balance", 5)), 1, KEY)
    assert after is not None

    assert basis_of(Replica("use1", after).write(assign("name", "Bea"), at=9_000)) != basis_of(
        after
    )


RAW = {"balance": {"N": "112"}, "tags": {"SS": ["a", "b", "raw"]}, "email": {"S": "raw"}}


@pytest.mark.parametrize("ours", ["before", "after"])
@pytest.mark.parametrize("theirs", ["before", "after"])
def test_what_was_done_beside_names_counts_once_whichever_region_files_it_and_when(
    ours: str, theirs: str
) -> None:
    named = named_on(MANAGED, increment("balance", 5))
    restated = with_names_filed(named, 1, KEY)
    assert restated is not None
    # The metadata was read before the raw write, and written after it.
    images = {"before": {**named, **RAW}, "after": {**restated, **RAW}}

    one = Replica("use1", images[ours]).write(increment("balance", 10), at=9_000)
    other = Replica("euw1", images[theirs]).write(increment("balance", 20), at=9_000)
    merged = merge(one, other)

    assert to_json(merged) == to_json(merge(other, one))
    assert value(merged, "balance") == 112 + 10 + 20
    assert value(merged, "tags") == {"a", "b", "raw"}
    assert value(merged, "email") == "raw"
    assert has_unnamed(images["before"])
    assert has_unnamed(images["after"])


def test_metadata_is_stated_without_the_names_in_front_and_readers_see_the_same() -> None:
    image = named_on(MANAGED, increment("balance", 5), number=1)
    image = named_on(image, add("tags", "c"), number=2)

    after = stated(image, file(image), 1)

    assert shown(after) == shown(image)
    assert after[NAMES]["L"] == image[NAMES]["L"][1:]
    assert not has_unnamed(after)


def test_a_deleted_item_that_names_brought_back_is_filed_as_alive() -> None:
    after = with_names_filed(named_on(DELETED, increment("balance", 5)), 1, KEY)

    assert after is not None
    assert read(after) == {"id": "p1", "balance": 5}
    assert file(after).exists


def test_an_image_that_was_never_managed_is_once_its_names_are_filed() -> None:
    after = with_names_filed(named_on(None, increment("balance", 5)), 1, KEY)

    assert after is not None
    assert METADATA in after
    assert value(Replica("euw1", after).write(increment("balance", 1), at=9_000), "balance") == 6
    assert value(merge(after, written(increment("balance", 10))), "balance") == 15


def test_names_on_a_number_in_a_map_that_nobody_gave_a_type_do_not_wait() -> None:
    """What was there looked like one more change, so they waited for a write on top, for ever."""
    base = written(assign("profile.city", "Rome"))
    raw = {**base, "profile": {"M": {**base["profile"]["M"], "visits": {"N": "7"}}}}
    image = named_on(encode(file(raw)), increment("profile.visits", 1), by="use1")

    stated = with_names_filed(image, 1, KEY)

    assert stated is not None
    assert file(stated).shown()["profile"]["M"]["visits"] == {"N": "8"}
