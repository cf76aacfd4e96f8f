"""The contract of a redrive's ports: it holds for the adapters and the fakes alike."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.aws.clients import client
from reconciler.aws.dead_letters import SqsDeadLetters
from reconciler.aws.lambda_record import lambda_record
from reconciler.aws.set_aside import S3SetAside
from reconciler.aws.streams import StreamRecords
from reconciler.errors import RecordsExpired
from reconciler.ports import DeadLetter, DeadLetters, SetAside, StreamRange, StreamReader
from tests.aws.conftest import REGION
from tests.fakes import FakeDeadLetters, FakeSetAside, FakeStreamReader

both = pytest.mark.parametrize("kind", ["fake", "aws"])

# Batches that were set aside


class Shelf:
    """Batches set aside, of either kind, and Lambda's way to put one there."""

    def __init__(self, kind: str) -> None:
        self.port: SetAside
        self.place: Callable[[str, str], str]
        if kind == "fake":
            fake = FakeSetAside()
            self.port, self.place = fake, fake.place
            return
        s3 = client("s3", REGION)
        s3.create_bucket(Bucket="evidence")
        self.port = S3SetAside("evidence", s3)

        def place(name: str, document: str) -> str:
            s3.put_object(Bucket="evidence", Key=f"aws/lambda/{name}", Body=document.encode())
            return f"s3://evidence/aws/lambda/{name}"

        self.place = place


@pytest.fixture
def shelf(kind: str, aws: None) -> Shelf:
    return Shelf(kind)


@both
def test_nothing_waits_where_nothing_was_set_aside(shelf: Shelf) -> None:
    assert shelf.port.is_empty()
    assert list(shelf.port.references()) == []


@both
def test_what_was_set_aside_waits_and_is_read_as_it_was_written(shelf: Shelf) -> None:
    document = json.dumps({"payload": "Zoë"}, ensure_ascii=False)
    reference = shelf.place("a/b c+d", document)

    assert not shelf.port.is_empty()
    assert list(shelf.port.references()) == [reference]
    assert shelf.port.get(reference) == document


@both
def test_what_is_done_waits_no_more_and_the_others_do(shelf: Shelf) -> None:
    first, second = shelf.place("a", "1"), shelf.place("b c+d", "2")

    shelf.port.done(second)

    assert list(shelf.port.references()) == [first]
    shelf.port.done(first)
    assert shelf.port.is_empty()


@both
def test_doing_it_again_is_harmless(shelf: Shelf) -> None:
    reference = shelf.place("a", "1")
    shelf.port.done(reference)

    shelf.port.done(reference)

    assert shelf.port.is_empty()


@both
def test_a_document_that_is_done_is_told_from_one_that_never_was_there(shelf: Shelf) -> None:
    reference = shelf.place("a", "1")
    shelf.port.done(reference)

    assert shelf.port.get(reference) is None
    with pytest.raises(RecordsExpired) as caught:
        shelf.port.get(f"{reference}-other")
    assert caught.value.evidence == {"reference": f"{reference}-other"}


# A stream, read again


class Stream:
    """A stream of seven records, of either kind."""

    def __init__(self, kind: str) -> None:
        self.port: StreamReader
        if kind == "fake":
            self._remember(FakeStreamReader())
            return
        tables, streams = client("dynamodb", REGION, attempts=1), client("dynamodbstreams", REGION)
        self.arn: str = tables.create_table(
            TableName="parties",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]["LatestStreamArn"]
        for item in ITEMS:
            tables.put_item(TableName="parties", Item=item)
        [found] = streams.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        self.shard: str = found["ShardId"]
        place = {"StreamArn": self.arn, "ShardId": self.shard}
        start = streams.get_shard_iterator(**place, ShardIteratorType="TRIM_HORIZON")
        records = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
        self.numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        self.port = StreamRecords(streams)

    def _remember(self, fake: FakeStreamReader) -> None:
        self.arn, self.shard, self.port = "stream/of/parties", "shard", fake
        created = datetime(2026, 11, 21, tzinfo=UTC)
        changes = [
            {"SequenceNumber": str(90 + n), "ApproximateCreationDateTime": created, "NewImage": i}
            for n, i in enumerate(ITEMS)
        ]
        self.numbers = [change["SequenceNumber"] for change in changes]
        records = [lambda_record({"dynamodb": change}, self.arn) for change in changes]
        fake.shards[self.arn, self.shard] = [*records]

    def range(self, first: int, last: int) -> StreamRange:
        return StreamRange(self.arn, self.shard, self.numbers[first], self.numbers[last])


