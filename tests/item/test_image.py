"""Write, merge, read and adopt: stamps, deletes, and writes made around the library."""

from typing import Any

import pytest

from reconciler.causality.context import ADOPTED
from reconciler.causality.keys import Once
from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput, ItemTooLarge, TypeMismatch, Undecodable
from reconciler.item.filing import file
from reconciler.item.image import DELETE, merge, read, write
from reconciler.item.metadata import EXPIRY, context_of, decode, encode, token_of
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, to_json
from tests.builders import (
    DELETE_WINS,
    KEY,
    SCHEMA,
    Replica,
    add,
    as_stream,
    assign,
    clock,
    discard,
    increment,
    metadata,
    remove,
    written,
)

FIRST = [
    assign("name", "Ada"),
    assign("balance", 10),
    assign("tags", {"a", "b"}),
    assign("blocked", {"a"}),
    assign("notes", "n"),
    assign("active", True),
    assign("high", 5),
    assign("low", 5),
    assign("profile", {"city": "Rome", "visits": 2, "labels": {"x"}, "bans": {"y"}}),
]
PLAIN = {
    "id": "p1",
    "name": "Ada",
    "balance": 10,
    "tags": {"a", "b"},
    "blocked": {"a"},
    "notes": ["n"],
    "active": True,
    "high": 5,
    "low": 5,
    "profile": {"city": "Rome", "visits": 2, "labels": {"x"}, "bans": {"y"}},
}


def forks(*edits: Any, schema: Schema = SCHEMA) -> tuple[Replica, Replica]:
    base = Replica("apse1").write(*edits, at=1_000, schema=schema)
    return Replica("use1", base), Replica("euw1", base)


def test_readers_see_plain_values_of_every_type() -> None:
    assert read(written(*FIRST)) == PLAIN
    assert read(None) is None
    assert read({"id": {"S": "p1"}, "x": {"N": "1"}}) == {"id": "p1", "x": 1}


def test_the_wire_image_is_plain_attributes_and_one_reserved_map() -> None:
    image = written(*FIRST)
    assert image.keys() == {*PLAIN, "_rec"}
    assert image["tags"] == {"SS": ["a", "b"]}
    assert image["_rec"].keys() == {"M"}


def test_every_write_has_a_token_of_its_own() -> None:
    ours, theirs = forks(*FIRST)
    images = [ours.write(increment("balance")), theirs.write(increment("balance")), ours.image]
    assert len({token_of(image) for image in images[:2] if image}) == 2


def test_the_arguments_are_not_changed() -> None:
    image = written(*FIRST)
    before = to_json(image)
    other = Replica("euw1", image).write(*FIRST[:3], at=2_000)
    merge(image, other)
    assert to_json(image) == before


def test_a_write_that_fails_leaves_the_image_as_it_was() -> None:
    replica = Replica("use1", written(*FIRST))
    before = to_json(replica.image)
    with pytest.raises(InvalidInput, match="name: increment does not fit"):
        replica.write(increment("balance"), increment("name"))
    with pytest.raises(ItemTooLarge):
        replica.write(increment("balance"), assign("name", "x" * 410_000))
    assert to_json(replica.image) == before


@pytest.mark.parametrize("key", [{}, {"id": "p1", "sk": 1}, {"pk": "p1"}])
def test_a_key_that_is_not_the_schemas_is_refused(key: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="the key must have exactly id"):
        write(None, FIRST, key=key, schema=SCHEMA, replica="use1", clock=clock(1, iter([1])))


def test_images_of_two_items_do_not_merge() -> None:
    other = dict(written(*FIRST), id={"S": "p2"})
    with pytest.raises(Undecodable, match="two different items"):
        merge(written(*FIRST), other)


# --- deletes ---------------------------------------------------------------------------------


def test_a_deleted_item_shows_only_its_key_and_when_it_expires() -> None:
    tombstone = Replica("use1", written(*FIRST)).write(DELETE, at=2_000)
    assert read(tombstone) is None
    assert tombstone.keys() == {"id", "_rec", EXPIRY}
    assert tombstone[EXPIRY] == {"N": str(2 + 7 * 86_400)}


