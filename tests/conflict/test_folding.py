"""Folding bounds what an item carries, exactly: whenever it could be wrong, it does nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.causality.context import NAMED_MARGIN_MS, Ordering
from reconciler.causality.hlc import HLC_WIDTH
from reconciler.client.lost_answers import written_dot
from reconciler.conflict.classification import classify
from reconciler.conflict.event import FoldCertificate, conflict_id, parse_certificate
from reconciler.conflict.folding import (
    CLOCK_SKEW_MARGIN_MS,
    closed_lineages,
    folded_image,
    names_to_file,
)
from reconciler.conflict.row import Row, State, decision_row, item_key, ledger_row
from reconciler.conflict.verdict import Finding
from reconciler.deployment.telemetry import FOLDS, NAMES_FILED
from reconciler.detection.certifying import certificates_in
from reconciler.detection.change import parse
from reconciler.detection.detector import Detector
from reconciler.detection.securing import AsOf, DetectorPolicy
from reconciler.item.filing import file
from reconciler.item.image import merge, read
from reconciler.item.metadata import METADATA, NAMES, basis_of, context_of, token_of
from reconciler.item.restating import with_names_filed
from reconciler.resolution.resolver import Resolver
from reconciler.values.wire import Image, to_json
from tests.builders import Replica, as_stream, assign, increment
from tests.conflicts import judged, loss_event
from tests.detection.test_detector import loss, record
from tests.fakes import FakeBus, FakeItems, FakeLedger, FakePorts, Fakes, FakeSetAside
from tests.named import named_on
from tests.recorded import Recorded

LATER = 4_000_000
KEY = {"id": {"S": "p1"}}


def history(turns: int, *, last: str = "euw1") -> list[Image]:
    """Return the versions of an item that two regions wrote in turn, each on the other's image."""
    replica = Replica("use1")
    versions = []
    for turn in range(turns):
        replica.name = "use1" if turn % 2 == 0 else "euw1"
        edits = increment("balance", 10**turn), assign("name", f"n{turn}")
        versions.append(replica.write(*edits, at=1_000 + turn))
    replica.name = last
    return [*versions, replica.write(increment("profile.visits", 1), at=2_000)]


def in_turn(turns: int, *, last: str = "euw1") -> Image:
    """Return the last of those versions."""
    return history(turns, last=last)[-1]


def certificate(image: Image, **changed: Any) -> FoldCertificate:
    """Return what use1's detector says of the image, long after it was written."""
    known: dict[str, Any] = {
        "certificate_id": "c1",
        "table": "parties",
        "key": KEY,
        "replica": "use1",
        "sequence_number": "100",
        "issued_at_ms": str(LATER),
        "lineages": closed_lineages(image, "use1", LATER),
    }
    return FoldCertificate(**known | changed)


def lost_row(image: Image, winner: Image, **changed: Any) -> Row:
    """Return the ledger's row for the loss of an image of use1."""
    verdict = classify(image, winner, replica="use1")
    own = {
        "conflict_id": conflict_id("parties", KEY, verdict, image),
        "lost_watermarks": dict(verdict.lost_watermarks),
        "lost_at_ms": "1",
        "detected_at_ms": "1",
        "lost": as_stream(image),
    }
    return ledger_row(loss_event(**{**judged(verdict), **own, **changed}), State.OPEN, 1)


def made(number: int, old: Image, new: Image) -> dict[str, Any]:
    """Return a record made long after the item's lineages were closed."""
    return record(number, old, new, ApproximateCreationDateTime=LATER / 1_000)


def fold_of(image: Image) -> Image:
    result = folded_image(image, certificate(image), [])
    assert result is not None
    return result


def own_heads(image: Image) -> list[str]:
    return [lineage for lineage in context_of(image).heads if lineage.replica == "use1"]


def test_few_closed_lineages_are_left_alone() -> None:
    assert closed_lineages(in_turn(16), "use1", LATER) == {}


def test_the_tip_is_not_closed() -> None:
    closed = closed_lineages(in_turn(20, last="use1"), "use1", LATER)

    assert len(closed) == 10
    assert set(closed).isdisjoint({max(own_heads(in_turn(20, last="use1")))})


def test_lineages_younger_than_clocks_may_drift_apart_are_not_certified() -> None:
    assert closed_lineages(in_turn(20), "use1", 1_000 + CLOCK_SKEW_MARGIN_MS) == {}


