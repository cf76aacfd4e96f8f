"""What an operator decides stands, nothing else of the loss is left behind, and twice is once."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest

from reconciler.client.table import ReplicatedTable
from reconciler.conflict.row import RETENTION_SECONDS, Row, State, decision_row
from reconciler.errors import (
    Contention,
    HistoryUnknown,
    InvalidInput,
    Unavailable,
    UnknownWireVersion,
)
from reconciler.feed import carrying_out
from reconciler.feed.carrying_out import (
    DecisionResult,
    carry_out,
    closed_row,
    decide,
    is_decided,
    rehearse,
)
from reconciler.feed.case import Case, document, open_case, to_decide
from reconciler.feed.decision import Answer, Decision, parse_decision
from reconciler.feed.rows import summary
from reconciler.feed.ruling import schema_of
from reconciler.item.image import DELETE, merge, read
from reconciler.item.metadata import EXPIRY, METADATA, context_of, decode
from reconciler.item.schema import Schema
from reconciler.values.wire import Image
from tests.builders import Replica, add, assign, clock, discard, increment, surroundings, written
from tests.conflicts import loss, unknown_loss
from tests.fakes import AnswerLost, FakeEvidence, FakeItems, FakeLedger

nonces = count(1)


class Desk:
    """A region's item, a loss of it, and an operator."""

    def __init__(self, row: Row, current: Image | None) -> None:
        self.row, self.items = row, FakeItems()
        if current is not None:
            self.items.place(current)
        self.case: Case = open_case(row, self.items, FakeEvidence(), FakeLedger())

    def decide(
        self, *takes: str, values: tuple[str, ...] = (), document: str = ""
    ) -> DecisionResult:
        decision = parse_decision(takes, values, document or None)
        rehearse(self.case, decision, "use1", 9_000)
        return carry_out(self.case, decision, self.items, self.open)

    def open(self, schema: Schema) -> ReplicatedTable:
        return ReplicatedTable(
            schema,
            self.items,
            replica=lambda: "use1",
            clock=clock(9_000, nonces),
            surroundings=surroundings(lambda _: None, Random(7).random),
        )

    def image(self) -> Image:
        (image,) = self.items.items.values()
        return image

    def plain(self) -> dict[str, Any] | None:
        return read(self.image()) if self.items.items else None

    def puts(self) -> int:
        return self.items.names().count("put")


def shared(*edits: Any) -> tuple[Replica, Replica]:
    """Return two regions that hold the same item."""
    image = written(*edits)
    return Replica("use1", image), Replica("euw1", image)


def conflict() -> tuple[Image, Image]:
    """Return a lost image and the one that won, which differ in attributes of several types."""
    use1, euw1 = shared(assign("name", "old"), increment("balance", 10), add("tags", "a"))
    lost = use1.write(assign("name", "Ada"), increment("balance", 5), add("tags", "b"), at=2_000)
    winner = euw1.write(
        assign("name", "Eve"), increment("balance", 1), discard("tags", "a"), at=3_000
    )
    return lost, winner


def desk() -> Desk:
    lost, winner = conflict()
    return Desk(loss(lost, winner), winner)


def test_the_decided_attribute_stands_and_the_rest_of_the_loss_is_merged() -> None:
    found = desk()
    found.decide("name=lost")
    assert found.plain() == {"id": "p1", "name": "Ada", "balance": 16, "tags": {"b"}}


def test_a_decision_dominates_the_loss_and_the_item() -> None:
    lost, winner = conflict()
    found = desk()
    found.decide("name=lost")
    late = merge(merge(found.image(), lost), winner)
    assert read(late) == found.plain()


@pytest.mark.parametrize(
    ("side", "shown"),
    [
        ("lost", {"name": "Ada", "balance": 15, "tags": {"a", "b"}}),
        ("winner", {"name": "Eve", "balance": 11}),
        ("current", {"name": "Eve", "balance": 11}),
    ],
)
def test_a_whole_image_can_be_taken(side: str, shown: dict[str, Any]) -> None:
    found = desk()
    found.decide(f"all={side}")
    assert found.plain() == {"id": "p1", **shown}


