"""The ingest function of one region beside a local cloud, in a process that may be killed."""

import os
from dataclasses import replace

from reconciler.aws.clients import client
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import INGEST_HANDLER, INGEST_SOURCE
from reconciler.ingest import ingester
from reconciler.ingest.ingester import Bounds
from reconciler.local.lifeline import end_with_parent
from reconciler.local.worker import queue_source
from reconciler.local.worker.lambda_runtime import LambdaFunction
from reconciler.local.worker.queue_source import QueueConsumer

HELD_SECONDS = 2  # by who was killed; then the message comes again
BOUNDS = Bounds(range_bytes=12_000)


def main() -> None:
    """Work the queue off until told to stop; the region's variables are in the environment."""
    stop = end_with_parent()
    queue_source._HELD_SECONDS = HELD_SECONDS
    ingester.Ingester.__init__.__defaults__ = (BOUNDS,)
    names = Names(os.environ["RECONCILER_TABLE"], os.environ["AWS_REGION"])
    sqs = client("sqs", names.region)
    function = LambdaFunction(INGEST_HANDLER, name=names.ingest_function, region=names.region)
    source = replace(INGEST_SOURCE, visibility_timeout_seconds=HELD_SECONDS)
    url = sqs.get_queue_url(QueueName=names.ingest_queue)["QueueUrl"]
    consumer = QueueConsumer(sqs, url, function, source)
    while not stop.is_set():
        if not consumer.poll():
            stop.wait(0.05)


if __name__ == "__main__":
    main()