def test_a_fold_leaves_one_watermark_and_the_same_values() -> None:
    image = in_turn(20)

    after = fold_of(image)

    assert read(after) == read(image)
    assert own_heads(after) == []
    assert list(context_of(after).watermarks) == ["use1"]
    assert len(to_json(after)) < len(to_json(image)) - 300


def test_a_fold_is_clean_and_going_back_behind_it_is_a_conflict() -> None:
    image = in_turn(20)
    after = fold_of(image)

    assert classify(image, after, replica="use1").finding is Finding.CLEAN
    back = classify(after, image, replica="use1")
    assert (back.finding, back.ordering) == (Finding.CONFLICT, Ordering.AFTER)
    assert dict(back.lost_watermarks) == dict(context_of(after).watermarks)


def test_a_folded_item_merges_with_what_others_wrote_on_the_unfolded_one() -> None:
    image = in_turn(20)
    elsewhere = Replica("euw1", image).write(increment("balance", 7 * 10**20), at=3_000)
    here = Replica("use1", fold_of(image)).write(increment("balance", 3 * 10**21), at=3_000)

    merged = merge(here, elsewhere)

    assert to_json(merged) == to_json(merge(elsewhere, here))
    plain = read(merged)
    assert plain is not None
    assert plain["balance"] == int("1" * 20) + 7 * 10**20 + 3 * 10**21


def test_a_lost_image_from_before_the_fold_adds_nothing_twice() -> None:
    *_, before, _, image = history(20)

    assert read(merge(fold_of(image), before)) == read(image)


def test_a_second_fold_adds_to_the_first() -> None:
    once = fold_of(in_turn(20))
    replica = Replica("euw1", once)
    for turn in range(20):
        replica.name = "use1" if turn % 2 == 0 else "euw1"
        replica.write(increment("balance", 1), at=5_000 + turn)
    assert replica.image is not None

    twice = fold_of(dict(replica.image))

    assert read(twice) == read(replica.image)
    assert context_of(twice).watermarks["use1"] > context_of(once).watermarks["use1"]


def test_a_foreign_tip_is_cleared_and_the_own_tip_stays() -> None:
    foreign, own = in_turn(20, last="euw1"), in_turn(20, last="use1")

    assert "p" not in fold_of(foreign)["_rec"]["M"]
    assert fold_of(own)["_rec"]["M"]["p"] == own["_rec"]["M"]["p"]


def test_an_item_that_lacks_a_certified_lineage_is_not_folded() -> None:
    image = in_turn(20)

    assert folded_image(in_turn(8), certificate(image), []) is None


def test_a_lineage_that_stands_at_another_hlc_than_certified_prevents_the_fold() -> None:
    image = in_turn(20)
    lineages = closed_lineages(image, "use1", LATER)
    lineages[min(lineages)] = "0" * HLC_WIDTH

    assert folded_image(image, certificate(image, lineages=lineages), []) is None


def test_an_own_lineage_that_nobody_certified_prevents_the_fold() -> None:
    image = in_turn(20)
    lineages = closed_lineages(image, "use1", LATER)
    lineages.pop(min(lineages))

    assert folded_image(image, certificate(image, lineages=lineages), []) is None


def test_a_loss_that_the_item_does_not_hold_yet_prevents_the_fold() -> None:
    image = in_turn(20)
    lost = Replica("use1").write(increment("balance", 5), at=900)
    row = lost_row(lost, image)

    assert folded_image(image, certificate(image), [row]) is None
    healed = merge(image, lost)
    assert folded_image(healed, certificate(image), [row]) is not None


def test_a_lost_watermark_above_the_items_own_prevents_the_fold() -> None:
    image = in_turn(20)
    row = lost_row(fold_of(image), image)

    assert folded_image(image, certificate(image), [row]) is None


def test_a_parked_record_that_nobody_could_read_prevents_the_fold() -> None:
    image = in_turn(20)
    row = lost_row(image, in_turn(1), ordering="UNKNOWN")
    row = Row.of({**row.image, "state": {"S": "PARKED"}})

    assert folded_image(image, certificate(image), [row]) is None