ITEMS: Sequence[Mapping[str, Any]] = [
    {"id": {"S": f"p{number}"}, "n": {"N": str(number)}} for number in range(20)
]


@pytest.fixture(scope="module")
def clients(clients: None) -> Iterator[None]:
    """With an account's own endpoint the SDK would not meet the streams in this process."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
        yield


@pytest.fixture
def stream(kind: str, aws: None) -> Stream:
    return Stream(kind)


@both
def test_the_named_records_are_read_again_in_order_both_ends_included(stream: Stream) -> None:
    """The numbers here go from two digits to three: as text, they would not be in order."""
    found = stream.port.read(stream.range(8, 12))

    images = [record["dynamodb"]["NewImage"]["n"] for record in found]
    assert images == [{"N": "8"}, {"N": "9"}, {"N": "10"}, {"N": "11"}, {"N": "12"}]


@both
def test_one_record_may_be_named(stream: Stream) -> None:
    [record] = stream.port.read(stream.range(3, 3))

    assert record["dynamodb"]["SequenceNumber"] == stream.numbers[3]


@both
def test_records_read_again_look_as_lambda_shows_them(stream: Stream) -> None:
    [record] = stream.port.read(stream.range(0, 0))

    assert record["eventSourceARN"] == stream.arn
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)
    json.dumps(record)


@both
def test_records_of_a_stream_that_does_not_exist_are_expired(stream: Stream) -> None:
    gone = replace(stream.range(0, 1), stream_arn=stream.arn.replace("parties", "gone"))

    with pytest.raises(RecordsExpired) as caught:
        stream.port.read(gone)
    assert caught.value.evidence["records"] == []


# Dead-letter queues


class Queues:
    """Dead-letter queues of either kind, and a way to send there."""

    def __init__(self, kind: str) -> None:
        self.port: DeadLetters
        self.send: Callable[[str, str], Any]
        if kind == "fake":
            fake = FakeDeadLetters()
            self.port, self.send = fake, lambda queue, body: fake.send(queue, body, why="test")
            return
        sqs = client("sqs", REGION)
        urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("one", "two")}
        why = {"why": {"DataType": "String", "StringValue": "test"}}
        self.port = SqsDeadLetters(sqs)
        self.send = lambda queue, body: sqs.send_message(
            QueueUrl=urls[queue], MessageBody=body, MessageAttributes=why
        )

    def receive(self, queue: str = "one", seconds: int = 60) -> Sequence[DeadLetter]:
        return self.port.receive(queue, 10, seconds)


@pytest.fixture
def queues(kind: str, aws: None, one_server: None) -> Queues:
    return Queues(kind)


@both
def test_a_letter_says_what_it_is_and_where_it_was(queues: Queues) -> None:
    queues.send("one", "lost")
    queues.send("two", "another")

    [letter] = queues.receive()

    assert (letter.queue, letter.body, letter.receives) == ("one", "lost", 1)
    assert letter.attributes == {"why": "test"}
    assert letter.message_id
    assert letter.receipt
    assert letter.sent_at_ms > 0


@both
def test_no_more_letters_are_received_than_were_asked_for(queues: Queues) -> None:
    for number in range(3):
        queues.send("one", str(number))

    assert len(queues.port.receive("one", 2, 60)) == 2
    assert len(queues.receive()) == 1


@both
def test_a_received_letter_is_hidden_and_still_counted(queues: Queues) -> None:
    queues.send("one", "lost")
    queues.send("one", "lost, too")
    queues.port.receive("one", 1, 60)

    assert queues.port.depth("one") == 2
    assert len(queues.receive()) == 1
    assert queues.receive() == []
    assert queues.port.depth("one") == 2


@both
def test_a_letter_that_is_kept_for_no_time_is_shown_again_and_counts_its_receives(
    queues: Queues,
) -> None:
    queues.send("one", "lost")
    [letter] = queues.receive()

    queues.port.keep(letter, 0)

    [again] = queues.receive()
    assert (again.message_id, again.receives) == (letter.message_id, 2)


@both
def test_a_letter_that_is_kept_longer_stays_hidden(queues: Queues) -> None:
    queues.send("one", "lost")
    [letter] = queues.receive(seconds=60)

    queues.port.keep(letter, 120)

    assert queues.receive() == []


@both
def test_a_deleted_letter_is_gone_and_the_others_are_not(queues: Queues) -> None:
    queues.send("one", "done")
    queues.send("one", "left")
    done, left = queues.receive()

    queues.port.delete(done)
    queues.port.delete(done)

    queues.port.keep(left, 0)
    assert [letter.body for letter in queues.receive()] == [left.body]
    assert queues.port.depth("one") == 1
