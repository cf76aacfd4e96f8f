"""A region as the functions find it: its resources in this process, its names in the environment.

The functions keep their clients between invocations; a test starts without any.
"""

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from handlers import (
    adopt,
    api_function,
    api_hub,
    approve,
    appsync,
    detect,
    gauge,
    ingest,
    redrive,
    resolve,
    workflow,
)
from handlers.api_settings import api_settings
from handlers.settings import function_settings
from reconciler import clock
from reconciler.aws import incarnation, region_time
from reconciler.aws.clients import client
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from tests.aws.conftest import REGION, aws, clients, credentials, one_server

__all__ = ["aws", "clients", "credentials", "one_server"]

NAMES = Names("parties", REGION)


class Region:
    """The resources of one region."""

    def __init__(self) -> None:
        self.dynamodb = client("dynamodb", REGION)
        self.sqs, self.s3, self.events = (client(each, REGION) for each in ("sqs", "s3", "events"))
        for table, keys in ((NAMES.table, ["id"]), (NAMES.ledger, ["item_key", "conflict_id"])):
            kinds = zip(keys, ("HASH", "RANGE"), strict=False)
            self.dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
            )
        self.s3.create_bucket(Bucket=NAMES.evidence_bucket)
        self.events.create_event_bus(Name=NAMES.bus)
        self.parked_url = self._queue(NAMES.parked_queue)
        self.conflicts_url = self._queue(NAMES.home_queue)
        rule = {"source": ["dynamodb.reconciler"]}
        self.events.put_rule(Name="all", EventBusName=NAMES.bus, EventPattern=json.dumps(rule))
        arn = self.sqs.get_queue_attributes(
            QueueUrl=self.conflicts_url, AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        targets = [{"Id": "queue", "Arn": arn}]
        self.events.put_targets(Rule="all", EventBusName=NAMES.bus, Targets=targets)

    def _queue(self, name: str) -> str:
        attributes = {"MaximumMessageSize": "1048576"}
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def parked(self) -> list[dict[str, Any]]:
        return self._bodies(self.parked_url)

    def conflicts(self) -> list[dict[str, Any]]:
        """Return the EventBridge events that reached the resolve queue."""
        return self._bodies(self.conflicts_url)

    def _bodies(self, url: str) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def ledger_states(self) -> list[str]:
        rows = self.dynamodb.scan(TableName=NAMES.ledger)["Items"]
        return [row["state"]["S"] for row in rows]

    def item(self, identifier: str = "p1") -> Any:
        key = {"id": {"S": identifier}}
        return self.dynamodb.get_item(TableName=NAMES.table, Key=key).get("Item")

    def place(self, image: Any) -> None:
        self.dynamodb.put_item(TableName=NAMES.table, Item=image)


@pytest.fixture
def fresh_functions() -> Iterator[None]:
    """Let every function begin as in a new process."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    function_settings.cache_clear()
    api_settings.cache_clear()
    api_function.function.cache_clear()
    api_hub._hub.cache_clear()
    for function in (adopt, approve, appsync, detect, gauge, ingest, redrive, resolve, workflow):
        function._function.cache_clear()


@pytest.fixture
def region(aws: None, fresh_functions: None, monkeypatch: pytest.MonkeyPatch) -> Region:
    made = Region()
    environment = function_environment(NAMES, parked_queue_url=made.parked_url)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RECONCILER_TRACING", raising=False)
    # Images of these tests are of replicas without an incarnation, so the region's is one, too.
    monkeypatch.setattr(incarnation, "incarnation_of", lambda _: "")
    for name in ("RECONCILER_OUTSIDE_WRITES", "RECONCILER_OUTSIDE_WRITERS"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def machine(region: Region, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let this machine's clock be off by some milliseconds, before any answer came."""

    def off(ms: int) -> None:
        wrong = SimpleNamespace(
            time_ns=lambda: time.time_ns() + ms * 1_000_000, monotonic_ns=time.monotonic_ns
        )
        monkeypatch.setattr(clock, "time", wrong)
        monkeypatch.setattr(region_time, "_HEARD", WeakKeyDictionary())

    return off


def region_ms() -> int:
    """Return the time that answers tell, whatever the functions' clock shows."""
    return time.time_ns() // 1_000_000


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "request-1"
    function_name = "function"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"


def documents(out: str) -> list[dict[str, Any]]:
    """Return the embedded-metric-format documents in what was printed."""
    return [json.loads(line) for line in out.splitlines() if '"_aws"' in line]


def metrics(out: str) -> dict[str, Any]:
    """Return the one document that is of no kind."""
    (found,) = (each for each in documents(out) if "kind" not in each)
    return found