@pytest.mark.parametrize("spoilt", [{"state": {"S": "GONE"}}, {"state": {}}, {"ordering": {}}])
def test_a_row_that_does_not_say_where_it_stands_prevents_the_fold(spoilt: Image) -> None:
    image = in_turn(20)
    row = lost_row(Replica("use1").write(increment("balance", 5), at=900), image)
    image = merge(image, row.lost or {})
    assert folded_image(image, certificate(image), [row]) is not None

    assert folded_image(image, certificate(image), [Row.of({**row.image, **spoilt})]) is None


def test_an_item_changed_around_the_library_is_not_folded() -> None:
    image = in_turn(20)

    assert folded_image({**image, "name": {"S": "x"}}, certificate(image), []) is None
    assert folded_image(None, certificate(image), []) is None


def test_a_writer_whose_clock_went_back_starts_its_lineage_above_the_watermark() -> None:
    after = fold_of(in_turn(20))

    late = Replica("use1", after).write(increment("balance", 5 * 10**25), at=1)

    lineage = max(own_heads(late))
    assert lineage.rpartition(".")[2] > context_of(after).watermarks["use1"]
    plain = read(merge(late, in_turn(20)))
    assert plain is not None
    assert plain["balance"] == int("1" * 20) + 5 * 10**25


def test_a_write_after_a_fold_is_stamped_later_than_the_values_that_the_fold_left_behind() -> None:
    folded_twice = fold_of(in_turn(20))
    certified = {
        lineage: str(hlc)
        for lineage, hlc in context_of(folded_twice).heads.items()
        if lineage.replica == "euw1"
    }
    both = folded_image(
        folded_twice, certificate(in_turn(20), replica="euw1", lineages=certified), []
    )
    assert both is not None
    assert context_of(both).heads == {}

    late = Replica("use1", both).write(assign("name", "late"), at=1)

    assert written_dot(late).hlc.wall_ms == 2_000


def detector(ledger: FakeLedger, bus: FakeBus, *, folds: bool = True) -> Detector:
    ports = FakePorts(ledger=ledger, bus=bus)
    return Detector(DetectorPolicy("parties", "us-east-1", folds=folds), ports, lambda: LATER)


def test_a_detector_certifies_an_item_once_a_batch_and_the_certificate_survives_the_wire() -> None:
    ledger, bus = FakeLedger(), FakeBus()
    *_, before, image = history(20)

    answer = detector(ledger, bus).detect([made(1, before, image), made(2, image, image)])

    assert answer is None
    assert [each.sequence_number for each in bus.certificates] == ["2"]
    assert dict(bus.certificates[0].lineages) == closed_lineages(image, "use1", LATER)
    detail = bus.certificates[0].model_dump(mode="json")
    assert parse_certificate(detail) == bus.certificates[0]


def test_a_detector_told_not_to_fold_certifies_nothing() -> None:
    bus = FakeBus()

    detector(FakeLedger(), bus, folds=False).detect([made(1, *history(20)[-2:])])

    assert bus.certificates == []


def test_a_late_detector_certifies_what_was_old_when_the_record_was_made() -> None:
    bus = FakeBus()

    detector(FakeLedger(), bus).detect(
        [record(1, *history(20)[-2:], ApproximateCreationDateTime=2.0)]
    )

    assert bus.certificates == []


def test_no_certificate_leaves_before_the_losses_ahead_of_it_have_their_rows() -> None:
    ledger, bus = FakeLedger(), FakeBus()
    ledger.refuses.append(set)

    answer = detector(ledger, bus).detect([loss(1), made(2, *history(20)[-2:])])

    assert answer == "1"
    assert bus.certificates == []


def test_a_certificate_that_the_bus_refuses_fails_no_batch() -> None:
    bus = FakeBus()
    bus.refuses.append(set)

    assert detector(FakeLedger(), bus).detect([made(1, *history(20)[-2:])]) is None


def resolving(
    image: Image, rows: list[Row], set_aside: FakeSetAside | None = None, code: str = "use1"
) -> tuple[Resolver, FakeItems, Recorded]:
    items, ledger, counted = FakeItems(), FakeLedger(), Recorded()
    items.place(image)
    ledger.rows = {row.conflict_id: row.image for row in rows}
    aside = set_aside or FakeSetAside()
    ports = FakePorts(items=items, ledger=ledger, set_aside=aside, telemetry=counted, code=code)
    return Resolver(ports, lambda: LATER), items, counted