def test_what_is_removed_before_its_item_is_deleted_does_not_wait_in_the_tombstone() -> None:
    item = Replica("use1", written(assign("name", "secret"), assign("city", "Rome")))
    assert "secret" in to_json(written(assign("name", "secret")))
    assert "secret" not in to_json(item.write(remove("name"), DELETE, at=2_000))


def test_an_update_wins_over_a_concurrent_delete_and_brings_the_whole_item_back() -> None:
    ours, theirs = forks(*FIRST)
    merged = merge(ours.write(DELETE, at=2_000), theirs.write(increment("balance", 5), at=2_000))
    assert read(merged) == PLAIN | {"balance": 15}
    assert EXPIRY not in merged


def test_a_delete_wins_over_a_concurrent_update_if_the_schema_says_so() -> None:
    ours, theirs = forks(*FIRST, schema=DELETE_WINS)
    deleted = ours.write(DELETE, at=2_000, schema=DELETE_WINS)
    updated = theirs.write(increment("balance", 5), at=9_000, schema=DELETE_WINS)
    assert read(merge(deleted, updated)) is None


def test_an_update_that_saw_the_delete_revives_the_item_even_where_deletes_win() -> None:
    ours, _ = forks(*FIRST, schema=DELETE_WINS)
    ours.write(DELETE, at=2_000, schema=DELETE_WINS)
    assert read(ours.write(assign("name", "again"), schema=DELETE_WINS)) == KEY | {"name": "again"}


def test_a_recreated_item_has_nothing_of_the_old_one() -> None:
    replica = Replica("use1", written(*FIRST))
    replica.write(DELETE, at=2_000)
    again = replica.write(increment("balance", 1), at=3_000)
    assert read(again) == KEY | {"balance": 1}
    assert EXPIRY not in again


def test_what_was_written_concurrently_joins_the_recreated_item_and_the_old_does_not() -> None:
    ours, theirs = forks(*FIRST)
    ours.write(DELETE, at=2_000)
    ours.write(increment("balance", 1), at=3_000)
    theirs.write(
        increment("balance", 5), add("tags", "c"), increment("profile.visits", 7), at=2_500
    )
    assert ours.image
    assert theirs.image
    merged = read(merge(ours.image, theirs.image))
    assert merged == KEY | {"balance": 6, "tags": {"c"}, "profile": {"visits": 7}}


def test_two_deletes_keep_the_later_expiry() -> None:
    ours, theirs = forks(*FIRST)
    merged = merge(ours.write(DELETE, at=2_000), theirs.write(DELETE, at=90_000))
    assert read(merged) is None
    assert merged[EXPIRY] == {"N": str(90 + 7 * 86_400)}


# --- tables with a time-to-live of their own -------------------------------------------------

OWN = SCHEMA.model_copy(update={"ttl_attribute": "until"})
UNTIL = assign("until", 1_800_000_000)


def test_on_a_table_with_its_own_time_to_live_a_deleted_item_expires_by_that_too() -> None:
    tombstone = Replica("use1", written(*FIRST, UNTIL)).write(DELETE, at=2_000, schema=OWN)
    expires = {"N": str(2 + 7 * 86_400)}
    assert tombstone == {"id": {"S": "p1"}, "_rec": tombstone["_rec"]} | dict.fromkeys(
        (EXPIRY, "until"), expires
    )
    assert read(tombstone) is None
    assert decode(tombstone)[1] == []
    assert decode(tombstone)[0].shown()["until"] == {"N": "1800000000"}
    assert encode(file(tombstone)) == tombstone


@pytest.mark.parametrize("schema", [OWN, OWN.model_copy(update={"attributes": {}})])
def test_while_it_is_alive_that_attribute_is_one_like_others(schema: Schema) -> None:
    ours, theirs = forks(UNTIL, schema=schema)
    ours.write(assign("until", 1_900_000_000), at=2_000, schema=schema)
    theirs.write(assign("name", "Ada"), at=3_000, schema=schema)
    merged = merge(ours.image or {}, theirs.image or {})
    assert read(merged) == KEY | {"until": 1_900_000_000, "name": "Ada"}
    assert merged.keys() == {*KEY, "until", "name", "_rec"}


