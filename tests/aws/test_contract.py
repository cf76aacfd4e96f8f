"""The ports' contract: what the core relies on holds for the adapters and the fakes alike."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from reconciler.aws.bus import EventBridgeBus
from reconciler.aws.clients import client
from reconciler.aws.evidence import S3Evidence
from reconciler.aws.items import DynamoItems
from reconciler.aws.ledger import DynamoLedger
from reconciler.aws.parked import SqsParked
from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.row import Audit, Row, State, item_key, ledger_row, resolved_row
from reconciler.conflict.verdict import Finding
from reconciler.errors import EvidenceExpired, Unavailable
from reconciler.item.filing import file
from reconciler.item.image import merge
from reconciler.item.image import write as written_image
from reconciler.item.metadata import METADATA, NAMES, with_token
from reconciler.item.restating import stated, with_names_filed
from reconciler.item.schema import Schema
from reconciler.local.provision import create_ledger
from reconciler.ports import (
    ConflictBus,
    EvidenceStore,
    ItemStore,
    Ledger,
    ParkedChanges,
    Replacement,
    Restatement,
    Superseded,
    Unheard,
)
from reconciler.values.wire import Image, canonical_image
from tests.aws.conftest import REGION
from tests.builders import Replica, add, assign, clock, increment, written
from tests.fakes import FakeBus, FakeEvidence, FakeItems, FakeLedger, FakeParked
from tests.named import named_on

KEY: Image = {"id": {"S": "p1"}}
RAW: Image = {**KEY, "name": {"S": "Ada"}, "tags": {"SS": ["a", "b"]}, "n": {"N": "1.5"}}
both = pytest.mark.parametrize("kind", ["fake", "aws"])


def make_table(name: str, *keys: str) -> Any:
    dynamodb = client("dynamodb", REGION, attempts=1)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    )
    return dynamodb


class Store:
    """An item store of either kind, and a way around it."""

    def __init__(self, kind: str, *keys: str) -> None:
        self.port: ItemStore
        self.place: Callable[[Image], Any]
        if kind == "fake":
            fake = FakeItems(*keys)
            self.port, self.place = fake, fake.place
        else:
            dynamodb = make_table("parties", *keys)
            self.port = DynamoItems("parties", dynamodb)
            self.place = lambda image: dynamodb.put_item(TableName="parties", Item=image)

    def current(self, identifier: str = "p1") -> Image | None:
        found = self.port.get({"id": {"S": identifier}})
        return canonical_image(found) if found is not None else None


@pytest.fixture
def store(kind: str, aws: None) -> Store:
    return Store(kind, "id")


def named(image: Image, identifier: str) -> Image:
    return {**image, "id": {"S": identifier}}


# Items


@both
def test_an_item_that_is_not_there_is_none(store: Store) -> None:
    assert store.current() is None


@both
def test_an_image_is_read_as_it_was_written(store: Store) -> None:
    image = written(
        assign("name", {"a": [b"\x00\xff", None, True, Decimal("1.50"), {"x", "y"}]}),
        add("tags", b"\x01", b"\x02"),
        increment("balance", Decimal("12345678901234567890.123456789012345678")),
    )
    assert store.port.put(Replacement(image, None)) is None
    assert store.current() == image


def check_refused(store: Store, write: Replacement, there: Image) -> None:
    """Fail unless the write is refused with the item that is there, which stays."""
    refusal = store.port.put(write)
    assert refusal is not None
    assert canonical_image(refusal.current or {}) == there
    assert store.current() == there


@both
def test_a_creation_is_refused_with_the_item_that_is_there(store: Store) -> None:
    there = written(assign("name", "Ada"))
    store.place(there)
    check_refused(store, Replacement(written(assign("name", "Eve")), None), there)


@both
def test_a_managed_item_is_replaced_if_it_is_the_one_that_was_read(store: Store) -> None:
    replica = Replica("use1")
    before = replica.write(assign("name", "Ada"))
    after = replica.write(increment("balance", 1))
    store.place(before)
    assert store.port.put(Replacement(after, before)) is None
    assert store.current() == after


@both
def test_a_managed_item_that_changed_is_refused_with_the_newer_one(store: Store) -> None:
    replica = Replica("use1")
    before = replica.write(assign("name", "Ada"))
    newer = replica.write(increment("balance", 1))
    store.place(newer)
    write = Replacement(Replica("use1", before).write(increment("balance", 2)), before)
    check_refused(store, write, newer)


@both
def test_a_managed_item_that_is_gone_is_refused_with_nothing(store: Store) -> None:
    before = written(assign("name", "Ada"))
    write = Replacement(Replica("use1", before).write(increment("balance", 2)), before)
    assert store.port.put(write) == Superseded(None)
    assert store.current() is None


@both
def test_a_managed_item_that_was_replaced_without_metadata_is_refused(store: Store) -> None:
    before = written(assign("name", "Ada"))
    store.place(RAW)
    write = Replacement(Replica("use1", before).write(increment("balance")), before)
    check_refused(store, write, RAW)


@both
def test_an_item_without_metadata_is_replaced_if_it_is_the_one_that_was_read(
    store: Store,
) -> None:
    store.place(RAW)
    image = Replica("use1", RAW).write(increment("balance", 1))
    assert store.port.put(Replacement(image, store.port.get(KEY))) is None
    assert store.current() == image


@both
@pytest.mark.parametrize(
    "newer",
    [
        {**RAW, "name": {"S": "Eve"}},
        {**RAW, "tags": {"SS": ["a", "c"]}},
        {**KEY, "name": {"S": "Ada"}},
        Replica("use1", RAW).write(increment("balance", 1)),
    ],
)
def test_an_item_without_metadata_that_changed_is_refused_with_the_newer_one(
    store: Store, newer: Image
) -> None:
    """It has no token: a condition on its being unmanaged alone wrote over the other writer."""
    store.place(newer)
    write = Replacement(Replica("use1", RAW).write(increment("balance", 2)), RAW)
    check_refused(store, write, newer)


@both
def test_an_item_without_metadata_is_replaced_by_one_without_it(store: Store) -> None:
    """What is merged by a version of the items' own has no metadata, before or after."""
    store.place(RAW)
    merged = {**RAW, "email": {"S": "ada@example.com"}}
    assert store.port.put(Replacement(merged, RAW)) is None
    assert store.current() == merged
    check_refused(store, Replacement(RAW, {**merged, "n": {"N": "2"}}), merged)