def test_the_resolver_folds_the_current_item_under_its_token() -> None:
    image = in_turn(20)
    resolver, items, counted = resolving(image, [])

    assert resolver.fold(certificate(image))

    stored = items.items[item_key(KEY)]
    assert token_of(stored) == token_of(fold_of(image))
    assert counted.counts[FOLDS] == 1


def test_a_certificate_of_a_replica_that_was_here_before_folds_nothing() -> None:
    """It had writes that its successor, a copy of another region's replica, may not have."""
    image = in_turn(20)
    resolver, items, _ = resolving(image, [], code="use1abcde")

    assert not resolver.fold(certificate(image))
    assert items.items[item_key(KEY)] == image


def test_nothing_is_folded_while_a_batch_of_the_stream_is_set_aside() -> None:
    """The event source gave a batch up; no ledger row spoke of its losses, and a fold passed on."""
    image, aside = in_turn(20), FakeSetAside()
    resolver, items, _ = resolving(image, [], aside)
    reference = aside.place("batch", "{}")

    assert not resolver.fold(certificate(image))
    assert items.items[item_key(KEY)] == image
    aside.done(reference)
    assert resolver.fold(certificate(image))


def test_a_decision_about_a_loss_is_no_loss() -> None:
    image = in_turn(20)
    decided = decision_row(lost_row(image, in_turn(1)), "{}")

    assert folded_image(image, certificate(image), [decided]) is not None


def test_a_row_that_cannot_say_what_was_lost_prevents_the_fold() -> None:
    image = in_turn(20)
    bad = Row.of({"conflict_id": {"S": "c9"}, "item_key": {"S": item_key(KEY)}})

    assert folded_image(image, certificate(image), [bad]) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: certificate(image, issued_at_ms=str(LATER - 3_600_001)),
        lambda image: certificate(image, key={"id": {"S": "p2"}}),
    ],
    ids=["an hour old", "of an item that is gone"],
)
def test_the_resolver_leaves_the_item_alone_if_the_certificate_is(
    spoil: Callable[..., FoldCertificate],
) -> None:
    image = in_turn(20)
    resolver, items, counted = resolving(image, [])

    assert not resolver.fold(spoil(image))

    assert items.items[item_key(KEY)] == image
    assert counted.counts[FOLDS] == 0


# Named writes


def names_on(
    image: Image | None, count: int, *, at: int, by: str = "use1", first: int = 1
) -> Image:
    """Return the image after that many named increments, drawn at `at`."""
    held = image
    for number in range(first, first + count):
        held = named_on(held, increment("balance", 1), by=by, at=at + number, number=number)
    assert held is not None
    return held


def filed_names(count: int, *, at: int, by: str = "use1") -> Image:
    """Return an item in whose metadata that many named writes are."""
    image = with_names_filed(names_on(in_turn(0), count, at=at, by=by), count, KEY)
    assert image is not None
    return image


def certified(image: Image, at_ms: int) -> list[FoldCertificate]:
    """Return the certificates that a detector sends of a record made then."""
    made_at = {"ApproximateCreationDateTime": at_ms / 1_000}
    change = parse(record(100, None, image, **made_at))
    policy = DetectorPolicy("parties", "us-east-1")
    return list(certificates_in(change, policy, AsOf(LATER, "use1")))


@pytest.mark.parametrize("begin", [None, in_turn(0)])
@pytest.mark.parametrize(
    ("closed", "fresh", "to_file"), [(8, 0, 0), (9, 0, 9), (9, 5, 9), (3, 40, 0), (60, 0, 60)]
)
def test_more_than_eight_names_that_nobody_adds_to_any_more_become_metadata(
    begin: Image | None, closed: int, fresh: int, to_file: int
) -> None:
    now = 1_000_000
    old = names_on(begin, closed, at=now - CLOCK_SKEW_MARGIN_MS - 1_000)
    image = names_on(old, fresh, at=now - 1_000, first=100)

    assert names_to_file(image, now) == to_file
    assert [(each.replica, each.names) for each in certified(image, now)] == (
        [("use1~", to_file)] if to_file else []
    )


@pytest.mark.parametrize(("names", "to_file"), [(64, 0), (65, 64), (80, 64)])
def test_more_than_sixty_four_names_become_metadata_however_young(names: int, to_file: int) -> None:
    assert names_to_file(names_on(None, names, at=1_000_000), 1_000_000) == to_file


