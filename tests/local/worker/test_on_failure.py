"""Where the batches go that a stream's event source gives up."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import EndpointConnectionError

from reconciler.aws_model.stream_source import InvocationResult, ShardSource, SourceNames
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import StreamSource
from reconciler.errors import Unavailable
from reconciler.local.worker.on_failure import OnFailure

NOW_MS = 1_700_000_000_000
SHARD = "shardId-00000001541626099285-f35f62ef"
NAMES = Names("parties", "eu-west-1")


def message(number: int = 100, *, whole: bool = True) -> dict[str, Any]:
    """Return what an event source sets aside."""
    change = {"SequenceNumber": str(number), "ApproximateCreationDateTime": NOW_MS / 1000}
    source = StreamSource(batching_window_seconds=0, maximum_retry_attempts=0)
    shard = ShardSource(source, [], SourceNames("function", "stream", SHARD), whole=whole)
    shard.offer([{"eventName": "MODIFY", "dynamodb": change}], NOW_MS)
    shard.next_batch(NOW_MS)
    shard.finish(InvocationResult("request", error="ValueError()"), NOW_MS)
    [given_up] = shard.set_aside
    return given_up


class Services:
    """S3 and SQS, which note what they are given, in order; `failing` ones do not answer."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.bodies: list[Any] = []
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.destination = OnFailure(NAMES, "url", lambda _: self)

    def put_object(self, **given: Any) -> None:
        self._called("s3")
        assert given["Bucket"] == NAMES.evidence_bucket
        self.objects[given["Key"]] = given["Body"]

    def send_message(self, **given: Any) -> None:
        self._called("sqs")
        self.bodies.append(json.loads(given["MessageBody"]))

    def _called(self, service: str) -> None:
        self.calls.append(service)
        if service in self.failing:
            raise EndpointConnectionError(endpoint_url=service)


@pytest.fixture
def services() -> Services:
    return Services()


def test_a_whole_message_is_stored_under_the_key_that_lambda_gives_it(services: Services) -> None:
    services.destination.deliver(message())

    [(key, document)] = services.objects.items()
    number = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    form = rf"aws/lambda/{number}/{SHARD}/2023/11/14/2023-11-14T22\.13\.20-{number}"
    assert re.fullmatch(form, key)
    assert json.loads(document) == message()


def test_the_queue_is_told_as_s3_tells_it_once_the_object_is_there(services: Services) -> None:
    services.destination.deliver(message())

    assert services.calls == ["s3", "sqs"]
    [body] = services.bodies
    [told] = body["Records"]
    assert told["eventVersion"] == "2.1"
    assert (told["eventSource"], told["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert told["s3"]["bucket"]["name"] == "parties-evidence-eu-west-1"
    assert unquote_plus(told["s3"]["object"]["key"]) in services.objects


def test_a_message_that_only_names_records_goes_to_the_queue_alone(services: Services) -> None:
    services.destination.deliver(message(whole=False))

    assert services.calls == ["sqs"]
    assert services.bodies == [message(whole=False)]
    assert "payload" not in services.bodies[0]


@pytest.mark.parametrize("failing", ["s3", "sqs"])
def test_a_message_that_could_not_be_delivered_says_so(services: Services, failing: str) -> None:
    services.failing = {failing}

    with pytest.raises(Unavailable):
        services.destination.deliver(message())
    assert services.bodies == []


def test_a_message_delivered_again_is_the_same_object_and_another_one_is_not(
    services: Services,
) -> None:
    deliver: Callable[[dict[str, Any]], None] = services.destination.deliver
    deliver(message(1))
    deliver(message(1))
    assert len(services.objects) == 1

    deliver(message(2))

    assert len(services.objects) == 2
