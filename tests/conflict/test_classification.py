"""What a stream record means: dominance of contexts, roles, and everything that is no conflict."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.context import Dot, Lineage, Ordering
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc, fixed_width
from reconciler.conflict.classification import classify, lost_image
from reconciler.conflict.verdict import CLEAN, Finding, Verdict
from reconciler.errors import InvalidInput, TypeMismatch, Undecodable, UnknownWireVersion
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import EXPIRY, NAMES, context_of, decode, encode
from reconciler.item.puts import beneath
from reconciler.item.restating import with_names_filed
from reconciler.resolution.repair import repaired_image
from reconciler.values.wire import Image
from tests.builders import SCHEMA, Replica, add, as_stream, assign, increment
from tests.named import KEY as WIRE_KEY
from tests.named import dot_of, named_on
from tests.strategies import ANY
from tests.world import played, steps


def forked() -> tuple[Image, Image, Image]:
    """Return a common image, and what use1 and euw1 each made of it."""
    base = Replica("use1").write(assign("name", "Ada"), at=1)
    ours = Replica("use1", base).write(increment("balance", 5), at=2)
    theirs = Replica("euw1", base).write(increment("balance", 7), at=3)
    return base, ours, theirs


def seen_from(replica: str, old: Any, new: Any, **limits: Any) -> Verdict:
    return classify(as_stream(old), as_stream(new), replica=replica, **limits)


def test_an_insert_is_clean() -> None:
    base, _, _ = forked()
    assert classify(None, base, replica="use1").finding is Finding.CLEAN


def test_the_next_write_of_the_same_region_is_clean() -> None:
    base, ours, _ = forked()
    assert seen_from("use1", base, ours).finding is Finding.CLEAN


def test_a_write_of_another_region_on_top_of_ours_is_clean() -> None:
    base, _, theirs = forked()
    assert seen_from("use1", base, theirs).finding is Finding.CLEAN


def test_several_writes_coalesced_into_one_record_are_clean() -> None:
    base, _, _ = forked()
    replica = Replica("euw1", base)
    for at in range(2, 9):
        replica.write(increment("balance", 1), at=at)
    assert replica.image is not None
    assert seen_from("use1", base, replica.image).finding is Finding.CLEAN


def test_a_merge_that_includes_the_old_image_is_clean() -> None:
    _, ours, theirs = forked()
    assert seen_from("use1", ours, merge(ours, theirs)).finding is Finding.CLEAN


def test_the_same_image_again_is_clean() -> None:
    _, ours, _ = forked()
    assert seen_from("use1", ours, ours).finding is Finding.CLEAN


def test_a_concurrent_image_is_a_conflict_and_names_the_lost_write() -> None:
    _, ours, theirs = forked()
    verdict = seen_from("use1", ours, theirs)
    (lineage,) = context_of(ours).heads
    assert verdict.finding is Finding.CONFLICT
    assert verdict.ordering is Ordering.CONCURRENT
    assert verdict.lost_dots == (Dot(lineage, Hlc.of(2)),)


def test_an_older_image_that_comes_back_is_a_conflict_of_order_after() -> None:
    base, ours, _ = forked()
    verdict = seen_from("use1", ours, base)
    assert (verdict.finding, verdict.ordering) == (Finding.CONFLICT, Ordering.AFTER)


def test_the_region_whose_write_was_lost_is_home_and_any_other_is_witness() -> None:
    _, ours, theirs = forked()
    assert seen_from("use1", ours, theirs).role == "home"
    assert seen_from("apse1", ours, theirs).role == "witness"
    assert seen_from("euw1", ours, theirs).role == "witness"
    assert seen_from("euw1", theirs, ours).role == "home"


def with_watermarks(image: Image, watermarks: dict[str, str], token: str) -> Image:
    changed = copy.deepcopy(image)
    changed["_rec"]["M"]["w"] = {"M": {name: {"S": mark} for name, mark in watermarks.items()}}
    changed["_rec"]["M"]["t"] = {"S": token}
    return changed


def test_a_watermark_that_goes_back_is_a_conflict() -> None:
    base, _, _ = forked()
    high = with_watermarks(base, {"euw1": "000000003000000000"}, "high")
    low = with_watermarks(base, {"euw1": "000000002000000000"}, "low")
    verdict = seen_from("euw1", high, low)
    assert verdict.finding is Finding.CONFLICT
    assert verdict.lost_watermarks == (("euw1", "000000003000000000"),)
    assert verdict.role == "home"
    assert seen_from("use1", high, low).role == "witness"
    assert seen_from("use1", high, base).finding is Finding.CONFLICT
    assert seen_from("use1", low, high).finding is Finding.CLEAN


def test_a_watermark_that_covers_a_missing_lineage_is_clean() -> None:
    _, ours, theirs = forked()
    (lineage,) = context_of(ours).heads
    folded = with_watermarks(theirs, {lineage.replica: lineage.epoch}, "folded")
    assert seen_from("use1", ours, folded).finding is Finding.CLEAN


def test_time_to_live_taking_a_tombstone_away_is_clean() -> None:
    base, _, _ = forked()
    tombstone = Replica("use1", base).write(DELETE, at=2)
    assert classify(as_stream(tombstone), None, replica="use1").finding is Finding.CLEAN


OWN = SCHEMA.model_copy(update={"ttl_attribute": "until"})


def expiring() -> Replica:
    """Return a tombstone of an item that had a time to live, of a table that has one of its own."""
    replica = Replica("use1")
    replica.write(assign("name", "Ada"), assign("until", 1_800_000_000))
    replica.write(DELETE, at=2_000, schema=OWN)
    return replica


def test_the_expiry_of_a_tombstone_is_nothing_that_was_written_around_the_library() -> None:
    replica = expiring()
    tombstone = replica.image or {}
    assert classify(as_stream(tombstone), None, replica="use1").finding is Finding.CLEAN
    again = replica.write(assign("until", 1_900_000_000), at=3_000, schema=OWN)
    assert seen_from("use1", tombstone, again).finding is Finding.CLEAN
    assert seen_from("use1", again, replica.write(DELETE, schema=OWN)).finding is Finding.CLEAN


def test_another_expiry_given_to_a_tombstone_is_a_raw_write_that_a_library_write_may_take() -> None:
    replica = expiring()
    tombstone = replica.image or {}
    touched = {**tombstone, "until": {"N": "1900000000"}}
    assert seen_from("use1", tombstone, touched).finding is Finding.REVIVED
    unseen = replica.write(assign("name", "Eve"), at=3_000, schema=OWN)
    assert seen_from("use1", touched, unseen).finding is Finding.CONFLICT


def test_a_hard_delete_of_a_living_item_is_removed_and_everything_is_lost() -> None:
    base, _, _ = forked()
    verdict = classify(as_stream(base), None, replica="use1")
    assert verdict.finding is Finding.REMOVED
    assert len(verdict.lost_dots) == 1
    assert lost_image(verdict, base, None) == base


def test_a_put_without_metadata_is_overwritten_and_its_loss_merges_as_a_write() -> None:
    base, _, _ = forked()
    put = {"id": {"S": "p1"}, "name": {"S": "Grace"}}
    verdict = seen_from("use1", base, put)
    assert verdict.finding is Finding.OVERWRITTEN
    assert read(merge(base, lost_image(verdict, base, put))) == {"id": "p1", "name": "Grace"}


def test_a_change_of_attributes_that_keeps_the_metadata_is_unmanaged() -> None:
    base, _, _ = forked()
    around = {**base, "name": {"S": "Grace"}}
    verdict = seen_from("use1", base, around)
    assert verdict.finding is Finding.UNMANAGED
    assert lost_image(verdict, base, around) == around


def test_an_item_the_library_never_wrote_is_clean_whatever_happens_to_it() -> None:
    legacy = {"id": {"S": "p1"}, "name": {"S": "Ada"}}
    adopted = Replica("use1", legacy).write(increment("balance", 1), at=9_000)
    assert classify(legacy, adopted, replica="use1").finding is Finding.CLEAN
    assert classify(legacy, None, replica="use1").finding is Finding.CLEAN
    assert classify(legacy, legacy, replica="use1").finding is Finding.CLEAN


def test_a_plain_image_is_a_loss_if_what_took_its_place_does_not_know_it() -> None:
    """A put after a hard delete, say, that a library write made elsewhere wins against."""
    base, _, _ = forked()
    put = {"id": {"S": "p1"}, "name": {"S": "Grace"}}
    verdict = seen_from("use1", put, base)
    assert verdict.finding is Finding.CONFLICT
    assert read(lost_image(verdict, put, base)) == {"id": "p1", "name": "Grace"}
    filed = encode(beneath(base, put))
    assert seen_from("use1", put, filed).finding is Finding.CLEAN


def test_a_plain_image_is_a_loss_too_if_a_named_write_took_its_place() -> None:
    """It was clean, for a named write loses nothing but names: the put's values were gone."""
    base, _, _ = forked()
    put = {"id": {"S": "p1"}, "name": {"S": "Grace"}}
    named = named_on(base, increment("balance", 5), by="euw1")

    verdict = seen_from("use1", put, named)
    assert verdict.finding is Finding.CONFLICT
    assert read(lost_image(verdict, put, named)) == {"id": "p1", "name": "Grace"}