@both
def test_an_item_without_metadata_that_is_gone_is_refused(store: Store) -> None:
    write = Replacement(Replica("use1", RAW).write(increment("balance", 2)), RAW)
    assert store.port.put(write) == Superseded(None)


@both
def test_an_item_changed_again_around_the_library_while_it_is_adopted_is_refused(
    store: Store,
) -> None:
    """The token is the same, so a condition on it alone wrote over the second change."""
    read_as = {**written(assign("name", "Ada")), "name": {"S": "Bob"}}
    newer = {**read_as, "name": {"S": "Cleo"}}
    store.place(newer)
    check_refused(store, Replacement(merge(read_as, read_as), read_as), newer)
    assert store.port.put(Replacement(merge(newer, newer), newer)) is None


@both
def test_an_item_changed_around_the_library_since_it_was_read_is_replaced(store: Store) -> None:
    before = written(assign("name", "Ada"))
    store.place({**before, "name": {"S": "Bob"}})
    after = Replica("use1", before).write(increment("balance", 1))
    assert store.port.put(Replacement(after, before)) is None  # the stream tells of the other


@both
def test_an_item_without_metadata_may_have_hundreds_of_attributes(store: Store) -> None:
    wide = {**KEY, **{f"attribute-{n:03d}": {"S": "x"} for n in range(400)}}
    store.place(wide)
    image = written(assign("name", "Ada"))
    assert store.port.put(Replacement(image, wide)) is None


# Named writes that stand in an item


LISTED = named_on(written(assign("name", "Ada")), increment("balance", 5), number=1)
MORE = named_on(LISTED, increment("balance", 7), number=2)
OTHER = named_on(written(assign("name", "Ada")), increment("balance", 5), number=3)
FILED = {**LISTED, NAMES: {"L": []}}


