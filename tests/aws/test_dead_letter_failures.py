"""What a redrive's adapters make of AWS's failures: nothing is whole or done that is not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from reconciler.aws.clients import client
from reconciler.aws.dead_letters import SqsDeadLetters
from reconciler.aws.set_aside import S3SetAside
from reconciler.aws.streams import StreamRecords
from reconciler.errors import InvalidInput, RecordsExpired, Unavailable
from reconciler.ports import DeadLetter, StreamRange
from tests.aws.conftest import REGION
from tests.aws.test_failures import CERTAINLY_NOT_DONE, NOBODY_KNOWS, name, refusal

FAILURES = [*CERTAINLY_NOT_DONE, *NOBODY_KNOWS]
CREATED = datetime(2026, 11, 21, tzinfo=UTC)
ARN = "arn:aws:dynamodb:us-east-1:1:table/parties/stream/now"
TRIMMED = refusal("TrimmedDataAccessException", 400)
OLD_ITERATOR = refusal("ExpiredIteratorException", 400)
Page = Sequence[int] | Exception


class Shards:
    """A stream's service: `pages` by shard, then nothing; only the shards in `open` never end.

    Records are numbers; an exception among the pages is raised once, and its iterator is dead.
    """

    def __init__(self, pages: Mapping[str, Sequence[Page]], *, open: Sequence[str] = ()) -> None:  # noqa: A002
        self.pages = {shard: list(each) for shard, each in pages.items()}
        self.parents: dict[str, str] = {}
        self.started: list[tuple[str, str, str]] = []
        self.reads = 0
        self._open = open

    def get_shard_iterator(self, **asked: str) -> dict[str, str]:
        shard, kind = asked["ShardId"], asked["ShardIteratorType"]
        self.started.append((shard, kind, asked.get("SequenceNumber", "")))
        return {"ShardIterator": shard}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 (AWS's name)
        self.reads += 1
        left = self.pages[ShardIterator]
        page = left.pop(0) if left else []
        if isinstance(page, Exception):
            raise page
        records = [
            {"dynamodb": {"SequenceNumber": str(n), "ApproximateCreationDateTime": CREATED}}
            for n in page
        ]
        goes_on = bool(left) or ShardIterator in self._open
        return {"Records": records} | ({"NextShardIterator": ShardIterator} if goes_on else {})

    def describe_stream(self, **asked: str) -> dict[str, Any]:
        """Answer one shard a page."""
        shards = list(self.pages)
        place = shards.index(asked["ExclusiveStartShardId"]) + 1 if len(asked) > 1 else 0
        shard = {"ShardId": shards[place]}
        if shards[place] in self.parents:
            shard["ParentShardId"] = self.parents[shards[place]]
        page: dict[str, Any] = {"Shards": [shard]}
        if place + 1 < len(shards):
            page["LastEvaluatedShardId"] = shards[place]
        return {"StreamDescription": page}


def read(service: Shards, first: int = 8, last: int = 11) -> list[int]:
    found = StreamRecords(service).read(StreamRange(ARN, "s1", str(first), str(last)))
    return [int(record["dynamodb"]["SequenceNumber"]) for record in found]


def expired(service: Shards) -> dict[str, Any]:
    with pytest.raises(RecordsExpired) as caught:
        read(service)
    told = caught.value.evidence
    records = told.pop("records")
    return {**told, "left": [int(each["dynamodb"]["SequenceNumber"]) for each in records]}


def evidence(*left: int) -> dict[str, Any]:
    return {"stream": ARN, "shard": "s1", "first": "8", "last": "11", "left": list(left)}


# A stream, read again


def test_records_are_read_from_the_first_named_one() -> None:
    service = Shards({"s1": [[8, 9, 10, 11]]})

    assert read(service) == [8, 9, 10, 11]
    assert service.started == [("s1", "AT_SEQUENCE_NUMBER", "8")]


def test_empty_pages_are_read_across() -> None:
    empty: list[Page] = [[]] * 900

    assert read(Shards({"s1": [*empty, [8, 9], *empty, [10], [], [11, 12]]})) == [8, 9, 10, 11]


def test_nothing_is_read_behind_the_last_named_record() -> None:
    service = Shards({"s1": [[8, 9], [11], [13]]}, open=["s1"])

    assert read(service) == [8, 9, 11]
    assert service.reads == 2


def test_where_a_shard_ends_its_children_go_on_and_no_others() -> None:
    service = Shards({"s1": [[8]], "s2": [[9, 99]], "s3": [[9]], "s4": [[10]], "s5": [[11]]})
    service.parents = {"s3": "s1", "s4": "s1", "s5": "s4", "s2": "s0"}

    assert read(service) == [8, 9, 10, 11]
    assert service.started[1:] == [
        ("s3", "TRIM_HORIZON", ""),
        ("s4", "TRIM_HORIZON", ""),
        ("s5", "TRIM_HORIZON", ""),
    ]


def test_an_iterator_that_expired_is_made_again_behind_the_last_record_that_was_read() -> None:
    service = Shards({"s1": [OLD_ITERATOR, [8, 9], [], OLD_ITERATOR, [10, 11]]})

    assert read(service) == [8, 9, 10, 11]
    assert service.started == [
        ("s1", "AT_SEQUENCE_NUMBER", "8"),
        ("s1", "AT_SEQUENCE_NUMBER", "8"),
        ("s1", "AFTER_SEQUENCE_NUMBER", "9"),
    ]


@pytest.mark.parametrize(
    ("pages", "left"),
    [
        ([TRIMMED, TRIMMED], []),
        ([TRIMMED, [10, 11]], [10, 11]),
        ([refusal("ResourceNotFoundException", 400)] * 2, []),
        ([[8, 9], OLD_ITERATOR, TRIMMED, [9, 11]], [8, 9, 11]),
        ([[9, 10, 11]], [9, 10, 11]),
        ([[12]], []),
        ([[8, 9]], [8, 9]),
        ([[8, 9, 12]], [8, 9]),
    ],
)
def test_records_of_which_one_is_gone_are_expired_and_the_error_holds_those_that_are_left(
    pages: list[Page], left: list[int]
) -> None:
    assert expired(Shards({"s1": pages})) == evidence(*left)


def test_a_stream_or_shard_that_is_gone_before_its_first_page_is_expired() -> None:
    class Gone(Shards):
        def get_shard_iterator(self, **_: str) -> dict[str, str]:
            raise refusal("ResourceNotFoundException", 400)

    assert expired(Gone({})) == evidence()


def test_an_open_shard_that_does_not_show_the_last_record_is_given_up_for_now() -> None:
    service = Shards({"s1": [[8, 9]]}, open=["s1"])

    with pytest.raises(Unavailable, match="last record"):
        read(service)
    assert service.reads == 1_001


def test_an_open_shard_that_shows_nothing_yet_is_not_called_expired() -> None:
    with pytest.raises(Unavailable):
        read(Shards({"s1": []}, open=["s1"]))


@pytest.mark.parametrize(
    "error", [refusal("LimitExceededException", 400), refusal("ThrottlingException", 400)], ids=name
)
def test_a_stream_that_throttles_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable):
        read(Shards({"s1": [[8], error]}))


@pytest.mark.parametrize("bad", ["", "x", "-1", "1.0"])
def test_names_that_are_no_sequence_numbers_are_refused(bad: str) -> None:
    for wanted in (StreamRange(ARN, "s1", bad, "1"), StreamRange(ARN, "s1", "1", bad)):
        with pytest.raises(InvalidInput, match="digits"):
            StreamRecords(Shards({})).read(wanted)


# Batches that were set aside


class Refusing:
    """A client whose calls are all refused."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, call: str) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> Any:
            raise self._error

        return refuse