def test_an_attribute_of_its_own_goes_before_all() -> None:
    found = desk()
    found.decide("all=lost", "name=winner", values=("balance=99",))
    assert found.plain() == {"id": "p1", "name": "Eve", "balance": 99, "tags": {"a", "b"}}


def test_values_of_counters_sets_and_numbers_are_written_exactly() -> None:
    found = desk()
    values = ("balance=12.50", 'tags={"set": ["c"]}', "limit=0.1")
    found.decide(values=values)
    shown = {"name": "Eve", "balance": Decimal("12.50"), "tags": {"c"}, "limit": Decimal("0.1")}
    assert found.plain() == {"id": "p1", **shown}


def test_a_counter_that_is_decided_keeps_the_increments_of_regions_that_it_has_not_seen() -> None:
    _, winner = conflict()
    found = desk()
    found.decide(values=("balance=100",))
    elsewhere = Replica("apse1", winner).write(increment("balance", 7), at=9_500)
    assert (read(merge(found.image(), elsewhere)) or {})["balance"] == 107


def test_attributes_keep_the_types_of_the_item_and_new_ones_are_registers() -> None:
    found = desk()
    found.decide(values=("balance=1", "nickname=2"))
    states = decode(found.image())[0].attributes
    assert (states["balance"].NAME, states["nickname"].NAME) == ("counter_pn", "register_lww")


def test_a_decision_that_is_result_out_again_writes_nothing() -> None:
    found = desk()
    found.decide("all=lost", values=("balance=99",))
    after, puts = found.image(), found.puts()
    again = Desk(found.row, after)
    again.decide("all=lost", values=("balance=99",))
    assert (again.image(), again.puts(), puts) == (after, 0, 2)


def test_an_attribute_that_an_image_does_not_have_is_removed_by_taking_it() -> None:
    lost = written(assign("name", "Ada"))
    winner = written(assign("name", "Eve"), assign("nickname", "E"), replica="euw1", at=2_000)
    found = Desk(loss(lost, winner), winner)
    found.decide("nickname=lost", document='{"name": {"remove": true}}')
    assert found.plain() == {"id": "p1"}


@pytest.mark.parametrize("document", ['{"nmae": {"take": "lost"}}', '{"nmae": {"remove": true}}'])
def test_a_file_that_takes_an_unknown_attribute_is_refused_and_nothing_is_written(
    document: str,
) -> None:
    found = desk()
    with pytest.raises(InvalidInput, match=r"nmae: .*balance, name, tags; .*--set nmae=JSON"):
        found.decide(document=document)
    assert found.puts() == 0


def test_the_key_and_reserved_names_cannot_be_decided() -> None:
    for name in ("id", "_rec"):
        with pytest.raises(InvalidInput, match=name):
            desk().decide(values=(f"{name}=1",))


def test_a_value_of_the_wrong_type_is_refused_before_anything_is_written() -> None:
    found = desk()
    with pytest.raises(InvalidInput, match="balance: a counter_pn takes a number"):
        found.decide(values=('balance="many"',))
    assert found.puts() == 0


@pytest.mark.parametrize(("name", "value"), [("high", 3), ("low", 9)])
def test_a_register_that_only_moves_forward_is_set_back_by_a_person(name: str, value: int) -> None:
    lost = written(assign(name, value))
    winner = written(assign(name, 6), replica="euw1", at=2_000)
    for takes, values in (((f"{name}=lost",), ()), ((), (f"{name}={value}",))):
        found = Desk(loss(lost, winner), merge(lost, winner))
        found.decide(*takes, values=values)
        assert (found.plain() or {})[name] == value


def test_a_value_in_dispute_is_decided_by_giving_one() -> None:
    lost = written(assign("notes", "a"))
    winner = written(assign("notes", "b"), replica="euw1", at=2_000)
    found = Desk(loss(lost, winner), winner)
    found.decide("notes=lost")
    assert (found.plain() or {})["notes"] == ["a"]


def test_several_values_in_dispute_cannot_be_taken_as_one() -> None:
    lost = merge(written(assign("notes", "a")), written(assign("notes", "b"), replica="euw1"))
    winner = written(assign("notes", "c"), replica="apse1", at=2_000)
    with pytest.raises(InvalidInput, match=r"notes: cannot be taken as it is; .*--set notes=JSON"):
        Desk(loss(lost, winner), winner).decide("notes=lost")