@both
@pytest.mark.parametrize(
    ("read_as", "newer"),
    [
        (LISTED, MORE),
        (LISTED, OTHER),
        (MORE, LISTED),
        (written(assign("name", "Ada")), LISTED),
        (LISTED, written(assign("name", "Ada"))),
        (FILED, LISTED),
    ],
)
def test_a_replacement_is_refused_if_the_list_of_names_is_not_the_one_that_was_read(
    store: Store, read_as: Image, newer: Image
) -> None:
    """The token is the same, so a condition on it alone wrote over a named write."""
    store.place(newer)
    after = Replica("euw1", read_as).write(assign("note", "x"), at=9_000)
    check_refused(store, Replacement(after, read_as), newer)


@both
@pytest.mark.parametrize("image", [LISTED, FILED, named_on(RAW, increment("n", 5))])
def test_a_replacement_of_what_was_read_with_its_names_is_written(
    store: Store, image: Image
) -> None:
    store.place(image)
    read_as = store.port.get(KEY)
    after = Replica("euw1", image).write(assign("note", "x"), at=9_000)
    assert store.port.put(Replacement(after, read_as)) is None
    assert store.current() == after


@both
@pytest.mark.parametrize("before", [RAW, named_on(RAW, increment("n", 5))])
def test_an_item_without_metadata_that_was_named_in_since_is_refused(
    store: Store, before: Image
) -> None:
    newer = named_on(before, assign("name", "Ada"), number=9)
    store.place(newer)
    check_refused(
        store, Replacement(Replica("use1", before).write(add("tags", "c")), before), newer
    )


def restatement(image: Image, count: int) -> Restatement:
    filed = with_names_filed(image, count, KEY)
    assert filed is not None
    return Restatement(filed, image, count)


@both
@pytest.mark.parametrize("count", [1, 2])
def test_a_restatement_takes_names_off_the_front_while_others_are_added(
    store: Store, count: int
) -> None:
    write = restatement(MORE, count)
    newer = named_on(MORE, add("tags", "x"), number=4)
    store.place(newer)

    assert store.port.restate(write)

    left = newer[NAMES]["L"][count:]
    assert store.current() == {**newer, NAMES: {"L": left}, METADATA: write.image[METADATA]}


@both
def test_a_restatement_leaves_what_readers_see_alone(store: Store) -> None:
    touched = {**LISTED, "email": {"S": "raw"}, "name": {"S": "Eve"}}
    store.place(touched)
    write = restatement(LISTED, 1)

    assert store.port.restate(write)

    assert store.current() == {**touched, NAMES: {"L": []}, METADATA: write.image[METADATA]}


@both
@pytest.mark.parametrize(
    "newer",
    [
        pytest.param(OTHER, id="another name in front"),
        pytest.param({**MORE, NAMES: {"L": MORE[NAMES]["L"][1:]}}, id="filed already"),
        pytest.param(FILED, id="no name left"),
        pytest.param(written(assign("name", "Ada")), id="no list"),
        pytest.param(Replica("euw1", LISTED).write(assign("x", 1), at=9_000), id="written on"),
        pytest.param(with_token(MORE, "another"), id="other metadata"),
        pytest.param({n: v for n, v in MORE.items() if n != METADATA}, id="no metadata"),
    ],
)
def test_a_restatement_is_refused_if_the_metadata_or_a_name_in_front_is_another(
    store: Store, newer: Image
) -> None:
    store.place(newer)

    assert not store.port.restate(restatement(LISTED, 1))
    assert store.current() == newer


@both
def test_a_restatement_of_an_item_that_is_gone_makes_none(store: Store) -> None:
    assert not store.port.restate(restatement(LISTED, 1))
    assert store.current() is None


@both
def test_names_on_an_item_without_metadata_become_its_metadata(store: Store) -> None:
    image = named_on(named_on(RAW, increment("n", 5), number=1), add("tags", "c"), number=2)
    store.place(image)
    write = restatement(image, 1)

    assert store.port.restate(write)
    assert store.current() == {
        **image,
        NAMES: {"L": image[NAMES]["L"][1:]},
        METADATA: write.image[METADATA],
    }
    assert not store.port.restate(write)


