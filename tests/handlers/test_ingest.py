"""The ingest function, from an object in a bucket to items, a job and its rejects."""

import gzip
import json
import logging
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import pytest

from handlers import ingest
from handlers.settings import function_settings
from reconciler.aws import connect, incarnation
from reconciler.aws.clients import client
from reconciler.aws.ingest_queue import SqsPartQueue
from reconciler.aws.items import DynamoItems
from reconciler.aws.new_items import DynamoNewItems
from reconciler.deployment.wiring import function_environment
from reconciler.errors import InvalidInput, Unavailable
from reconciler.ingest import ingester
from reconciler.ingest.ingester import Bounds
from reconciler.ingest.jobs import JobState, errors_of
from reconciler.ingest.outside import Facts
from reconciler.item.image import merge, read
from reconciler.item.schema import Schema
from reconciler.ports import Replacement, Superseded
from reconciler.values.wire import Image, to_wire
from tests.aws.conftest import REGION
from tests.handlers.conftest import Context, metrics
from tests.handlers.test_resolve import message
from tests.ingest.region import IngestRegion

OTHER = "eu-west-1"
DEFINITION: dict[str, Any] = {
    "table": "parties",
    "key": ["id"],
    "attributes": {"points": "counter_pn", "tags": "set_aw", "active": "flag_ew"},
}
PARTIES, SCHEMA = Schema.of(**DEFINITION), json.dumps(DEFINITION)
DONE, WITH_REJECTS, FAILED = JobState.DONE, JobState.DONE_WITH_REJECTS, JobState.FAILED
SMALL = Bounds(range_bytes=200, lines=1_000)


@pytest.fixture
def region(aws: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch) -> IngestRegion:
    monkeypatch.setenv("RECONCILER_SCHEMA", SCHEMA)
    monkeypatch.delenv("RECONCILER_TRACING", raising=False)
    monkeypatch.setattr(incarnation, "incarnation_of", lambda _: "")
    made = IngestRegion(REGION)
    enter(made, monkeypatch)
    return made