def test_an_update_that_wins_over_a_delete_brings_the_users_expiry_back() -> None:
    ours, theirs = forks(*FIRST, UNTIL, schema=OWN)
    deleted = ours.write(DELETE, at=2_000, schema=OWN)
    merged = merge(deleted, theirs.write(increment("balance", 5), at=2_000, schema=OWN))
    assert read(merged) == PLAIN | {"balance": 15, "until": 1_800_000_000}
    assert EXPIRY not in merged


def test_an_item_that_is_created_anew_has_no_expiry_but_what_its_writer_gives_it() -> None:
    replica = Replica("use1", written(*FIRST, UNTIL))
    tombstone = replica.write(DELETE, at=2_000, schema=OWN)
    again = replica.write(assign("name", "Eve"), at=3_000, schema=OWN)
    assert again.keys() == {"id", "name", "_rec"}
    given = Replica("use1", tombstone).write(assign("until", 5), at=3_000, schema=OWN)
    assert read(given) == KEY | {"until": 5}


def test_tombstones_of_writers_who_name_different_attributes_show_their_expiry_at_each() -> None:
    """One deployment knows of the table's own attribute already and the other does not yet."""
    ours, theirs = forks(*FIRST)
    other = OWN.model_copy(update={"ttl_attribute": "gone_at"})
    old, new = ours.write(DELETE, at=90_000), theirs.write(DELETE, at=2_000, schema=OWN)
    third = Replica("apse1", written(*FIRST)).write(DELETE, at=3_000, schema=other)
    expires = {"N": str(90 + 7 * 86_400)}
    assert {name: merge(old, new).get(name) for name in (EXPIRY, "until")} == {
        EXPIRY: expires,
        "until": expires,
    }
    assert to_json(merge(old, new)) == to_json(merge(new, old))
    both = merge(third, merge(old, new))
    assert to_json(both) == to_json(merge(merge(new, third), old))
    assert both["gone_at"] == both["until"] == both[EXPIRY] == expires


def test_a_tombstone_keeps_every_attribute_that_its_writers_ever_named() -> None:
    replica = Replica("use1", written(assign("name", "Ada")))
    replica.write(DELETE, at=2_000, schema=OWN)
    replica.write(assign("name", "Eve"), at=3_000)
    again = replica.write(DELETE, at=4_000)
    assert again["until"] == again[EXPIRY] == {"N": str(4 + 7 * 86_400)}


# --- writes around the library ---------------------------------------------------------------

AROUND: list[tuple[str, dict[str, Any] | None, Any]] = [
    ("name", {"S": "Grace"}, "Grace"),
    ("name", None, None),
    ("balance", {"N": "17"}, 17),
    ("balance", None, None),
    ("tags", {"SS": ["b", "z"]}, {"b", "z"}),
    ("tags", None, None),
    ("blocked", {"SS": ["b"]}, {"b"}),
    ("blocked", None, None),
    ("notes", {"L": [{"S": "m"}]}, ["m"]),
    ("notes", {"S": "m"}, ["m"]),
    ("notes", None, None),
    ("active", {"BOOL": False}, False),
    ("high", {"N": "3"}, 3),
    ("low", {"N": "9"}, 9),
    (
        "profile",
        {"M": {"city": {"S": "Paris"}, "visits": {"N": "9"}}},
        {"city": "Paris", "visits": 9},
    ),
    ("profile", None, None),
    ("fresh", {"L": [{"N": "1"}]}, [1]),
]


def around(image: Image, **values: Any) -> Image:
    changed = {**image, **values}
    return {name: value for name, value in changed.items() if value is not None}


@pytest.mark.parametrize(("name", "wire", "plain"), AROUND)
def test_a_change_around_the_library_is_adopted_as_a_write_that_shows_the_same(
    name: str, wire: Any, plain: Any
) -> None:
    changed = around(written(*FIRST), **{name: wire})
    expected = {**PLAIN, name: plain}
    if plain is None:
        del expected[name]
    adopted = encode(file(changed))
    assert read(adopted) == expected
    assert context_of(changed).within(context_of(adopted))
    assert any(lineage.replica == ADOPTED for lineage in context_of(adopted).heads)


