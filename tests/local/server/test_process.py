"""The server's own surface, and the turns that requests take."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.aws_model.replication import ItemKey, Lag, Replication
from reconciler.local.cloud import LocalCloud
from reconciler.local.control_client import TOKEN_HEADER, ControlCalls
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import TableSpec
from reconciler.local.server.process import LocalCloudApplication
from reconciler.local.server.replicas import GlobalTables
from tests.local.support import EU, US, put


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud([TableSpec("parties", "id")], regions=(US, EU), lag_ms=(1, 5)) as cloud:
        yield cloud


def test_the_status_counts_what_each_link_did(cloud: LocalCloud) -> None:
    cloud.partition(US, EU)
    put(cloud, US, "parties", id="counted")
    [held] = [link for link in cloud.status()["links"] if link["source"] == US]
    assert (held["pending"], held["cut"]) == (1, True)

    cloud.heal()
    cloud.settle()

    [done] = [link for link in cloud.status()["links"] if link["source"] == US]
    assert (done["pending"], done["applied"], done["cut"]) == (0, 1, False)


def test_a_dark_region_answers_nothing_but_errors_and_the_others_as_ever(cloud: LocalCloud) -> None:
    put(cloud, US, "parties", id="before")
    cloud.darken(US)
    try:
        with pytest.raises(ClientError, match="InternalServerError"):
            put(cloud, US, "parties", id="dark")
        with pytest.raises(ClientError, match="InternalServerError"):
            cloud.scan("parties", US)
        put(cloud, EU, "parties", id="elsewhere")
    finally:
        cloud.lighten(US)
    cloud.settle()

    there = {item["id"]["S"] for item in cloud.scan("parties", US)}
    assert there >= {"before", "elsewhere"}
    assert "dark" not in there


@pytest.mark.parametrize(
    ("command", "arguments", "complaint"),
    [
        ("dance", {}, "dance"),
        ("isolate", {"region": "mars"}, "mars"),
        ("darken", {"region": "mars"}, "mars"),
        ("partition", {"one": US, "other": "mars"}, "there is no region 'mars'"),
        ("messages", {"region": "mars", "queue": "q"}, "there is no region 'mars'"),
        ("trim", {"region": "mars", "table": "parties"}, "there is no region 'mars'"),
        ("register", {"table": "absent", "consumed": False}, "absent"),
        ("checkpoint", {"region": "us-east-1"}, "table"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(
    cloud: LocalCloud, command: str, arguments: dict[str, object], complaint: str
) -> None:
    with pytest.raises(LocalCloudError, match=complaint):
        cloud.control.ask(command, **arguments)


@pytest.mark.parametrize("region", ["eu-west-77", "ca-central-1"])
@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("cloudwatch", "list_metrics"),
        ("dynamodb", "list_tables"),
        ("events", "list_event_buses"),
        ("s3", "list_buckets"),
        ("sqs", "list_queues"),
    ],
)
def test_a_region_that_the_cloud_does_not_have_is_named_with_those_that_it_has(
    cloud: LocalCloud, service: str, call: str, region: str
) -> None:
    with pytest.raises(ClientError, match=f"no region {region}; it has {EU}, {US}"):
        getattr(cloud.client(service, region), call)()


def test_a_table_that_holds_items_cannot_become_global(cloud: LocalCloud) -> None:
    put(cloud, US, "parties", id="there")

    with pytest.raises(LocalCloudError, match="no empty table"):
        cloud.control.ask("register", table="parties", consumed=False)


def test_a_receiver_that_waits_keeps_nobody_from_sending(cloud: LocalCloud) -> None:
    sqs = cloud.client("sqs", US)
    url = sqs.create_queue(QueueName="waiting")["QueueUrl"]
    sender = threading.Timer(
        0.3, sqs.send_message, kwargs={"QueueUrl": url, "MessageBody": "hello"}
    )
    sender.start()

    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]

    assert message["Body"] == "hello"
    sender.join()


class MeetingPoint:
    """Stands in for moto: notes whether two requests were ever inside together."""

    def __init__(self, seconds: float) -> None:
        self.barrier = threading.Barrier(2)
        self.seconds = seconds
        self.met = False

    def __call__(self, _: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with suppress(threading.BrokenBarrierError):
            self.barrier.wait(self.seconds)
            self.met = True
        start_response("200 OK", [])
        return [b"{}"]


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("DynamoDB_20120810.PutItem", "DynamoDB_20120810.UpdateItem", False),
        ("DynamoDB_20120810.PutItem", "DynamoDBStreams_20120810.GetRecords", False),
        ("AmazonSQS.SendMessage", "AmazonSQS.DeleteMessage", False),
        ("AmazonSQS.ReceiveMessage", "AWSEvents.PutEvents", False),
        ("AmazonSQS.SendMessage", "DynamoDB_20120810.PutItem", True),
        ("", "DynamoDB_20120810.PutItem", True),
        ("", "", True),
    ],
)
def test_requests_that_could_harm_each_other_take_turns_and_others_do_not(
    one: str, other: str, *, meet: bool
) -> None:
    moto = MeetingPoint(60 if meet else 0.3)  # those that may meet end the wait by it
    replication = Replication((US, EU), Lag(0, 0), Random(0), skew_ms={})
    application = LocalCloudApplication(GlobalTables(replication), moto, "token")

    def request(target: str) -> None:
        body = BytesIO(b"{}")
        environ = {
            "PATH_INFO": "/",
            "HTTP_X_AMZ_TARGET": target,
            "CONTENT_LENGTH": "2",
            "wsgi.input": body,
        }
        application(environ, lambda *_: None)

    threads = [threading.Thread(target=request, args=(target,)) for target in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert moto.met is meet


def test_a_control_call_without_this_start_s_token_is_refused(cloud: LocalCloud) -> None:
    for token in ("", "of another start"):
        with pytest.raises(LocalCloudError, match="token of this cloud's start"):
            ControlCalls(cloud.port, token).ask("isolate", region=US)

    assert not any(link["cut"] for link in cloud.status()["links"])


@pytest.mark.parametrize("path", ["/_reconciler/isolate", "/_reconciler/status", "/"])
def test_a_page_in_a_browser_can_call_nothing_even_with_the_token(
    cloud: LocalCloud, path: str
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port)
    headers = {"Origin": "https://example.com", TOKEN_HEADER: cloud.control.token}
    connection.request("POST", path, json.dumps({"region": US}), headers)

    assert connection.getresponse().status == 403
    assert not any(link["cut"] for link in cloud.status()["links"])


def test_clients_take_turns_with_a_burst_of_replicated_changes() -> None:
    burst = 2_000
    replication = Replication((US, EU), Lag(0, 0), Random(0), skew_ms={})
    tables = GlobalTables(replication)
    for number in range(burst):
        replication.local_write(US, ItemKey("t", str(number)), {"id": {"S": str(number)}}, 0)
    stored: list[object] = []

    def store(arrival: object) -> None:
        if not stored:
            client.start()
        stored.append(arrival)
        time.sleep(0.001)

    tables._store = store  # type: ignore[method-assign]  # the work, without moto
    seen: list[int] = []
    client = threading.Thread(
        target=lambda: seen.append(tables.run_client_request(lambda: len(stored)))
    )
    tables.replicate(lambda: bool(seen))
    client.join()

    assert seen < [burst]


def test_objects_of_s3_pass_through(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3", US)
    s3.create_bucket(Bucket="evidence")
    s3.put_object(Bucket="evidence", Key="a/b", Body=b"\x00payload")

    assert s3.get_object(Bucket="evidence", Key="a/b")["Body"].read() == b"\x00payload"