def test_a_stamp_beyond_the_plausible_limit_is_told() -> None:
    base, ours, _ = forked()
    future = Replica("euw1", base).write(assign("name", "x"), at=10_000)
    assert seen_from("use1", ours, future, latest_plausible=Hlc.of(9_999)).clock_ahead
    assert not seen_from("use1", ours, future, latest_plausible=Hlc.of(10_000)).clock_ahead
    assert seen_from("use1", future, ours, latest_plausible=Hlc.of(9_999)).clock_ahead


@given(schedule=steps(ANY))
def test_the_verdict_is_dominance_of_contexts_for_any_two_images(schedule: list[Any]) -> None:
    images = [version.image for version in played(schedule).versions[:6]]
    for old in images:
        for new in images:
            verdict = seen_from("use1", old, new)
            clean = context_of(old).within(context_of(new))
            assert (verdict.finding is Finding.CLEAN) == clean
            assert bool(verdict.lost_dots) == (not clean)
            # Where nobody writes around the library, looking for what they did finds nothing.
            assert seen_from("use1", old, new, expects_outside=False) == verdict


def test_a_write_around_the_library_that_was_taken_away_is_looked_for_where_it_may_be() -> None:
    base, ours, _ = forked()
    around = {**base, "name": {"S": "Grace"}}
    assert seen_from("use1", around, ours).finding is Finding.CONFLICT
    assert seen_from("use1", around, ours, expects_outside=False).finding is Finding.CLEAN