@pytest.mark.parametrize(("name", "wire", "plain"), AROUND)
def test_every_region_adopts_a_change_to_the_same_bytes(name: str, wire: Any, plain: Any) -> None:
    base = written(*FIRST)
    changed = around(base, **{name: wire})
    assert to_json(encode(file(changed))) == to_json(encode(file(as_stream(changed))))
    ours = Replica("use1", changed).write(increment("balance", 1), at=2_000)
    theirs = Replica("euw1", changed).write(increment("balance", 1), at=2_000)
    merged = merge(ours, theirs)
    adopted = [each for each in context_of(merged).heads if each.replica == ADOPTED]
    assert {*adopted} == {each for each in file(changed).context.heads if each.replica == ADOPTED}
    assert to_json(merge(merged, changed)) == to_json(merged)
    assert to_json(merge(base, changed)) == to_json(merge(changed, base))


def test_a_counter_changed_around_the_library_takes_the_difference_and_keeps_increments() -> None:
    base = written(*FIRST)
    changed = around(base, balance={"N": "17"})
    concurrent = Replica("euw1", base).write(increment("balance", 100), at=2_000)
    plain = read(merge(changed, concurrent))
    assert plain is not None
    assert plain["balance"] == 117


def test_a_tombstone_written_to_around_the_library_is_a_new_item() -> None:
    tombstone = Replica("use1", written(*FIRST)).write(DELETE, at=2_000)
    changed = around(tombstone, name={"S": "again"})
    assert read(changed) == KEY | {"name": "again"}
    assert read(encode(file(changed))) == KEY | {"name": "again"}


def test_a_tombstone_that_lost_its_expiry_is_still_a_tombstone() -> None:
    tombstone = Replica("use1", written(*FIRST)).write(DELETE, at=2_000)
    stripped = {name: value for name, value in tombstone.items() if name != EXPIRY}
    assert read(stripped) is None
    assert decode(stripped)[1] == []
    assert merge(stripped, stripped)[EXPIRY] == tombstone[EXPIRY]


def test_an_item_from_before_the_library_is_adopted_whole_with_its_declared_types() -> None:
    legacy = {"id": {"S": "p1"}, "balance": {"N": "10"}, "tags": {"SS": ["a"]}, "x": {"S": "y"}}
    ours = Replica("use1", legacy).write(increment("balance", 1), at=2_000)
    theirs = Replica("euw1", as_stream(legacy)).write(
        increment("balance", 2), discard("tags", "a"), at=2_000
    )
    assert read(merge(ours, theirs)) == KEY | {"balance": 13, "x": "y"}


def test_of_two_versions_from_before_the_library_one_wins_and_nothing_is_counted_twice() -> None:
    legacy = {"id": {"S": "p1"}, "balance": {"N": "10"}}
    other = {"id": {"S": "p1"}, "balance": {"N": "11"}}
    ours = Replica("use1", legacy).write(increment("balance", 100), at=2_000)
    theirs = Replica("euw1", other).write(increment("balance", 200), at=2_000)
    merged = read(merge(ours, theirs))
    assert merged in (KEY | {"balance": 310}, KEY | {"balance": 311})


def test_an_image_without_metadata_counts_as_written_over_the_other() -> None:
    base = written(*FIRST)
    put = {"id": {"S": "p1"}, "name": {"S": "Grace"}}
    assert read(merge(base, put)) == read(merge(put, base)) == {**PLAIN, "name": "Grace"}
    with pytest.raises(Undecodable, match="neither image carries metadata"):
        merge(put, put)


WRONG = [
    ("balance", {"S": "ten"}, "ten", increment("balance", 1), assign("balance", 7), 7),
    ("tags", {"L": [{"S": "a"}]}, ["a"], add("tags", "b"), assign("tags", {"c"}), {"c"}),
    (
        "profile",
        {"S": "x"},
        "x",
        assign("profile.a", 1),
        assign("profile", {"b": 1}),
        {"b": 1},
    ),
]