def enter(region: IngestRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the function be that of a region, in a new process."""
    environment = function_environment(region.names, parked_queue_url=region.parked_url)
    for name, value in {**environment, "AWS_REGION": region.names.region}.items():
        monkeypatch.setenv(name, value)
    function_settings.cache_clear()
    ingest._function.cache_clear()


def bound(monkeypatch: pytest.MonkeyPatch, bounds: Bounds) -> None:
    """Let objects be split into smaller parts."""
    monkeypatch.setattr(ingester.Ingester.__init__, "__defaults__", (bounds,))


def deliver(body: str, receives: int = 1) -> bool:
    """Deliver a message; return whether it is done."""
    record = message(body)
    record["attributes"]["ApproximateReceiveCount"] = str(receives)
    answer = ingest.handler({"Records": [record]}, Context())
    assert answer in ({"batchItemFailures": []}, {"batchItemFailures": [{"itemIdentifier": "m1"}]})
    return not answer["batchItemFailures"]


def lines(*items: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in items)


def parties(count: int) -> bytes:
    return lines(*({"id": f"p{number}", "points": number} for number in range(count)))


def test_the_lines_of_an_object_are_written_and_its_job_says_so(region: IngestRegion) -> None:
    created = region.put("a.jsonl", lines({"id": "p1", "points": 5, "tags": ["a"]}, {"id": "p2"}))

    region.work_off(deliver, created)

    assert region.shown() == {"id": "p1", "points": 5, "tags": {"a"}}
    assert region.counts() == (WITH_REJECTS, 2, 1, 0, 1)
    job = region.job()
    assert job.received_at_ms <= (job.began_at_ms or 0) <= (job.finished_at_ms or 0)


ADA = {"id": "p1", "points": 5, "name": "Ada"}
EVE = {"id": "p2", "points": 6, "name": "Eve, \n the second"}
CSV = b'id,points,name\np1,5,Ada\np2,6,"Eve, \n the second"\n'
EXPORT = [
    {"Item": {name: to_wire(value, ()) for name, value in each.items()}} for each in (ADA, EVE)
]
OF_WINDOWS = b"\xef\xbb\xbf" + CSV.replace(b"Ada\n", b"Ada\r\n").rstrip(b"\n")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", CSV),
        ("of-windows.csv", OF_WINDOWS),
        ("a.csv.gz", gzip.compress(CSV)),
        ("a.ndjson.gz", gzip.compress(lines(ADA, EVE))),
        ("AWSDynamoDB/01-a/data/x.json.gz", gzip.compress(lines(*EXPORT))),
    ],
    ids=["csv", "csv of Windows", "csv.gz", "ndjson.gz", "export"],
)
def test_every_form_of_an_object_means_the_same(
    region: IngestRegion, name: str, data: bytes
) -> None:
    region.work_off(deliver, region.put(name, data))

    assert (region.shown("p1"), region.shown("p2")) == (ADA, EVE)
    assert region.counts() == (DONE, 2, 2, 0, 0)


def test_an_object_delivered_twice_and_each_of_its_ranges_too_counts_once(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound(monkeypatch, SMALL)
    created = region.put("a.jsonl", parties(40))
    messages = region.work_off(deliver, created, created)
    before, job = [region.item(f"p{n}") for n in range(40)], region.job()
    assert len(region.parts()) > 3
    assert region.counts() == (DONE, 40, 40, 0, 0)

    region.work_off(deliver, *messages, *messages)

    assert [region.item(f"p{n}") for n in range(40)] == before
    assert region.job() == job


def test_what_others_wrote_since_is_not_taken_back_by_a_message_that_comes_again(
    region: IngestRegion,
) -> None:
    """Assigning elements that stand already once spent no key."""
    table = connect(PARTIES, region=REGION)
    table.apply({"id": "p1"}, lambda item: item.add("tags", "a"))
    created = region.put("a.jsonl", lines({"id": "p1", "tags": ["a"]}))
    region.work_off(deliver, created)
    table.apply({"id": "p1"}, lambda item: item.add("tags", "b"))
    region.dynamodb.delete_item(
        TableName=region.names.jobs,
        Key={"job": {"S": region.job().id}, "part": {"S": region.parts()[0].name}},
    )
    region.dynamodb.delete_item(
        TableName=region.names.jobs, Key={"job": {"S": region.job().id}, "part": {"S": "job"}}
    )

    region.work_off(deliver, created)

    assert region.shown()["tags"] == {"a", "b"}
    assert region.counts() == (DONE, 1, 0, 1, 0)


def test_lines_of_new_items_are_written_many_in_a_call_and_those_that_come_again_in_none(
    region: IngestRegion,
) -> None:
    calls: list[str] = []
    created = region.put("a.jsonl", parties(120))
    assert deliver(created)
    (part,) = region.waiting()
    asked = client("dynamodb", REGION, attempts=1).meta.events
    asked.register("before-send.dynamodb", lambda event_name, **_: calls.append(event_name))

    assert deliver(part)

    names = [each.rpartition(".")[2] for each in calls]
    assert names.count("BatchGetItem") == 2
    assert names.count("BatchExecuteStatement") == 5
    assert "PutItem" not in names
    assert region.counts() == (DONE, 120, 120, 0, 0)

    calls.clear()
    region.forget_jobs()
    region.work_off(deliver, created)

    names = [each.rpartition(".")[2] for each in calls]
    assert {"BatchExecuteStatement", "PutItem", "GetItem"} & set(names) == set()
    assert region.counts() == (DONE, 120, 0, 120, 0)


def test_a_line_whose_item_came_meanwhile_is_written_on_what_stands_there(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked for in a batch it was not there, and inserted it would have lost what came."""
    images = DynamoNewItems.images

    def then_comes(self: DynamoNewItems, keys: Sequence[Image]) -> Sequence[Image | None]:
        found = images(self, keys)
        table = connect(PARTIES, region=REGION)
        table.apply({"id": "p1"}, lambda item: item.add("tags", "came meanwhile"))
        return found

    monkeypatch.setattr(DynamoNewItems, "images", then_comes)
    region.work_off(deliver, region.put("a.jsonl", parties(3)))

    assert region.shown("p1") == {"id": "p1", "points": 1, "tags": {"came meanwhile"}}
    assert region.counts() == (DONE, 3, 3, 0, 0)


def test_where_batches_are_refused_lines_are_written_one_by_one(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any) -> Any:
        raise Unavailable("AccessDeniedException")

    for call in ("images", "insert"):
        with monkeypatch.context() as patch:
            patch.setattr(DynamoNewItems, call, refuses)
            region.work_off(deliver, region.put(f"{call}.jsonl", lines({"id": call, "points": 5})))
        assert region.shown(call)["points"] == 5


@contextmanager
def dying_after(writes: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the function die once it has made so many writes."""
    left, lock = [writes], Lock()
    put, insert = DynamoItems.put, DynamoNewItems.insert

    def take(wanted: int) -> int:
        """Return how many writes are still made of so many."""
        with lock:
            taken = min(wanted, left[0])
            left[0] -= taken
            return taken

    def dies(self: DynamoItems, write: Replacement) -> Superseded | None:
        if not take(1):
            raise KeyboardInterrupt
        return put(self, write)

    def dies_within(self: DynamoNewItems, images: Sequence[Image]) -> Sequence[bool]:
        taken = take(len(images))
        written = insert(self, images[:taken]) if taken else []
        if taken < len(images):
            raise KeyboardInterrupt
        return written

    threads = ingest._function()[1]._writing._threads
    with monkeypatch.context() as patch:
        patch.setattr(DynamoItems, "put", dies)
        patch.setattr(DynamoNewItems, "insert", dies_within)
        yield
        threads.shutdown()  # they die with it


@pytest.mark.parametrize("writes", [0, 1, 7, 19, 24])
def test_a_range_that_dies_half_way_and_comes_again_counts_each_line_once(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    data = lines(
        *({"id": f"p{n % 10}", "points": n} for n in range(20)),
        *({"id": f"new{n}", "points": n} for n in range(5)),
    )
    assert deliver(region.put("a.jsonl", data))
    (part,) = region.waiting()
    with dying_after(writes, monkeypatch), pytest.raises(KeyboardInterrupt):
        deliver(part)
    assert region.job().state is JobState.RUNNING
    ingest._function.cache_clear()

    assert deliver(part, 2)

    assert [region.shown(f"p{n}")["points"] for n in range(10)] == list(range(10, 20))
    assert [region.shown(f"new{n}")["points"] for n in range(5)] == list(range(5))
    state, counted, written, repeated, rejected = region.counts()
    assert (state, counted, written + repeated, rejected) == (DONE, 25, 25, 0)
    assert repeated == writes


@pytest.mark.parametrize("packed", [False, True])
def test_work_that_is_too_much_for_one_go_goes_on_in_another_message(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    bound(monkeypatch, Bounds(lines=7))
    data = parties(30) + b"bad\n"
    created = region.put("a.jsonl", gzip.compress(data) if packed else data)

    messages = region.work_off(deliver, created)
    region.work_off(deliver, *reversed(messages))

    assert region.counts() == (WITH_REJECTS, 31, 30, 0, 1)
    assert [part.counts.lines for part in region.parts()] == [7, 7, 7, 7, 3]
    assert [number for number, _ in errors_of(region.parts())] == [31]


def test_a_part_is_asked_for_when_the_lines_before_it_are_written(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written at once with those behind it, an item's earlier line could have been the last."""
    bound(monkeypatch, Bounds(lines=3))
    written: list[Any] = []
    send = SqsPartQueue.send

    def asks(self: SqsPartQueue, tasks: Any) -> None:
        written.append(region.shown().get("name"))
        send(self, tasks)

    monkeypatch.setattr(SqsPartQueue, "send", asks)
    data = lines(*({"id": "p1", "name": number} for number in range(8)))

    region.work_off(deliver, region.put("a.jsonl", data))

    assert written == [None, 2, 5]
    assert region.shown()["name"] == 7


def test_the_same_object_in_two_regions_counts_once_when_their_images_are_merged(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = IngestRegion(OTHER)
    connect(PARTIES, region=REGION).apply({"id": "p1"}, lambda item: item.increment("points", 100))
    for number in range(3):  # what both replicas have before the link between them breaks
        image = region.item(f"p{number}")
        if image is not None:
            other.dynamodb.put_item(TableName="parties", Item=image)
    data = lines(
        *({"id": f"p{n}", "points": 110 + n, "tags": [f"t{n}"]} for n in range(3)),
        {"id": "p1", "points": 150},
    )
    created = region.put("a.jsonl", data), other.put("a.jsonl", data)
    while region.modified("a.jsonl") != other.modified("a.jsonl"):  # as S3's replication keeps it
        created = region.put("a.jsonl", data), other.put("a.jsonl", data)

    region.work_off(deliver, created[0])
    enter(other, monkeypatch)
    other.work_off(deliver, created[1])

    merged = [merge(region.item(f"p{n}") or {}, other.item(f"p{n}") or {}) for n in range(3)]
    assert [(read(each) or {})["points"] for each in merged] == [110, 150, 112]
    assert [(read(each) or {})["tags"] for each in merged] == [{"t0"}, {"t1"}, {"t2"}]
    assert region.counts() == other.counts() == (DONE, 4, 4, 0, 0)
    assert region.job().id == other.job().id


def test_a_region_that_has_the_other_ones_writes_already_repeats_them(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = IngestRegion(OTHER)
    data = parties(3)
    created = region.put("a.jsonl", data), other.put("a.jsonl", data)
    while region.modified("a.jsonl") != other.modified("a.jsonl"):
        created = region.put("a.jsonl", data), other.put("a.jsonl", data)
    region.work_off(deliver, created[0])
    for number in range(3):
        other.dynamodb.put_item(TableName="parties", Item=region.item(f"p{number}"))
    enter(other, monkeypatch)

    other.work_off(deliver, created[1])

    assert other.counts() == (DONE, 3, 0, 3, 0)
    assert other.item("p1") == region.item("p1")


BAD = [
    b"not json",
    b'{"id": "p9"',
    b"\xff\xfe",
    b'{"name": "no key"}',
    b'{"id": "p9", "points": "five"}',
    b'{"id": "p9", "points": 1e200}',
    b'{"id": "p9", "active": "yes"}',
    b'{"id": "p9", "tags": {"a": 1}}',
    b'{"id": "p9", "tags": []}',
    b'{"id": "p9", "_rec": {"v": 1}}',
    b'{"id": "p9", "name": "\\ud800"}',
    b'{"id": "p9", "\\ud800": 1}',
    b'{"id": "p9", "map": {"\\ud800": 1}}',
    b'{"Item": {"id": {"S": "p9"}, "\\ud800": {"N": "1"}}}',
    b'{"id": {"S": "p9"}, "name": 1}',
    b'{"id": "p9", "name": "' + b"x" * 500_000 + b'"}',
    b'{"id": "p9", "deep": ' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"id": 7, "name": "a key of another kind"}',
]


@pytest.mark.parametrize("bad", BAD, ids=lambda each: repr(each)[:40])
def test_a_bad_line_is_rejected_with_its_reason_and_its_neighbours_are_written(
    region: IngestRegion, bad: bytes
) -> None:
    data = lines({"id": "p1", "points": 1}) + bad + b"\n" + lines({"id": "p2", "points": 2})

    region.work_off(deliver, region.put("a.jsonl", data))

    assert region.counts() == (WITH_REJECTS, 3, 2, 0, 1)
    assert (region.shown("p1")["points"], region.shown("p2")["points"]) == (1, 2)
    assert region.item("p9") is None
    (reject,) = region.rejects()
    [(number, error)] = errors_of(region.parts())
    assert (number, error.line, error.at) == (2, 2, data.index(bad))
    assert (reject["line"], reject["at"], reject["reason"]) == (2, error.at, error.reason)
    assert len(error.reason) <= 500
    assert "base64" in reject or reject["text"].encode() == bad


def test_the_first_hundred_errors_are_in_the_job_and_all_are_in_the_rejects(
    region: IngestRegion,
) -> None:
    region.work_off(deliver, region.put("a.jsonl", b"bad\n" * 150))

    assert region.counts() == (WITH_REJECTS, 150, 0, 0, 150)
    assert [number for number, _ in errors_of(region.parts())] == list(range(1, 101))
    assert [each["line"] for each in region.rejects()] == list(range(1, 151))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz", "a.csv.gz"])
def test_whatever_bytes_of_an_object_are_broken_its_job_ends_and_no_neighbour_is_missed(
    region: IngestRegion, name: str
) -> None:
    drawn = random.Random(name)
    rows = [f"p{n},{n},name {n}" for n in range(12)]
    good = parties(12) if "json" in name else "\n".join(["id,points,name", *rows, ""]).encode()
    header = 0 if "json" in name else good.index(b"\n") + 1
    for number in range(25):
        data = bytearray(good)
        for _ in range(drawn.randint(1, 4)):
            data[drawn.randrange(header, len(data))] = drawn.randrange(256)
        whole = gzip.compress(bytes(data)) if name.endswith(".gz") else bytes(data)
        if name.endswith(".gz") and number % 2:
            whole = whole[: drawn.randrange(4, len(whole))]
        region.work_off(deliver, region.put(f"{number}/{name}", whole))
        job = next(iter(region.jobs.latest(1)))
        counts = job.counts
        assert job.state in (DONE, WITH_REJECTS, FAILED)
        assert counts.lines == counts.written + counts.repeated + counts.rejected
        if job.state is not FAILED:
            assert counts.written >= 12 - 8


def test_a_table_that_does_not_answer_brings_the_message_back_and_then_its_part_failed(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver(region.put("a.jsonl", parties(3)))
    (part,) = region.waiting()

    def refuses(*_: Any) -> None:
        raise Unavailable("throttled")

    with monkeypatch.context() as patch:
        patch.setattr(DynamoItems, "get", refuses)
        patch.setattr(DynamoNewItems, "images", refuses)
        patch.setattr("reconciler.client.sending.Sender.pause", lambda *_: None)
        assert not deliver(part, 1)
        assert not deliver(part, 2)
        assert region.job().state is JobState.RUNNING
        assert not deliver(part, 3)
    assert region.job().state is FAILED
    assert region.parts()[0].reason == "Unavailable: throttled"

    assert deliver(part, 1)

    assert region.counts() == (DONE, 3, 3, 0, 0)


def test_an_overwritten_object_has_a_job_of_its_own_and_the_first_one_says_what_happened(
    region: IngestRegion,
) -> None:
    first = region.put("a.jsonl", parties(1))
    second = region.put("a.jsonl", parties(2))

    region.work_off(deliver, first, second)

    states = {job.state: job for job in region.jobs.latest(10)}
    assert states.keys() == {DONE, FAILED}
    assert "overwritten" in states[FAILED].reason
    assert region.shown("p1")["points"] == 1


def test_a_version_is_read_although_the_object_was_overwritten_or_deleted(
    aws: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SCHEMA", SCHEMA)
    region = IngestRegion(REGION, versions=True)
    enter(region, monkeypatch)
    created = region.put("a.jsonl", parties(2))
    region.put("a.jsonl", b"other")
    region.s3.delete_object(Bucket=region.names.ingest_bucket, Key="a.jsonl")

    region.work_off(deliver, created)

    assert region.counts() == (DONE, 2, 2, 0, 0)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.parquet", b"PAR1", "does not tell what its lines are"),
        ("a", b"{}", "does not tell what its lines are"),
        ("a.csv", b"name\nAda\n", "the header must name the key: id is missing"),
        ("a.csv", b"", "the header must name the key: id is missing"),
        ("a.csv", b'"id\n', "the header is no row of CSV"),
        ("a.csv.gz", b"\x1f\x8bnonsense", "no gzip"),
    ],
)
def test_an_object_that_cannot_be_ingested_has_a_failed_job_that_says_why(
    region: IngestRegion, name: str, data: bytes, reason: str
) -> None:
    assert region.work_off(deliver, region.put(name, data))
    assert region.job().state is FAILED
    assert reason in region.job().reason


def test_an_object_that_is_older_than_keys_live_is_refused(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = region.put("a.jsonl", parties(1))
    monkeypatch.setattr(
        "reconciler.aws.ingest_objects.Facts", lambda size, at: Facts(size, at - 86_460_000)
    )
    region.work_off(deliver, created)
    assert region.job().state is FAILED
    assert region.job().reason.startswith("KeyExpired: the object is older than")
    assert region.item("p0") is None


@pytest.mark.parametrize("is_versioned", [False, True])
@pytest.mark.parametrize("folder", ["AWSDynamoDB/01-a", "of/2026/AWSDynamoDB/01-a"])
def test_an_export_is_begun_by_its_manifest_and_once_by_that_and_its_files_own_messages(
    region: IngestRegion, folder: str, is_versioned: bool
) -> None:
    if is_versioned:
        status = {"Status": "Enabled"}
        region.s3.put_bucket_versioning(
            Bucket=region.names.ingest_bucket, VersioningConfiguration=status
        )
    files = {f"{folder}/data/{n}.json.gz": gzip.compress(lines(EXPORT[n])) for n in range(2)}
    own = [region.put(name, data) for name, data in files.items()]
    etags = [json.loads(each)["detail"]["object"]["etag"] for each in own]
    listed = [
        {"itemCount": 1, "etag": etag, "dataFileS3Key": name}
        for name, etag in zip(files, etags, strict=True)
    ]
    assert region.work_off(deliver, region.put(f"{folder}/manifest-summary.json", lines({})))
    assert list(region.jobs.latest(10)) == []

    region.work_off(deliver, region.put(f"{folder}/manifest-files.json", lines(*listed)))

    assert (region.shown("p1"), region.shown("p2")) == (ADA, EVE)
    before = list(region.jobs.latest(10))
    assert [(job.state, job.counts.written) for job in before] == [(DONE, 1)] * 2

    region.work_off(deliver, *own)

    assert list(region.jobs.latest(10)) == before


def test_a_manifest_that_is_broken_is_parked_and_one_whose_file_is_another_by_now_comes_back(
    region: IngestRegion,
) -> None:
    name = "AWSDynamoDB/01-a/manifest-files.json"
    assert deliver(region.put(name, b"no manifest"))
    assert "a line of it is broken" in region.parked()[0]["reason"]

    region.put("AWSDynamoDB/01-a/data/a.json", parties(1))
    other = {"etag": "other", "dataFileS3Key": "AWSDynamoDB/01-a/data/a.json"}
    assert not deliver(region.put(name, lines(other)))
    assert not deliver(region.put(name, lines({**other, "dataFileS3Key": "gone.json"})))


CUT = "id,points,name\r\n" + "".join(
    f'p{n},{n},"é{n}, ""quoted"",\r\n and so on 日本"\r\n' for n in range(12)
)
NAMES = [f'é{n}, "quoted",\r\n and so on 日本' for n in range(12)]


@pytest.mark.parametrize("packing", ["csv", "csv.gz", "jsonl", "jsonl.gz"])
@pytest.mark.parametrize("most", [1, 2, 5])
def test_wherever_an_object_is_cut_each_line_is_whole_and_counts_once(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch, packing: str, most: int
) -> None:
    """Letters of several bytes, line ends of Windows, and line ends inside quotes."""
    bound(monkeypatch, Bounds(range_bytes=most * 7, lines=most))
    monkeypatch.setattr("reconciler.ingest.unpacking.PIECE_BYTES", 11)
    said = [{"id": f"p{n}", "points": n, "name": name} for n, name in enumerate(NAMES)]
    of_json = "".join(json.dumps(each, ensure_ascii=False) + "\r\n" for each in said)
    data = (CUT if "csv" in packing else of_json).encode() + b"bad"
    data = gzip.compress(data) if packing.endswith("gz") else data

    region.work_off(deliver, region.put(f"a.{packing}", data))

    assert region.counts() == (WITH_REJECTS, 13, 12, 0, 1)
    assert len(region.parts()) >= 12 // most
    assert [region.shown(f"p{n}") for n in range(12)] == said
    [(number, _)] = errors_of(region.parts())
    assert number == (26 if "csv" in packing else 13)


@pytest.mark.parametrize("name", ["rejects/x/part-0.jsonl", "folder/", "AWSDynamoDB/manifest.json"])
def test_rejects_folders_and_manifests_are_no_objects_for_ingest(
    region: IngestRegion, name: str
) -> None:
    assert region.work_off(deliver, region.put(name, parties(1)))
    assert list(region.jobs.latest(10)) == []


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "null",
        "[]",
        "{}",
        '{"job": "unknown", "start": 0}',
        '{"job": "unknown", "start": -1}',
        '{"job": "unknown", "start": "0"}',
        '{"detail-type": "Object Deleted", "region": "us-east-1", "detail": {}}',
        '{"key": 7, "version": "", "etag": ""}',
        '{"key": "\\ud800", "version": "", "etag": ""}',
    ],
)
def test_a_message_that_is_no_ingests_is_parked_whole(region: IngestRegion, body: str) -> None:
    assert deliver(body)
    (parked,) = region.parked()
    assert parked["message"] == body


@pytest.mark.parametrize("where", [{"region": OTHER}, {"detail": {"bucket": {"name": "other"}}}])
def test_an_object_is_ingested_in_its_own_region_and_bucket_only(
    region: IngestRegion, where: dict[str, Any]
) -> None:
    told = json.loads(region.put("a.jsonl", parties(1)))
    told |= {**where, "detail": {**told["detail"], **where.get("detail", {})}}

    assert deliver(json.dumps(told))

    assert region.parked()[0]["reason"].startswith("NotOurs")
    assert region.item("p0") is None


def test_nothing_of_a_line_is_logged(
    region: IngestRegion, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    data = lines({"id": "SECRET", "points": "SECRET"}, {"id": "SECRET", "name": "SECRET"})
    region.work_off(deliver, region.put("a.jsonl", data + b"SECRET\n"))
    region.work_off(deliver, region.put("a.csv", b'id\nSECRET\n"SECRET\n'))
    logged = " ".join(str(vars(each)) for each in caplog.records) + capsys.readouterr().out
    assert "SECRET" not in logged


def test_the_lines_are_counted_as_metrics(
    region: IngestRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver(region.put("a.jsonl", parties(3) + b"bad"))
    (part,) = region.waiting()
    capsys.readouterr()
    assert deliver(part)
    told = metrics(capsys.readouterr().out)
    assert (told["LinesWritten"], told["LinesRejected"]) == ([3.0], [1.0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "RECONCILER_SCHEMA is not set"),
        ("parties", "no JSON"),
        (SCHEMA.replace("parties", "others"), "of another table"),
        (SCHEMA.replace("counter_pn", "count"), "unknown type"),
    ],
)
def test_a_schema_that_is_none_is_named(
    region: IngestRegion, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.setenv("RECONCILER_SCHEMA", text)
    with pytest.raises(InvalidInput, match=reason):
        deliver("{}")


@pytest.mark.parametrize("event", [{}, {"Records": [{}]}, [], {"Records": 7}])
def test_an_event_of_another_source_is_answered_with_the_source_that_is_expected(
    region: IngestRegion, event: Any
) -> None:
    with pytest.raises(InvalidInput, match="its queue"):
        ingest.handler(event, Context())