REFERENCE = "s3://evidence/aws/lambda/a"


@pytest.mark.parametrize("error", FAILURES, ids=name)
def test_a_bucket_that_fails_is_unavailable_and_never_called_empty(error: Exception) -> None:
    set_aside = S3SetAside("evidence", Refusing(error))
    calls: list[Callable[[], Any]] = [
        set_aside.is_empty,
        lambda: list(set_aside.references()),
        lambda: set_aside.get(REFERENCE),
        lambda: set_aside.done(REFERENCE),
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            call()


def test_a_document_is_deleted_only_behind_its_copy(credentials: None) -> None:
    s3 = boto3.client("s3", region_name=REGION)
    with Stubber(s3) as stubber:
        stubber.add_client_error("copy_object", "SlowDown", http_status_code=503)
        with pytest.raises(Unavailable):
            S3SetAside("evidence", s3).done(REFERENCE)


def test_a_document_that_is_done_is_kept_under_another_prefix(aws: None) -> None:
    s3 = client("s3", REGION)
    s3.create_bucket(Bucket="evidence")
    s3.put_object(Bucket="evidence", Key="aws/lambda/a", Body=b"whole")

    S3SetAside("evidence", s3).done(REFERENCE)

    kept = s3.get_object(Bucket="evidence", Key="redriven/aws/lambda/a")
    assert kept["Body"].read() == b"whole"


def test_the_batches_that_wait_are_listed_page_after_page(credentials: None) -> None:
    s3, asked = boto3.client("s3", region_name=REGION), {"Bucket": "evidence", "Prefix": ANY}
    more = {"IsTruncated": True, "NextContinuationToken": "more"}
    first = {"Contents": [{"Key": "aws/lambda/a"}], **more}
    second = {"Contents": [{"Key": "aws/lambda/b"}]}
    with Stubber(s3) as stubber:
        stubber.add_response("list_objects_v2", first, asked)
        stubber.add_response("list_objects_v2", second, {**asked, "ContinuationToken": "more"})

        found = list(S3SetAside("evidence", s3).references())

    assert found == ["s3://evidence/aws/lambda/a", "s3://evidence/aws/lambda/b"]


def test_other_evidence_in_the_bucket_does_not_wait(aws: None) -> None:
    s3 = client("s3", REGION)
    s3.create_bucket(Bucket="evidence")
    s3.put_object(Bucket="evidence", Key="conflicts/c1.json", Body=b"")
    s3.put_object(Bucket="evidence", Key="redriven/aws/lambda/a", Body=b"")

    assert S3SetAside("evidence", s3).is_empty()
    assert list(S3SetAside("evidence", s3).references()) == []


@pytest.mark.parametrize(
    "reference", ["s3://evidence/conflicts/c1.json", "s3://other/aws/lambda/a", "aws/lambda/a", ""]
)
def test_a_reference_to_anything_but_a_batch_is_refused_and_nothing_moves(reference: str) -> None:
    set_aside = S3SetAside("evidence", Refusing(AssertionError("a call was made")))
    for call in (set_aside.get, set_aside.done):
        with pytest.raises(InvalidInput, match="reference"):
            call(reference)


# Dead-letter queues


@pytest.mark.parametrize("error", FAILURES, ids=name)
def test_a_queue_that_fails_is_unavailable_and_never_called_empty(error: Exception) -> None:
    letters = SqsDeadLetters(Refusing(error))
    letter = DeadLetter("q", "m", "r", "body", 0, 1)
    calls: list[Callable[[], Any]] = [
        lambda: letters.receive("q", 10, 60),
        lambda: letters.keep(letter, 0),
        lambda: letters.delete(letter),
        lambda: letters.depth("q"),
        lambda: letters.move_back("q"),
    ]
    for call in calls:
        with pytest.raises(Unavailable):
            call()


@pytest.fixture
def sqs(credentials: None) -> Any:
    return boto3.client("sqs", region_name=REGION)


def test_a_queue_is_moved_back_by_its_arn(sqs: Any) -> None:
    arn = "arn:aws:sqs:us-east-1:1:q"
    with Stubber(sqs) as stubber:
        stubber.add_response("get_queue_url", {"QueueUrl": "u"}, {"QueueName": "q"})
        wanted = {"QueueUrl": "u", "AttributeNames": ["QueueArn"]}
        stubber.add_response("get_queue_attributes", {"Attributes": {"QueueArn": arn}}, wanted)
        answer = {"TaskHandle": "task"}
        stubber.add_response("start_message_move_task", answer, {"SourceArn": arn})

        assert SqsDeadLetters(sqs).move_back("q") == "task"


def test_a_queues_address_is_looked_up_once_and_all_its_servers_are_asked(sqs: Any) -> None:
    asked = {
        "QueueUrl": "u",
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": 60,
        "WaitTimeSeconds": 1,
        "MessageSystemAttributeNames": ["SentTimestamp", "ApproximateReceiveCount"],
        "MessageAttributeNames": ["All"],
    }
    with Stubber(sqs) as stubber:
        stubber.add_response("get_queue_url", {"QueueUrl": "u"}, {"QueueName": "q"})
        stubber.add_response("receive_message", {}, asked)
        stubber.add_response("receive_message", {}, asked)
        letters = SqsDeadLetters(sqs)

        assert letters.receive("q", 10, 60) == letters.receive("q", 10, 60) == []
        stubber.assert_no_pending_responses()


def test_binary_attributes_of_a_letter_are_base64_text(aws: None) -> None:
    sqs = client("sqs", REGION)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    attributes = {
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        "number": {"DataType": "Number", "StringValue": "7"},
    }
    sqs.send_message(QueueUrl=url, MessageBody="lost", MessageAttributes=attributes)

    [letter] = SqsDeadLetters(sqs).receive("q", 10, 60)

    assert letter.attributes == {"bytes": "AP8=", "number": "7"}