def manual_desk() -> Desk:
    schema = Schema.of(
        table="parties",
        key=["id"],
        attributes={"status": "manual", "more": {"type": "map_or", "fields": {"x": "manual"}}},
    )
    lost = Replica("use1").write(assign("status", "a"), assign("more.x", 1), schema=schema)
    euw1 = Replica("euw1")
    winner = euw1.write(assign("status", "b"), assign("more.x", 2), at=2_000, schema=schema)
    return Desk(loss(lost, winner), merge(lost, winner))


def test_a_manual_attribute_is_decided_for_good_even_by_what_readers_see_already() -> None:
    found = manual_desk()
    shown = found.plain()
    found.decide("status=current", "more=current")
    assert found.plain() == shown
    assert not any(state.undecided() for state in decode(found.image())[0].attributes.values())


def test_a_manual_attribute_that_is_left_undecided_is_named_and_nothing_is_written() -> None:
    found = manual_desk()
    with pytest.raises(InvalidInput, match="more: must be decided, too: --take more="):
        found.decide("status=lost")
    assert found.puts() == 0


# Other writers, lost answers


def interfering(found: Desk, *edits: Any) -> Callable[[], None]:
    """Return a fault: another writer of the region is first."""

    def write() -> None:
        other = Replica("use1", found.image())
        found.items.place(other.write(*edits, at=9_100))

    return write


def test_what_another_writer_adds_before_the_merge_is_kept() -> None:
    found = desk()
    found.items.faults.append(interfering(found, increment("balance", 3), assign("city", "Rome")))
    found.decide("name=lost")
    assert found.plain() == {
        "id": "p1",
        "name": "Ada",
        "balance": 19,
        "tags": {"b"},
        "city": "Rome",
    }


def test_what_another_writer_adds_between_merge_and_decision_is_kept() -> None:
    found = desk()
    found.items.faults += [None, interfering(found, increment("balance", 3))]
    found.decide("name=lost")
    shown = found.plain() or {}
    assert (shown["name"], shown["balance"]) == ("Ada", 19)


@pytest.mark.parametrize(
    ("values", "edit", "left"),
    [
        ((), assign("name", "Zoe"), ("Zoe", 16)),
        (("balance=100",), increment("balance", 3), ("Eve", 19)),
    ],
)
def test_a_decided_attribute_that_another_writer_changes_meanwhile_is_left_to_decide_again(
    values: tuple[str, ...], edit: Any, left: tuple[str, int]
) -> None:
    found = desk()
    found.items.faults += [None, interfering(found, edit)]
    with pytest.raises(Contention, match="written again in the meantime"):
        found.decide("name=lost", values=values)
    shown = found.plain() or {}
    assert (shown["name"], shown["balance"]) == left


def test_a_merge_whose_answer_is_lost_is_made_once() -> None:
    for applied in (True, False):
        found = desk()
        found.items.faults.append(AnswerLost(applied))
        found.decide("name=lost")
        assert (found.plain() or {})["balance"] == 16


def test_an_item_that_never_rests_is_left_alone() -> None:
    found = desk()
    found.items.faults += [interfering(found, increment("balance", 1))] * 20
    with pytest.raises(Contention, match="changed 8 times"):
        found.decide("name=lost")
    assert (found.plain() or {})["name"] == "Eve"


# Losses that cannot be merged, deleted items, items that are gone


def broken(image: Image) -> Image:
    return {**image, METADATA: {"M": {**image[METADATA]["M"], "d": {"S": "?"}}}}


def resolved(found: Desk, result: DecisionResult, decision: Decision) -> Row:
    return closed_row(found.case, result, Answer(decision, "ann", "a call"), 10_000)


def test_of_a_loss_that_nobody_can_merge_each_attribute_must_be_decided_and_its_row_says_so() -> (
    None
):
    lost, winner = conflict()
    found = Desk(loss(broken(lost), winner, reason="Undecodable: once"), winner)
    with pytest.raises(InvalidInput, match="balance, tags: must be decided, too"):
        found.decide("name=lost")
    assert found.puts() == 0
    takes = ["name=lost", "balance=winner", "tags=winner"]
    result = found.decide(*takes)
    assert found.plain() == {"id": "p1", "name": "Ada", "balance": 11}
    reason = resolved(found, result, parse_decision(takes)).reason
    assert reason.startswith("Undecodable: once; decided without a merge: Undecodable: unreadable")


