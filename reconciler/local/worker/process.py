"""The process that is Lambda in one region: it polls the stream and the queues for the handlers.

One thread takes turns between the table's stream (detect), the home and witness queues (resolve)
and the gauge's schedule. What the handlers write to standard output is the process's log. It is
started by `cloud` with the environment of a function, and ends with its parent.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, Literal, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from reconciler.aws_model.stream_source import ShardSource, SourceNames
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import GAUGE_HANDLER, QueueSource, StreamSource, stream_filters
from reconciler.local.clients import Boto3Clients
from reconciler.local.control_client import TOKEN_VARIABLE, ControlCalls
from reconciler.local.errors import ServerSilent
from reconciler.local.lifeline import end_with_parent
from reconciler.local.provision import queue_url
from reconciler.local.worker.lambda_runtime import LambdaFunction
from reconciler.local.worker.on_failure import OnFailure
from reconciler.local.worker.queue_source import QueueConsumer
from reconciler.local.worker.schedule import ScheduledFunction
from reconciler.local.worker.stream_consumer import Checkpoint, StreamConsumer, only_shard

logger = logging.getLogger(__name__)

StreamFailures = Literal["s3", "sqs"]

_SHORTEST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.25

# What a timeout, a refusal and a server that is busy come to; any other error is a fault of ours.
CALL_FAILED = (BotoCoreError, ClientError, ServerSilent)
_Made = TypeVar("_Made")
_START_ATTEMPTS = 20
_GAUGE_SECONDS = 2  # deployment.GAUGE_MINUTES, in a hurry


class Consumer(Protocol):
    """Something that is polled; `poll` tells whether it met any work."""

    def poll(self) -> bool:
        """Do what is due, if anything is."""


@dataclass(frozen=True)
class WorkerSettings:
    """What one worker is told: where it lives, what it runs, how its sources are set."""

    region: str
    port: int
    table: str
    partition_key: str
    environment: Mapping[str, str]
    detect: str
    resolve: str
    stream: StreamSource
    home: QueueSource
    witness: QueueSource
    stream_failures: StreamFailures

    @classmethod
    def from_json(cls, text: str) -> "WorkerSettings":
        """Read what `dataclasses.asdict` and `json.dumps` wrote."""
        values: dict[str, Any] = json.loads(text)
        sources: dict[str, Any] = {
            "stream": StreamSource(**values.pop("stream")),
            "home": QueueSource(**values.pop("home")),
            "witness": QueueSource(**values.pop("witness")),
        }
        return cls(**values, **sources)


class Worker:
    """The functions of a region, and what they are fed from."""

    def __init__(self, settings: WorkerSettings, control: ControlCalls) -> None:
        """Import the handlers of stream and queues."""
        self._settings = settings
        self._control = control
        self._names = Names(settings.table, settings.region)
        self._endpoint = f"http://127.0.0.1:{settings.port}"
        self._client = partial(Boto3Clients(self._endpoint).get, region=settings.region)
        self._detect = self._function(self._names.detect_function, settings.detect)
        self._resolve = self._function(self._names.resolve_function, settings.resolve)

    def _function(self, name: str, handler: str) -> LambdaFunction:
        return LambdaFunction(handler, name=name, region=self._settings.region)

    def consumers(self, stream_arn: str) -> list[Consumer]:
        """Return the consumers of the stream and of both queues, and the gauge's schedule."""
        settings = self._settings
        home = self._queue(self._names.home_queue, settings.home)
        witness = self._queue(self._names.witness_queue, settings.witness)
        gauge = partial(self._function, self._names.gauge_function, GAUGE_HANDLER)
        schedule = ScheduledFunction(gauge, region=settings.region, seconds=_GAUGE_SECONDS)
        return [self._stream(stream_arn), home, witness, schedule]

    def _stream(self, stream_arn: str) -> StreamConsumer:
        settings = self._settings
        streams = self._client("dynamodbstreams")
        names = SourceNames(self._detect.arn, stream_arn, only_shard(streams, stream_arn))
        filters = stream_filters(settings.partition_key)
        dlq = queue_url(self._endpoint, self._names.stream_dlq)
        on_failure = OnFailure(self._names, dlq, self._client)
        return StreamConsumer(
            streams,
            self._detect,
            ShardSource(settings.stream, filters, names, whole=settings.stream_failures == "s3"),
            set_aside=on_failure.deliver,
            checkpoint=Checkpoint(
                self._ask("checkpoint")["sequence_number"], self._report_checkpoint
            ),
        )

    def _queue(self, queue: str, source: QueueSource) -> QueueConsumer:
        url = queue_url(self._endpoint, queue)
        return QueueConsumer(self._client("sqs"), url, self._resolve, source)

    def _report_checkpoint(self, sequence_number: int) -> None:
        self._ask("set_checkpoint", sequence_number=sequence_number)

    def _ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Carry out a command about the stream that this worker consumes."""
        place = {"region": self._settings.region, "table": self._settings.table}
        return self._control.ask(command, **place, **arguments)


def take_turns(consumers: Sequence[Consumer], stop: Event) -> None:
    """Poll every consumer in turn until `stop` is set, pausing while there is no work."""
    pause = _SHORTEST_PAUSE_SECONDS
    while not stop.is_set():
        met_work = [_poll(consumer) for consumer in consumers]
        pause = _SHORTEST_PAUSE_SECONDS if any(met_work) else min(pause * 2, _LONGEST_PAUSE_SECONDS)
        stop.wait(pause)


def _poll(consumer: Consumer) -> bool:
    """Poll a consumer; a call that failed is made again at its next turn, as Lambda's pollers do.

    Nothing is lost by that: records and messages stay where they are until they are handled.
    """
    try:
        return consumer.poll()
    except CALL_FAILED as error:
        logger.warning("%s goes on after a call that failed: %r", type(consumer).__name__, error)
        return False


def patiently(make: Callable[[], _Made], stop: Event) -> _Made:
    """Make something by calls that may fail for a while; what still fails then is raised."""
    for _ in range(_START_ATTEMPTS - 1):
        try:
            return make()
        except CALL_FAILED as error:
            logger.warning("the start goes on after a call that failed: %r", error)
            stop.wait(_LONGEST_PAUSE_SECONDS)
    return make()


def main() -> None:
    """Poll until told to stop; settings come as one JSON argument, the stream's ARN as a line."""
    logging.basicConfig(level=logging.WARNING)
    settings = WorkerSettings.from_json(sys.argv[1])
    control = ControlCalls(settings.port, os.environ[TOKEN_VARIABLE])
    worker = Worker(settings, control)
    stream_arn = sys.stdin.readline().strip()
    stop = end_with_parent()
    if not stream_arn:
        return  # The parent ended before it was ready.
    consumers = patiently(lambda: worker.consumers(stream_arn), stop)
    patiently(lambda: control.ask("ready", region=settings.region, pid=os.getpid()), stop)
    take_turns(consumers, stop)


if __name__ == "__main__":
    main()