def test_less_of_a_raw_addition_in_the_place_of_more_is_a_loss_though_contexts_are_equal() -> None:
    """Two regions merged one loss; one of them had seen half of what was added to that image."""
    base = Replica("use1").write(increment("balance", 100), at=1)
    half, whole = ({**base, "balance": {"N": number}} for number in ("105", "112"))
    other = Replica("euw1", half).write(assign("name", "Ada"), at=2)
    both = merge(other, whole)

    assert context_of(both) == context_of(other)
    lost = seen_from("use1", both, other)
    assert (lost.finding, len(lost.lost_dots)) == (Finding.CONFLICT, 1)
    assert read(repaired_image(other, [both], restore=True)) == read(both)
    assert seen_from("use1", other, both).finding is Finding.CLEAN


def test_metadata_of_a_newer_release_is_named_as_such() -> None:
    base, ours, _ = forked()
    newer = copy.deepcopy(ours)
    newer["_rec"]["M"]["v"] = {"N": "2"}
    for call in (
        lambda: classify(base, newer, replica="use1"),
        lambda: classify(newer, base, replica="use1"),
        lambda: classify(newer, None, replica="use1"),
        lambda: merge(base, newer),
        lambda: decode(newer),
    ):
        with pytest.raises(UnknownWireVersion, match=r"'2'.*deploy the newer release"):
            call()


@pytest.mark.parametrize("version", ["0", "-1", "two", "1.5"])
def test_a_version_that_no_release_will_have_is_undecodable(version: str) -> None:
    _, ours, _ = forked()
    image = copy.deepcopy(ours)
    image["_rec"]["M"]["v"] = {"N": version}
    with pytest.raises(Undecodable) as caught:
        decode(image)
    assert not isinstance(caught.value, UnknownWireVersion)


def test_unreadable_metadata_comes_with_the_error() -> None:
    base, ours, _ = forked()
    broken = {**ours, "_rec": {"M": {"v": {"N": "1"}}}}
    with pytest.raises(Undecodable) as caught:
        classify(base, broken, replica="use1")
    assert caught.value.evidence["metadata"] == broken["_rec"]