OTHER = Schema.of(
    table="parties",
    key=["id"],
    attributes={"status": "counter_pn", "balance": "counter_pn", "tags": "set_aw"},
)


REST = {"name": "Ada", "balance": 107, "tags": {"x"}}


def of_two_types() -> Desk:
    """Return a loss whose `status` is of another type than the item's, with more beside it."""
    use1, euw1 = shared(assign("name", "old"), increment("balance", 100))
    edits = (assign("status", 5), increment("balance", 7), assign("name", "Ada"), add("tags", "x"))
    lost = use1.write(*edits, at=2_000, schema=OTHER)
    winner = euw1.write(assign("status", "new"), at=3_000)
    return Desk(loss(lost, winner, reason="TypeMismatch: once"), winner)


@pytest.mark.parametrize(("side", "status"), [("lost", 5), ("current", "new")])
def test_a_decision_about_an_attribute_of_two_types_merges_the_rest_of_the_loss(
    side: str, status: Any
) -> None:
    found = of_two_types()
    result = found.decide(f"status={side}")
    assert found.plain() == result.shown == {"id": "p1", "status": status, **REST}
    assert decode(found.image())[0].attributes["status"].NAME == "register_lww"
    assert found.case.lost is not None
    assert context_of(found.case.lost).within(context_of(found.image()))
    words = {"name": "kept", "balance": "kept", "tags": "kept"}
    assert {name: result.merge.words[name] for name in REST} == words


def test_an_attribute_that_only_the_loss_has_is_decided_in_its_own_type() -> None:
    # A register in its place could not be written any more by the table's own writers.
    found = of_two_types()
    found.decide("status=current", "tags=lost")
    assert found.plain() == {"id": "p1", "status": "new", **REST}
    assert decode(found.image())[0].attributes["tags"].NAME == "set_aw"


def test_a_decision_that_does_not_name_the_attribute_of_two_types_is_refused_with_its_name() -> (
    None
):
    found = of_two_types()
    with pytest.raises(InvalidInput, match=r"^status: must be decided, too: --take status="):
        found.decide("name=lost")
    assert found.puts() == 0


def test_a_person_is_asked_about_the_attribute_that_cannot_be_merged() -> None:
    assert to_decide(of_two_types().case) == ["status"]
    assert to_decide(manual_desk().case) == ["more", "status"]
    lost, _ = conflict()
    assert to_decide(Desk(loss(lost, None), None).case) == []
    assert to_decide(Desk(unknown_loss("u1"), lost).case) == []


def test_taking_all_of_an_image_settles_a_loss_that_cannot_be_merged() -> None:
    found = of_two_types()
    found.decide("all=current")
    assert found.plain() == {"id": "p1", "name": "old", "balance": 100, "status": "new"}
    assert found.case.lost is not None
    assert context_of(found.case.lost).within(context_of(found.image()))


def test_a_loss_that_makes_the_item_too_large_is_merged_beside_the_decision() -> None:
    use1, euw1 = shared(increment("balance", 100))
    lost = use1.write(assign("name", "a" * 250_000), increment("balance", 7), at=2_000)
    winner = euw1.write(assign("city", "b" * 250_000), at=3_000)
    row = loss(lost, winner, reason="ItemTooLarge: once")
    for decision, shown in (
        ({"takes": ["name=current"]}, {"city": "b" * 250_000}),
        ({"values": ('name="Ada"',)}, {"city": "b" * 250_000, "name": "Ada"}),
        ({"values": ('city="Rome"',)}, {"city": "Rome", "name": "a" * 250_000}),
    ):
        found = Desk(row, winner)
        found.decide(*decision.get("takes", ()), values=tuple(decision.get("values", ())))
        assert found.plain() == {"id": "p1", "balance": 107, **shown}
    found = Desk(row, winner)
    with pytest.raises(InvalidInput, match=r"^name: must be decided, too"):
        found.decide("balance=current")
    assert found.puts() == 0