@both
def test_a_fold_beside_names_states_metadata_alone(store: Store) -> None:
    image = stated(LISTED, file(written(assign("name", "Ada"))))
    store.place(MORE)

    assert store.port.restate(Restatement(image, LISTED))
    assert store.current() == {**MORE, METADATA: image[METADATA]}


# Transactions


def pair(balance: int = 1) -> list[Replacement]:
    image = written(increment("balance", balance))
    return [Replacement(named(image, each), None) for each in ("p1", "p2")]


@both
def test_a_transaction_writes_every_item(store: Store) -> None:
    assert store.port.put_all(pair()) is None
    assert store.current("p1") is not None
    assert store.current("p2") is not None


@both
def test_a_refused_transaction_writes_nothing_and_says_which_items_refused(store: Store) -> None:
    there = named(written(assign("name", "Eve")), "p2")
    store.place(there)
    refusals = store.port.put_all(pair())
    assert refusals is not None
    assert refusals[0] is None
    assert refusals[1] is not None
    assert canonical_image(refusals[1].current or {}) == there
    assert store.current("p1") is None


@both
def test_a_refused_transaction_says_that_an_item_is_gone(store: Store) -> None:
    before = written(assign("name", "Ada"))
    gone = Replacement(Replica("use1", before).write(increment("balance", 2)), before)
    refusals = store.port.put_all([gone])
    assert refusals == [Superseded(None)]


@both
def test_a_transaction_sent_again_is_harmless(store: Store) -> None:
    writes = pair()
    assert store.port.put_all(writes) is None
    first = store.current()
    assert store.port.put_all(writes) is None
    assert store.current() == first


# Queries


@pytest.fixture
def rows(kind: str, aws: None) -> Store:
    return Store(kind, "id", "at")


QUERY = {
    "KeyConditionExpression": "id = :id",
    "ExpressionAttributeValues": {":id": {"S": "p1"}},
}


@both
def test_a_query_goes_on_page_after_page_in_key_order(rows: Store) -> None:
    schema = Schema.of(table="parties", key=["id", "at"], attributes={})
    for number in (3, 0, 4, 1, 2):
        key = {"id": "p1", "at": f"t{number}"}
        stamp = clock(1_000, iter([number]))
        edits = [assign("name", f"n{number}")]
        rows.place(written_image(None, edits, key=key, schema=schema, replica="use1", clock=stamp))
    rows.place({"id": {"S": "p2"}, "at": {"S": "t0"}})
    found = list(rows.port.query({**QUERY, "Limit": 2}))
    assert [image["at"]["S"] for image in found] == ["t0", "t1", "t2", "t3", "t4"]


@both
def test_a_query_that_finds_nothing_yields_nothing(rows: Store) -> None:
    assert list(rows.port.query(QUERY)) == []


# The ledger


def event(number: int, *, size: int = 0) -> ConflictEvent:
    return ConflictEvent(
        conflict_id=f"c{number}",
        table="parties",
        key={"id": {"S": f"p{number}"}},
        finding=Finding.CONFLICT,
        ordering="CONCURRENT",
        role="home",
        region=REGION,
        replica="use1",
        lost_dots=(),
        sequence_number=str(number),
        lost_at_ms="1000",
        detected_at_ms="2000",
        lost={**KEY, "name": {"S": "x" * size}},
    )


def row(number: int, state: State = State.OPEN) -> Row:
    return ledger_row(event(number), state, 3_000)


def lost_at(number: int, lost_at_ms: int, size: int = 0) -> Row:
    told = event(number, size=size).model_copy(update={"lost_at_ms": str(lost_at_ms)})
    return ledger_row(told, State.OPEN, 3_000)


class Book:
    """A ledger of either kind, and what stands in it."""

    def __init__(self, kind: str) -> None:
        self.port: Ledger
        self.rows: Callable[[], list[Image]]
        if kind == "fake":
            fake = FakeLedger()
            self.port, self.rows = fake, lambda: list(fake.rows.values())
        else:
            dynamodb = client("dynamodb", REGION, attempts=1)
            create_ledger(dynamodb, "ledger")
            self.port = DynamoLedger("ledger", dynamodb, FakeEvidence, Unheard().note)
            self.rows = lambda: dynamodb.scan(TableName="ledger")["Items"]

    def states(self) -> dict[str, str]:
        return {each["conflict_id"]["S"]: each["state"]["S"] for each in self.rows()}