@pytest.mark.parametrize(("name", "wire", "plain", "refused", "cure", "shown"), WRONG)
def test_a_value_around_the_library_that_its_type_cannot_hold_stays_and_holds_up_nothing_else(  # noqa: PLR0917 (a case is all of these)
    name: str, wire: Any, plain: Any, refused: Edit, cure: Edit, shown: Any
) -> None:
    """A raw client wrote text where a counter was; every later edit of any attribute failed."""
    base = written(*FIRST)
    changed = around(base, **{name: wire})
    other = Replica("use1", changed).write(assign("note", "kept"), at=2_000)
    assert read(other) == {**(read(base) or {}), name: plain, "note": "kept"}
    assert read(merge(other, base)) == read(other)
    assert to_json(merge(changed, other)) == to_json(merge(other, changed))
    with pytest.raises(TypeMismatch, match=f"{name} holds .* assign it, or remove it"):
        Replica("use1", other).write(refused, at=3_000)
    cured = Replica("use1", other).write(cure, at=3_000)
    assert (read(cured) or {})[name] == shown
    assert (read(merge(cured, changed)) or {})[name] == shown
    again = around(other, **{name: wire, "note": {"S": "raw"}})
    assert read(Replica("euw1", again).write(assign("last", 1), at=4_000)) == {
        **(read(other) or {}),
        "note": "raw",
        "last": 1,
    }


# --- types that disagree ---------------------------------------------------------------------


def test_an_attribute_of_two_types_does_not_merge_and_says_which() -> None:
    other_schema = Schema.of(table="parties", key=["id"], attributes={"name": "counter_pn"})
    ours = written(assign("name", "Ada"))
    theirs = Replica("euw1").write(assign("name", 1), schema=other_schema)
    with pytest.raises(TypeMismatch, match="name is a register_lww in one image and a counter_pn"):
        merge(ours, theirs)


def test_a_field_of_two_types_inside_a_map_does_not_merge() -> None:
    fields = {"profile": {"type": "map_or", "fields": {"visits": "register_max"}}}
    other_schema = Schema.of(table="parties", key=["id"], attributes=fields)
    ours = written(assign("profile.visits", 1))
    theirs = Replica("euw1").write(assign("profile.visits", 1), schema=other_schema)
    with pytest.raises(TypeMismatch, match=r"visits is a counter_pn .* and a register_max"):
        merge(ours, theirs)


def test_a_type_changed_in_the_schema_is_refused_when_the_attribute_is_written() -> None:
    other_schema = Schema.of(table="parties", key=["id"], attributes={"name": "counter_pn"})
    with pytest.raises(TypeMismatch, match="name is stored as register_lww, the schema says"):
        Replica("use1", written(assign("name", "Ada"))).write(
            increment("name"), schema=other_schema
        )


def test_a_set_that_changed_its_kind_merges_with_an_image_from_before_the_change() -> None:
    for name in ("tags", "blocked"):
        old = written(add(name, "x"))
        replica = Replica("use1", old)
        replica.write(remove(name), at=2_000)
        new = replica.write(add(name, 1), at=3_000)
        assert read(merge(old, new)) == read(merge(new, old)) == KEY | {name: {1}}


@pytest.mark.parametrize("name", ["tags", "blocked"])
def test_a_set_of_two_kinds_does_not_merge(name: str) -> None:
    ours, theirs = forks(assign("name", "x"))
    with pytest.raises(TypeMismatch, match=r"a set holds .S in one image and .S in the other"):
        merge(ours.write(add(name, "x")), theirs.write(add(name, 1)))


def test_metadata_of_an_attribute_is_not_needed_to_read_the_others() -> None:
    image = written(*FIRST)
    assert set(metadata(image)["a"]["M"]) == PLAIN.keys() - KEY.keys()


def test_a_counter_that_a_delete_saw_by_a_key_shows_what_another_key_added_unseen() -> None:
    mine, ours = (Once(each, 500).lineage() for each in ("mine", "ours"))
    here, there = Replica("euw1"), Replica("use1")
    here.write(increment("balance", -618), at=1_000, once=Once("mine", 500))
    first = here.write(assign("balance", -463), at=2_000, once=Once("ours", 500))
    there.write(assign("balance", -463), at=3_000, once=Once("ours", 500))
    there.write(DELETE, at=4_000)
    revived = there.write(assign("name", "Ada"), at=5_000)
    merged = merge(first, revived)
    assert (read(merged) or {})["balance"] == -618
    assert to_json(merged) == to_json(merge(revived, first))
    assert {mine, ours} <= context_of(merged).heads.keys()