COLOURED = Schema.of(
    table="parties",
    key=["id"],
    attributes={"colour": {"type": "custom", "function": "nobody"}, "balance": "counter_pn"},
)


def test_a_loss_that_a_merge_function_refused_is_merged_beside_the_decision() -> None:
    lost = Replica("use1").write(assign("colour", 1), increment("balance", 7), schema=COLOURED)
    winner = Replica("euw1").write(assign("colour", 2), at=2_000, schema=COLOURED)
    found = Desk(loss(lost, winner), winner)
    found.decide("colour=lost")
    assert found.plain() == {"id": "p1", "colour": 1, "balance": 7}


@pytest.mark.parametrize(("decided", "balance"), [("balance=100", 100), ("balance=150", 150)])
def test_what_is_decided_beside_a_loss_stands_where_others_wrote_on_top_of_that_loss(
    decided: str, balance: int
) -> None:
    use1 = Replica("use1")
    first = use1.write(increment("balance", 100), at=1_000, schema=COLOURED)
    lost = use1.write(assign("colour", 1), increment("balance", 7), at=2_000, schema=COLOURED)
    winner = Replica("euw1", first).write(assign("colour", 2), at=3_000, schema=COLOURED)
    found = Desk(loss(lost, winner), winner)
    found.decide("colour=current", values=(decided,))
    elsewhere = Replica("apse1", lost).write(assign("name", "Ada"), at=9_500, schema=COLOURED)
    shown = {"id": "p1", "colour": 2, "balance": balance, "name": "Ada"}
    assert read(merge(found.image(), elsewhere)) == shown


def test_a_decision_and_the_rest_of_its_loss_are_one_write_so_another_person_may_decide_anew() -> (
    None
):
    found = of_two_types()
    found.decide("status=lost")
    assert found.puts() == 1
    again = Desk(found.row, found.image())
    again.decide("status=winner")
    assert again.plain() == {"id": "p1", "status": "new", **REST}


def test_an_undecodable_record_is_decided_by_values_and_by_what_becomes_of_the_rest() -> None:
    _, winner = conflict()
    found = Desk(unknown_loss("u1"), winner)
    with pytest.raises(InvalidInput, match="all: must be decided, too: --take all=current"):
        found.decide("balance=current", values=('name="Ada"',))
    result = found.decide("all=current", values=('name="Ada"',))
    assert found.plain() == {"id": "p1", "name": "Ada", "balance": 11}
    assert result.merge.problem == "the row has no losing image"


@pytest.mark.parametrize("held", [None, "broken"], ids=["expired", "broken"])
def test_a_loss_whose_evidence_is_gone_is_decided_whole_and_its_row_says_so(
    held: str | None,
) -> None:
    _, winner = conflict()
    found, evidence = Desk(loss(None, winner), winner), FakeEvidence()
    reference = evidence.put("c1", held or "")
    if held is None:
        evidence.documents.clear()
    row = loss(None, None, images_ref=reference)
    found.case = open_case(row, found.items, evidence, FakeLedger())
    with pytest.raises(InvalidInput, match="all: must be decided, too: --take all=current"):
        found.decide("balance=current")
    result = found.decide("all=current")
    assert found.plain() == read(winner)
    assert reference in result.merge.problem
    assert reference in document(found.case, 9_000)["if_resolved_now"]["problem"]


def test_of_a_loss_whose_item_is_gone_each_attribute_must_be_decided() -> None:
    lost, _ = conflict()
    found = Desk(loss(lost, None, reason="ItemGone: gone"), None)
    with pytest.raises(InvalidInput, match="balance, tags: must be decided, too"):
        found.decide("name=lost")
    found.decide("name=lost", "balance=current", "tags=current")
    assert found.plain() == {"id": "p1", "name": "Ada"}


def test_of_a_loss_from_before_the_item_was_created_anew_each_attribute_must_be_decided() -> None:
    day = 86_400_000
    lost = written(increment("balance", 7), assign("name", "Ada"))
    anew = written(increment("balance", 5), at=3 * day)
    found = Desk(loss(lost, None, reason="ItemRecreated: once"), anew)
    with pytest.raises(InvalidInput, match="name: must be decided, too"):
        found.decide("balance=current")
    found.decide("all=current")
    assert found.plain() == {"id": "p1", "balance": 5}
    assert context_of(lost).within(context_of(found.image()))