@pytest.fixture
def book(kind: str, aws: None) -> Book:
    return Book(kind)


@both
def test_any_number_of_rows_is_written(book: Book) -> None:
    assert book.port.record([row(number) for number in range(60)]) == set()
    assert len(book.rows()) == 60


@both
def test_no_rows_are_no_work(book: Book) -> None:
    assert book.port.record([]) == set()
    assert book.rows() == []


@both
def test_of_two_rows_with_one_id_in_one_call_the_later_stands(book: Book) -> None:
    assert book.port.record([row(1), row(2), row(1, State.RESOLVED)]) == set()
    assert book.states() == {"c1": "RESOLVED", "c2": "OPEN"}


@both
def test_a_row_replaces_the_row_of_the_same_id(book: Book) -> None:
    book.port.record([row(1)])
    book.port.record([row(1, State.RESOLVED)])
    assert book.states() == {"c1": "RESOLVED"}


@both
def test_closing_a_row_leaves_what_it_holds_of_its_loss(book: Book) -> None:
    book.port.record([row(1)])
    other = event(1).model_copy(update={"lost": {"id": {"S": "forged"}}, "sequence_number": "9"})
    reason = "decided"
    closed = ledger_row(other, State.RESOLVED, 5_000, reason)
    assert book.port.set_state([closed]) == set()
    (kept,) = book.rows()
    assert canonical_image(kept) == row(1).in_state_of(closed).image
    assert (kept["lost"], kept["reason"]) == (row(1).image["lost"], {"S": reason})
    assert book.port.set_state([row(1)]) == set()
    assert [canonical_image(each) for each in book.rows()] == [canonical_image(row(1).image)]


@both
def test_closing_a_row_with_a_decision_says_whose_it_was_and_a_later_closing_leaves_that(
    book: Book,
) -> None:
    book.port.record([row(1)])
    said = Audit("ann", '{"all": {"take": "lost"}}', "a call", 4_000)
    decided = resolved_row(row(1), said, "decided", {"name": "kept"})
    assert book.port.set_state([decided]) == set()
    (kept,) = book.rows()
    assert canonical_image(kept) == decided.image
    assert book.port.set_state([row(1, State.RESOLVED)]) == set()
    (kept,) = book.rows()
    assert Row.of(kept).audit == said


@both
def test_closing_a_loss_that_has_no_row_any_more_writes_it_whole(book: Book) -> None:
    assert book.port.set_state([row(1, State.RESOLVED)]) == set()
    assert [canonical_image(e) for e in book.rows()] == [row(1, State.RESOLVED).image]


@both
def test_a_row_is_read_back_as_it_was_written(book: Book) -> None:
    book.port.record([row(1)])
    assert [canonical_image(each) for each in book.rows()] == [canonical_image(row(1).image)]


@both
def test_the_rows_of_one_item_are_found_together_and_no_others(book: Book) -> None:
    other = event(1).model_copy(update={"conflict_id": "c9"})
    book.port.record([row(1), row(2), ledger_row(other, State.PARKED, 3_000)])

    found = book.port.rows_of(item_key(event(1).key))

    assert sorted(each.conflict_id for each in found) == ["c1", "c9"]


@both
def test_the_rows_of_an_item_with_the_longest_key_are_written_and_found(book: Book) -> None:
    key = {"pk": {"S": "é" * 900}, "sk": {"S": "s" * 1_000}}
    long = event(1).model_copy(update={"conflict_id": "c9", "key": key})

    assert book.port.record([row(1), ledger_row(long, State.OPEN, 3_000)]) == set()
    assert [each.conflict_id for each in book.port.rows_of(item_key(key))] == ["c9"]


@both
def test_the_rows_in_a_state_come_whole_and_the_oldest_loss_first(book: Book) -> None:
    book.port.record([lost_at(1, 20_000), lost_at(2, 3_000), lost_at(3, 100_000)])

    found = list(book.port.in_state(State.OPEN))

    assert [each.conflict_id for each in found] == ["c2", "c1", "c3"]
    assert canonical_image(found[0].image) == canonical_image(lost_at(2, 3_000).image)