def test_what_names_nothing_is_taken_along_with_the_names_behind_it() -> None:
    image = names_on(None, 9, at=1_000)
    image = {**image, NAMES: {"L": [{"S": "?"}, *image[NAMES]["L"]]}}

    assert names_to_file(image, 1_000_000) == 10


@pytest.mark.parametrize(("age_ms", "lineages"), [(NAMED_MARGIN_MS, 0), (NAMED_MARGIN_MS + 100, 9)])
def test_named_writes_are_certified_once_the_last_one_drawn_before_must_have_landed(
    age_ms: int, lineages: int
) -> None:
    image = filed_names(9, at=1_000_000)

    found = closed_lineages(image, "use1~", 1_000_000 + age_ms)

    assert len(found) == lineages
    assert {each.replica for each in certified(image, 1_000_000 + age_ms)} == (
        {"use1~"} if lineages else set()
    )


def named_certificate(image: Image) -> FoldCertificate:
    closed = closed_lineages(image, "use1~", LATER)
    assert closed
    return certificate(image, replica="use1~", lineages=closed)


def test_named_writes_fold_under_a_watermark_of_their_own() -> None:
    image = filed_names(9, at=1_000_000)

    after = folded_image(image, named_certificate(image), [])

    assert after is not None
    assert read(after) == read(image)
    assert set(context_of(after).watermarks) == {"use1~"}
    assert [each for each in context_of(after).heads if each.replica == "use1~"] == []
    assert len(own_heads(after)) == len(own_heads(image))


def test_a_fold_beside_standing_names_keeps_the_list_and_what_readers_see() -> None:
    image = names_on(filed_names(9, at=1_000_000), 2, at=3_900_000, first=50)

    after = folded_image(image, named_certificate(image), [])

    assert after is not None
    assert after[NAMES] == image[NAMES]
    assert {n: v for n, v in after.items() if n != METADATA} == {
        n: v for n, v in image.items() if n != METADATA
    }
    assert basis_of(after) == basis_of(image)
    assert token_of(after) != token_of(image)
    assert file(after).shown() == file(image).shown()


def test_a_name_that_stands_below_the_youngest_certified_one_prevents_the_fold() -> None:
    """Its write landed late: the watermark would cover it, and its loss would look clean."""
    image = filed_names(9, at=1_000_000)
    told = named_certificate(image)

    assert folded_image(names_on(image, 1, at=999_000, first=50), told, []) is None
    assert folded_image(names_on(image, 1, at=1_100_000, first=50), told, []) is not None
    assert folded_image(names_on(image, 1, at=999_000, by="euw1", first=50), told, []) is not None


def test_an_item_changed_around_the_library_beside_names_is_not_folded() -> None:
    image = names_on(filed_names(9, at=1_000_000), 2, at=3_900_000, first=50)

    assert folded_image({**image, "email": {"S": "raw"}}, named_certificate(image), []) is None


def test_the_resolver_files_names_first_and_then_folds_what_was_certified() -> None:
    image = names_on(in_turn(20), 9, at=1_000)
    world = Fakes()
    world.items.place(image)
    resolver = Resolver(world.ports, lambda: LATER)

    by_use1, by_names = certified(image, 3_000_000)
    assert resolver.fold(by_use1)
    assert not resolver.fold(by_names)  # none of their lineages was certified yet
    (stands,) = world.items.items.values()
    assert stands[NAMES] == {"L": []}
    (later,) = certified(stands, 3_000_000)
    assert resolver.fold(later)

    (after,) = world.items.items.values()
    assert read(after) == read(image)
    assert set(context_of(after).watermarks) == {"use1", "use1~"}
    assert world.telemetry.counts[NAMES_FILED] == 9
    assert [name for name in world.calls() if name in ("put", "restate")] == [
        *("restate", "restate"),
        *("put",),
    ]


def test_names_that_others_add_to_meanwhile_are_left_where_they_are() -> None:
    image = names_on(in_turn(0), 9, at=1_000)
    world = Fakes()
    world.items.place(image)
    (told,) = certified(image, 3_000_000)
    more = names_on(image, 1, at=3_000_000, first=60)
    world.items.place(more)

    Resolver(world.ports, lambda: LATER).fold(told)

    (after,) = world.items.items.values()
    assert after[NAMES]["L"] == more[NAMES]["L"][9:]
    assert read(after) == read(more)