def test_a_loss_of_unknown_history_is_decided_once_it_has_waited_in_vain() -> None:
    lost, winner = (written(increment("balance", 7), replica=each) for each in ("use1", "euw1"))
    anew = written(increment("balance", 5), replica="apse1")
    with pytest.raises(HistoryUnknown):
        Desk(loss(lost, winner, State.OPEN), anew).decide("all=current")
    found = Desk(loss(lost, winner, reason="HistoryUnknown: once"), anew)
    found.decide("all=current")
    assert found.plain() == {"id": "p1", "balance": 5}
    assert context_of(lost).within(context_of(found.image()))


def test_of_a_deleted_item_a_decision_takes_what_it_held() -> None:
    use1, euw1 = shared(assign("name", "old"), add("tags", "a"))
    lost, winner = use1.write(assign("name", 5), at=2_000), euw1.write(DELETE, at=3_000)
    found = Desk(loss(lost, winner), winner)
    found.decide("tags=current", "name=winner")
    assert found.plain() == {"id": "p1", "name": "old", "tags": {"a"}}


def test_an_image_that_a_row_does_not_have_cannot_be_taken() -> None:
    _, winner = conflict()
    for name in ("name", "all"):
        with pytest.raises(InvalidInput, match=f"{name}: this loss has no lost image"):
            Desk(unknown_loss("u1"), winner).decide(f"{name}=lost")


def test_a_record_whose_item_nobody_knows_can_only_be_closed() -> None:
    found = Desk(unknown_loss("u1", key={}), None)
    with pytest.raises(InvalidInput, match="--take all=current"):
        found.decide(values=("name=1",))
    assert found.decide("all=current").shown is None
    assert found.items.names() == []


def test_a_newer_releases_image_waits_for_that_release() -> None:
    lost, winner = conflict()
    newer = {**lost, METADATA: {"M": {**lost[METADATA]["M"], "v": {"N": "99"}}}}
    with pytest.raises(UnknownWireVersion):
        Desk(loss(newer, winner), winner).decide("name=lost")


def test_a_deletion_that_lost_can_be_taken_and_taking_the_update_undoes_it() -> None:
    use1, euw1 = shared(assign("name", "old"))
    lost, winner = use1.write(DELETE, at=2_000), euw1.write(assign("name", "Eve"), at=3_000)
    found = Desk(loss(lost, winner), winner)
    found.decide("all=lost")
    assert found.plain() is None
    revived = Desk(loss(lost, winner), found.image())
    revived.decide("all=winner")
    assert revived.plain() == {"id": "p1", "name": "Eve"}


def test_a_deleted_image_and_a_value_are_not_decided_together() -> None:
    use1, euw1 = shared(assign("name", "old"))
    lost, winner = use1.write(DELETE, at=2_000), euw1.write(assign("name", "Eve"), at=3_000)
    with pytest.raises(InvalidInput, match="the lost item is deleted, so name cannot"):
        Desk(loss(lost, winner), winner).decide("all=lost", values=("name=1",))


def test_an_item_that_a_decision_deletes_expires_by_the_tables_own_time_to_live() -> None:
    own = OTHER.model_copy(update={"ttl_attribute": "until"})
    use1, euw1 = shared(assign("name", "old"))
    use1.write(assign("status", 5), at=2_000, schema=own)
    lost = use1.write(DELETE, at=2_500, schema=own)
    winner = euw1.write(assign("status", "new"), at=3_000)
    found = Desk(loss(lost, winner, reason="TypeMismatch: once"), winner)
    found.decide("all=lost")
    assert found.plain() is None
    assert found.image()["until"] == found.image()[EXPIRY]


def test_an_item_that_is_gone_is_restored_by_taking_all_that_was_lost() -> None:
    lost, _ = conflict()
    found = Desk(loss(lost, None, reason="ItemGone: gone"), None)
    result = found.decide("all=lost")
    assert found.plain() == read(lost)
    assert context_of(found.image()).heads.keys() >= context_of(lost).heads.keys()
    assert result.merge.problem == ""