@both
def test_the_rows_in_a_state_are_found_page_after_page(book: Book) -> None:
    """Four rows of this size are more than the megabyte that one page holds."""
    for number in range(4):
        book.port.record([lost_at(number, 1_000 + number, size=290_000)])

    found = [each.conflict_id for each in book.port.in_state(State.OPEN)]

    assert found == ["c0", "c1", "c2", "c3"]


@both
def test_a_row_is_found_in_its_newest_state_only(book: Book) -> None:
    book.port.record([row(1), row(2)])
    book.port.record([row(1, State.RESOLVED)])

    found = {state: list(book.port.in_state(state)) for state in State}

    assert {s.value: [r.conflict_id for r in rows] for s, rows in found.items() if rows} == {
        "OPEN": ["c2"],
        "RESOLVED": ["c1"],
    }


# Evidence and parked changes


class Safe:
    """An evidence store and a parking place of either kind."""

    def __init__(self, kind: str) -> None:
        self.evidence: EvidenceStore
        self.parked: ParkedChanges
        self.messages: Callable[[], list[dict[str, Any]]]
        if kind == "fake":
            parked = FakeParked()
            self.evidence, self.parked = FakeEvidence(), parked
            self.messages = lambda: parked.documents
            return
        s3, sqs = client("s3", REGION), client("sqs", REGION)
        s3.create_bucket(Bucket="evidence")
        url = sqs.create_queue(QueueName="parked", Attributes={"MaximumMessageSize": "1048576"})[
            "QueueUrl"
        ]
        self.evidence = S3Evidence("evidence", s3)
        self.parked = SqsParked(url, sqs, self.evidence)
        self.messages = lambda: [
            json.loads(message["Body"])
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        ]


@pytest.fixture
def safe(kind: str, aws: None) -> Safe:
    return Safe(kind)


@both
def test_evidence_is_read_back_as_it_was_kept(safe: Safe) -> None:
    document = json.dumps({"lost": {"name": {"S": "Zoë \u0000 \U0001f600"}}}, ensure_ascii=False)
    reference = safe.evidence.put("c1", document)
    assert safe.evidence.get(reference) == document


@both
def test_evidence_of_one_name_is_kept_once_under_one_reference(safe: Safe) -> None:
    assert safe.evidence.put("c1", "{}") == safe.evidence.put("c1", "{}")


@both
def test_evidence_that_is_not_there_any_more_is_told_from_a_store_that_refuses(safe: Safe) -> None:
    reference = safe.evidence.put("c1", "{}").replace("c1", "c2")
    with pytest.raises(EvidenceExpired, match="c2"):
        safe.evidence.get(reference)


def test_a_store_that_refuses_may_take_it_back(aws: None) -> None:
    evidence = S3Evidence("no-such-bucket", client("s3", REGION))
    with pytest.raises(Unavailable):
        evidence.get("s3://no-such-bucket/conflicts/c1.json")


@both
def test_a_parked_change_is_kept_whole(safe: Safe) -> None:
    document = {"reason": "Undecodable: \u0000", "record": {"dynamodb": {"Keys": KEY}}}
    safe.parked.park(document)
    assert safe.messages() == [document]


def test_a_parked_change_too_large_for_a_message_goes_to_the_evidence(aws: None) -> None:
    safe = Safe("aws")
    document = {"reason": "TypeMismatch: name", "record": "x" * 1_100_000}
    safe.parked.park(document)
    (message,) = safe.messages()
    assert message["reason"] == "TypeMismatch: name"
    assert json.loads(safe.evidence.get(message["document_ref"])) == document


# The bus


@both
def test_events_that_the_bus_accepts_are_none_of_the_unsent(kind: str, aws: None) -> None:
    bus: ConflictBus = FakeBus()
    if kind == "aws":
        events = client("events", REGION)
        events.create_event_bus(Name="conflicts")
        bus = EventBridgeBus("conflicts", events, lambda _: "", Unheard().note)
    assert bus.publish([event(number) for number in range(23)]) == set()
    assert bus.publish([]) == set()