WIRES = st.recursive(
    st.one_of(
        st.none(),
        st.integers(-2, 12),
        st.text(max_size=3),
        st.sampled_from(["0", "1,0", "0-9", "-1", "1+", "NaN", "use1", "use1.000", "~", "0000"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["S", "N", "M", "L", "SS", "BOOL", "aw", "rw", "pn", "map", "max"]),
                st.text(max_size=2),
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


def mangle(value: Any, data: st.DataObject) -> Any:
    """Return `value` with one random place replaced, removed, doubled, or moved elsewhere."""
    if not isinstance(value, dict | list) or not value or data.draw(st.integers(0, 7)) == 0:
        return data.draw(WIRES)
    places = sorted(value) if isinstance(value, dict) else list(range(len(value)))
    place = data.draw(st.sampled_from(places))
    changed: Any = copy.copy(value)
    action = data.draw(st.sampled_from(["deeper", "deeper", "deeper", "remove", "move", "copy"]))
    if action == "deeper":
        changed[place] = mangle(changed[place], data)
    elif action == "remove":
        del changed[place]
    else:
        other = data.draw(st.sampled_from(places))
        moves = action == "move" and len(places) > 1
        moved = changed.pop(place) if moves else changed[place]
        if isinstance(changed, list):
            changed.insert(other, moved)  # the list may have become shorter
        else:
            changed[other] = moved
    return changed


@given(schedule=steps(ANY, length=8), data=st.data())
def test_mangled_metadata_is_read_or_refused_as_undecodable_and_nothing_else(
    schedule: list[Any], data: st.DataObject
) -> None:
    schedule = [("write", "use1", 1, [assign("name", "Ada"), increment("balance", 1)]), *schedule]
    images = [version.image for version in played(schedule).versions]
    whole = data.draw(st.sampled_from(images))
    other = data.draw(st.sampled_from(images))
    broken = {**whole, "_rec": mangle(copy.deepcopy(whole["_rec"]), data)}
    # A broken state may also seem to be of another type, which a merge and a write refuse.
    refusals = (Undecodable, TypeMismatch, InvalidInput)
    outcomes: list[object] = []
    for attempt in (
        lambda: classify(broken, other, replica="use1", latest_plausible=Hlc.of(5)),
        lambda: classify(other, broken, replica="use1", latest_plausible=Hlc.of(5)),
        lambda: classify(broken, None, replica="use1"),
        lambda: decode(broken),
        lambda: merge(broken, other),
        lambda: merge(other, broken),
        lambda: read(broken),
        lambda: Replica("use1", broken).write(assign("name", "x"), at=1),
    ):
        try:
            outcomes.append(attempt())
        except refusals as refusal:
            outcomes.append(refusal)
    assert len(outcomes) == 8


def test_a_lineage_is_replica_and_epoch() -> None:
    epoch = fixed_width(1, EPOCH_WIDTH)
    lineage = Lineage.of("use1", epoch)
    assert (lineage.replica, lineage.epoch) == ("use1", epoch)


# Beside named writes


PLAIN: Image = {**WIRE_KEY, "balance": {"N": "100"}, "name": {"S": "Ada"}}


def judge(old: Any, new: Any, replica: str = "use1", **limits: Any) -> Verdict:
    images = (None if image is None else as_stream(image) for image in (old, new))
    return classify(*images, replica=replica, key=WIRE_KEY, **limits)


def in_use1(image: Image | None, *edits: Any, number: int = 1) -> Image:
    return named_on(image, *edits, by="use1", number=number)


def in_euw1(image: Image | None, *edits: Any, number: int = 1) -> Image:
    return named_on(image, *edits, by="euw1", number=number)


FORKED_FROM = {
    "managed": Replica("use1").write(increment("balance", 100), at=1),
    "plain": PLAIN,
}


@pytest.mark.parametrize("begin", FORKED_FROM)
def test_a_name_on_what_stood_there_is_clean_and_a_name_that_went_is_lost(begin: str) -> None:
    base = FORKED_FROM[begin]
    ours, theirs = in_use1(base, increment("balance", 5)), in_euw1(base, increment("balance", 7))
    both = in_use1(ours, increment("balance", 1), number=2)

    assert judge(base, ours).finding is Finding.CLEAN
    assert judge(ours, both).finding is Finding.CLEAN
    for old, new in ((ours, theirs), (ours, base)):
        found = judge(old, new)
        assert (found.finding, found.lost_dots) == (Finding.CONFLICT, (dot_of("use1"),))
        assert found.role == "home"
        assert judge(old, new, "euw1").role == "witness"
    assert judge(both, ours).lost_dots == (dot_of("use1", number=2),)


@pytest.mark.parametrize("begin", FORKED_FROM)
def test_a_lost_name_is_merged_into_what_stands_and_counts_beside_it(begin: str) -> None:
    base = FORKED_FROM[begin]
    ours, theirs = in_use1(base, increment("balance", 5)), in_euw1(base, increment("balance", 7))

    lost = dict(lost_image(judge(ours, theirs), ours, theirs, key=WIRE_KEY))

    assert (read(repaired_image(theirs, [lost], restore=False)) or {})["balance"] == 112


def test_names_that_a_library_write_or_a_filing_took_in_are_not_lost() -> None:
    named = in_use1(FORKED_FROM["managed"], increment("balance", 5))
    plain = in_use1(PLAIN, increment("balance", 5))
    for image in (named, plain):
        on_top = Replica("euw1", image).write(increment("balance", 1), at=9_000)
        filed = with_names_filed(image, 1, WIRE_KEY)
        assert judge(image, on_top).finding is Finding.CLEAN
        assert judge(image, filed).finding is Finding.CLEAN


@pytest.mark.parametrize("begin", FORKED_FROM)
def test_a_name_that_a_library_write_never_saw_is_lost_and_so_is_the_library_write(
    begin: str,
) -> None:
    base = FORKED_FROM[begin]
    named = in_use1(base, increment("balance", 5))
    written_ = Replica("euw1", base).write(increment("balance", 7), at=9_000)

    assert judge(named, written_).lost_dots == (dot_of("use1"),)
    back = judge(written_, named, "euw1")
    assert back.finding in (Finding.CONFLICT, Finding.OVERWRITTEN)
    assert back.role == "home"
    for old, new in ((named, written_), (written_, named)):
        lost = lost_image(judge(old, new), old, new, key=WIRE_KEY)
        assert (read(merge(new, lost)) or {})["balance"] == 112


@pytest.mark.parametrize("begin", FORKED_FROM)
def test_a_removal_of_an_item_with_names_is_never_clean(begin: str) -> None:
    image = in_use1(FORKED_FROM[begin], increment("balance", 5))

    found = judge(image, None)

    assert found.finding is Finding.REMOVED
    assert dot_of("use1") in found.lost_dots
    lost = lost_image(found, image, None, key=WIRE_KEY)
    assert (read(lost) or {})["balance"] == 105


def test_the_removal_of_a_plain_item_without_names_is_clean() -> None:
    assert judge(PLAIN, None).finding is Finding.CLEAN


def test_a_tombstone_that_names_brought_back_is_not_taken_for_one_that_expired() -> None:
    gone = Replica("use1", FORKED_FROM["managed"]).write(DELETE, at=2)
    image = in_use1(gone, increment("balance", 5))

    assert judge(image, None, at_ms=10**15).finding is Finding.REMOVED


def test_the_same_token_and_names_with_other_attributes_is_only_counted() -> None:
    image = in_use1(FORKED_FROM["managed"], increment("balance", 5))

    assert judge(image, {**image, "email": {"S": "raw"}}).finding is Finding.UNMANAGED
    assert judge(image, image).finding is Finding.CLEAN


def test_a_deleted_item_that_shows_its_expiry_under_names_is_revived() -> None:
    """A client in another language forgot to remove it: time-to-live would take its write."""
    gone = Replica("use1", FORKED_FROM["managed"]).write(DELETE, at=2)
    image = {**in_use1(gone, increment("balance", 5)), EXPIRY: gone[EXPIRY]}

    found = judge(gone, image)

    assert found.finding is Finding.REVIVED
    assert lost_image(found, gone, image, key=WIRE_KEY) == as_stream(image)
    assert judge(gone, in_use1(gone, increment("balance", 5))).finding is Finding.CLEAN


def test_a_value_that_a_named_write_took_the_place_of_is_not_found_lost() -> None:
    """A raw client's value stood again, in every region, over the named one put on top of it."""
    base = Replica("use1").write(assign("name", "Ada"), increment("balance", 1), at=1)
    raw = {**base, "name": {"S": "raw"}}
    image = in_use1(raw, assign("name", "Bea"))

    assert judge(raw, image).finding is Finding.CLEAN
    found = judge({**raw, "balance": {"N": "8"}}, image)
    assert (found.finding, len(found.lost_dots)) == (Finding.CONFLICT, 1)


def test_a_raw_value_is_not_found_lost_where_a_later_one_of_its_version_came_with_a_name() -> None:
    """It stood again over a named assignment that had taken its place, by a clock behind."""
    base = Replica("use1").write(assign("name", "Ada"), assign("profile.city", "Rome"), at=1)
    earlier = {**base, "name": {"S": "raw15"}}
    later = in_euw1({**base, "name": {"S": "raw37"}}, increment("balance", 5))

    assert judge(earlier, later).finding is Finding.CLEAN
    assert judge(earlier, {**later, "name": {"S": "Ada"}}).finding is Finding.CONFLICT
    other = judge({**earlier, "profile": {"M": {"city": {"S": "raw"}}}}, later)
    assert len(other.lost_dots) == 1  # the city alone
    library = Replica("use1", base).write(assign("name", "Bea"), at=2)
    assert judge(earlier, in_euw1(library, increment("balance", 5))).finding is Finding.CONFLICT


@pytest.mark.parametrize("path", ["name", "profile.city"])
def test_a_raw_value_is_not_found_lost_where_what_replaced_it_on_its_version_is_replaced_too(
    path: str,
) -> None:
    """A region that saw it alone, for hours, brought it back over all that was set there since."""
    base = Replica("use1").write(assign("name", "Ada"), assign("profile.city", "Rome"), at=1)

    def raw(image: Image, value: str) -> Image:
        wire = {"S": value}
        return {
            **image,
            **({"name": wire} if path == "name" else {"profile": {"M": {"city": wire}}}),
        }

    on_it = Replica("euw1", raw(base, "second")).write(increment("balance", 5), at=2)
    stands, replaced = on_it, raw(on_it, "third")
    by_library = Replica("euw1", on_it).write(assign(path, "Lib"), at=3)

    for later in (replaced, by_library, in_use1(replaced, increment("balance", 1))):
        assert judge(raw(base, "first"), later).finding is Finding.CLEAN
    assert judge(raw(base, "first"), stands).finding is Finding.CONFLICT


def test_a_raw_member_is_found_lost_where_another_region_cleared_what_it_is_in() -> None:
    """Of what is removed nothing stands, but in a register: that is no later value."""
    base = Replica("use1").write(add("tags", "a"), increment("balance", 1), at=1)
    cleared = {name: wire for name, wire in base.items() if name != "tags"}
    later = Replica("euw1", cleared).write(increment("balance", 5), at=2)

    assert judge({**base, "tags": {"SS": ["a", "raw"]}}, later).finding is Finding.CONFLICT


def test_a_raw_value_is_not_found_lost_where_a_name_that_replaced_it_is_metadata_by_now() -> None:
    """It stood again over what the library had written on top of the named value."""
    base = Replica("use1").write(assign("name", "Ada"), assign("profile.city", "Rome"), at=1)
    raw = {**base, "name": {"S": "raw"}}
    named = with_names_filed(in_use1(raw, assign("name", "Bea")), 1, WIRE_KEY)

    assert named is not None
    assert judge(raw, named).finding is Finding.CLEAN
    other = {**raw, "profile": {"M": {"city": {"S": "raw"}}}}
    assert len(judge(other, named).lost_dots) == 1  # the city alone
    later = Replica("euw1", named).write(increment("balance", 1), at=3)  # on another version
    assert judge(raw, later).finding is Finding.CLEAN
    assert len(judge(other, later).lost_dots) == 1
    assert judge(raw, Replica("euw1", base).write(increment("balance", 1), at=3)) != CLEAN


def test_a_value_that_a_name_had_taken_the_place_of_before_is_found_lost() -> None:
    base = Replica("use1").write(assign("name", "Ada"), at=1)
    image = in_use1(base, assign("name", "Bea"))

    assert judge({**image, "name": {"S": "raw"}}, image).finding is Finding.UNMANAGED


def test_what_a_put_without_metadata_took_is_lost_whatever_names_stand_on_it() -> None:
    base = FORKED_FROM["managed"]

    assert judge(base, in_use1(PLAIN, increment("balance", 5))).finding is Finding.OVERWRITTEN
    alone = judge(base, in_use1(None, increment("balance", 5)))
    assert alone.finding is Finding.CONFLICT


def test_the_losing_image_of_names_that_a_put_shows_holds_what_is_lost_whenever_it_was_seen() -> (
    None
):
    """The resolver refused it as none of ours, in each region, so the loss was never merged."""
    named = in_use1(PLAIN, assign("name", "Bea"))
    put = {name: wire for name, wire in named.items() if name != NAMES} | {"email": {"S": "x"}}

    found = judge(named, put)

    lost = lost_image(found, named, put, Hlc.of(9_000), key=WIRE_KEY)
    assert dot_of("use1") in found.lost_dots
    assert all(context_of(lost).covers(dot) for dot in found.lost_dots)