def test_an_item_that_is_gone_can_be_left_so() -> None:
    lost, _ = conflict()
    found = Desk(loss(lost, None), None)
    result = found.decide("all=current")
    assert (found.plain(), found.puts()) == (None, 0)
    assert result.merge.problem.startswith("ItemGone")


def test_an_item_that_came_back_in_the_meantime_is_merged_and_not_replaced() -> None:
    lost, winner = conflict()
    found = Desk(loss(lost, None), None)
    found.items.faults.append(lambda: found.items.place(winner))
    found.decide("all=lost", values=("city=1",))
    assert found.plain() == {**(read(lost) or {}), "city": 1}
    assert context_of(found.image()).heads.keys() > context_of(winner).heads.keys()


def test_an_item_that_was_put_anew_around_the_library_is_not_replaced_by_a_restore() -> None:
    lost, _ = conflict()
    found = Desk(loss(lost, None), {"id": {"S": "p1"}, "city": {"S": "Rome"}})
    merged = found.decide("all=lost").merge
    assert "city" in (read(merged.after) or {})
    assert found.plain() == read(lost)


# The row


def test_the_row_is_closed_with_who_decided_what_when_and_why() -> None:
    found = desk()
    decision = parse_decision(["name=lost"])
    row = resolved(found, found.decide("name=lost"), decision).image
    assert row["state"] == {"S": State.RESOLVED.value}
    assert (row["decided_by"], row["why"]) == ({"S": "ann"}, {"S": "a call"})
    assert row["decision"] == {"S": '{"name": {"take": "lost"}}'}
    assert row["decided_at_ms"] == row["state_at_ms"] == {"N": "10000"}
    assert row["expires"] == {"N": str(10 + RETENTION_SECONDS)}
    words = {"name": "overridden", "balance": "joined", "tags": "joined"}
    assert row["merged"] == {"M": {name: {"S": words[name]} for name in sorted(words)}}
    assert (row["lost"], row["winner"]) == (found.row.image["lost"], found.row.image["winner"])


def test_a_row_that_was_closed_with_the_same_decision_is_known() -> None:
    found = desk()
    decision = parse_decision(["name=lost"])
    row = resolved(found, found.decide("name=lost"), decision)
    assert is_decided(row, parse_decision(document='{"name": {"take": "lost"}}'))
    assert not is_decided(found.row, decision)


def test_a_row_that_was_closed_otherwise_is_refused_with_what_to_do() -> None:
    found = desk()
    row = resolved(found, found.decide("name=lost"), parse_decision(["name=lost"]))
    with pytest.raises(InvalidInput, match=r"decided by ann: .*write it with a write client"):
        is_decided(row, parse_decision(["name=winner"]))
    lost, winner = conflict()
    with pytest.raises(InvalidInput, match="merged, without a person"):
        is_decided(loss(lost, winner, State.RESOLVED), parse_decision(["name=winner"]))


def test_a_rehearsal_says_what_would_be_and_writes_nothing() -> None:
    found = desk()
    decision = parse_decision(["name=lost"], ["balance=2.5"])
    shown = rehearse(found.case, decision, "use1", 9_000).shown
    assert shown == {"id": "p1", "name": "Ada", "balance": Decimal("2.5"), "tags": {"b"}}
    assert found.puts() == 0


def test_the_row_of_a_decision_names_an_item_with_a_very_long_key() -> None:
    row = loss(None, None, key={"id": {"S": "é" * 1_000}})
    assert summary(decision_row(row, "{}"), 3_000)["key"] == {"id": "é" * 1_000}


# All of it


def region_of(found: Desk, ledger: FakeLedger) -> carrying_out.Desk:
    return carrying_out.Desk(found.items, ledger, found.open, "use1", lambda: 10_000)


ANSWER = Answer(parse_decision(["name=lost"]), "ann", "a call")


def test_a_decision_is_in_the_item_in_its_row_and_in_a_row_of_its_own() -> None:
    found, ledger = desk(), FakeLedger()
    result = decide(found.case, ANSWER, region_of(found, ledger))
    assert (found.plain() or {})["name"] == "Ada"
    assert result.shown == found.plain()
    told = [(call.name, call.about) for call in ledger.log]
    assert told == [("record", ("c1#decision",)), ("set_state", ("c1",))]
    rows = [Row.of(ledger.rows[name]) for name in ("c1", "c1#decision")]
    assert [row.state for row in rows] == [State.RESOLVED, State.DECIDED]
    assert {row.audit and row.audit.by for row in rows} == {"ann"}


def test_a_decision_whose_row_is_not_closed_is_given_again_and_writes_the_item_once() -> None:
    found, ledger = desk(), FakeLedger()
    ledger.refuses += [lambda _: set(), set]
    with pytest.raises(Unavailable, match="give the same decision again"):
        decide(found.case, ANSWER, region_of(found, ledger))
    after, puts = found.image(), found.puts()
    again = Desk(found.row, after)
    decide(again.case, ANSWER, region_of(again, ledger))
    assert (again.image(), again.puts(), puts) == (after, 0, 2)
    assert Row.of(ledger.rows["c1"]).state is State.RESOLVED


def test_closing_a_row_leaves_what_the_ledger_holds_of_its_loss_by_now() -> None:
    found, ledger = desk(), FakeLedger()
    ledger.record([found.row.kept_at("s3://parties-evidence/c1")])
    decide(found.case, ANSWER, region_of(found, ledger))
    row = Row.of(ledger.rows["c1"])
    assert (row.images_ref, row.lost, row.winner) == ("s3://parties-evidence/c1", None, None)
    assert row.state is State.RESOLVED
    assert row.audit == Row.of(ledger.rows["c1#decision"]).audit
    assert row.audit is not None


def test_a_decision_whose_own_row_is_not_written_does_not_close_the_loss() -> None:
    found, ledger = desk(), FakeLedger()
    ledger.record([found.row])
    ledger.refuses.append(set)
    with pytest.raises(Unavailable, match="give the same decision again"):
        decide(found.case, ANSWER, region_of(found, ledger))
    assert ledger.states() == [found.row.image["state"]["S"]]


def test_a_long_decision_stands_in_its_own_row_alone_and_is_known_again() -> None:
    found, ledger = desk(), FakeLedger()
    long = parse_decision(values=[f'note="{"x" * 100_000}"'])
    decide(found.case, Answer(long, "ann", "w" * 2_000), region_of(found, ledger))
    closed, kept = (Row.of(ledger.rows[name]) for name in ("c1", "c1#decision"))
    assert closed.image["decision"] == {"S": '{"kept in": "c1#decision"}'}
    assert is_decided(closed.with_audit_of(kept), long)


def test_a_decision_that_its_rehearsal_refuses_writes_nothing() -> None:
    found, ledger = desk(), FakeLedger()
    answer = Answer(parse_decision(values=['balance="many"']), "ann", "")
    with pytest.raises(InvalidInput):
        decide(found.case, answer, region_of(found, ledger))
    assert (found.puts(), ledger.rows) == (0, {})


def test_a_field_of_a_map_that_only_the_loss_has_keeps_its_type() -> None:
    lost = Replica("use1").write(add("profile.labels", "a"), at=1)
    now = Replica("euw1").write(assign("profile.city", "Rome"), at=2)
    schema = schema_of("parties", ["id"], lost, now)
    assert schema.type_at(("profile", "labels")) == "set_aw"
    assert schema.type_at(("profile", "city")) == "register_lww"


def test_an_item_of_named_writes_alone_has_the_types_that_they_tell() -> None:
    """Its loss said otherwise, and no decision could ever be written."""
    told = {"L": [{"S": "assign"}, {"S": "balance"}, {"N": "6"}]}
    who = {"by": {"S": "euw1"}, "at": {"N": "2"}, "id": {"S": "A" * 11}}
    now: Image = {
        "id": {"S": "p1"},
        "balance": {"N": "6"},
        "_rec_w": {"L": [{"M": {**who, "do": {"L": [told]}}}]},
    }
    schema = schema_of("parties", ["id"], Replica("use1").write(increment("balance", 1)), now)
    assert schema.type_at(("balance",)) == "register_lww"
