"""What tests of the local cloud share."""

import time
from collections.abc import Callable
from typing import Any

from reconciler.deployment.names import Names
from reconciler.local.cloud import LocalCloud

US, EU, AP = "us-east-1", "eu-west-1", "ap-southeast-1"

HANDLERS = f"{__package__}.plugged_handlers"


def eventually(seen: Callable[[], Any], *, seconds: float = 120) -> Any:
    """Return what `seen` returns once that is true; fail when the time is over."""
    give_up = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)
    return found


def log_lines(cloud: LocalCloud, region: str) -> list[str]:
    """Return what the functions of a region have written so far: metrics and logs."""
    return (cloud.directory / f"worker-{region}.log").read_text().splitlines()


def dead_letters(cloud: LocalCloud, region: str) -> dict[str, list[str]]:
    """Return the bodies in each dead-letter queue of a region, parked ones included."""
    queues = Names("parties", region).dead_letter_queues()
    return {queue: cloud.bodies(region, queue) for queue in queues}


def put(cloud: LocalCloud, region: str, table: str, **attributes: Any) -> None:
    """Put an item; a text becomes a string attribute, anything else is wire format already."""
    item = {
        name: {"S": value} if isinstance(value, str) else value
        for name, value in attributes.items()
    }
    cloud.client("dynamodb", region).put_item(TableName=table, Item=item)


def lose(cloud: LocalCloud, table: str, identifier: str) -> None:
    """Let Ireland overwrite what Virginia writes to an item while they are apart."""
    cloud.partition(US, EU)
    put(cloud, US, table, id=identifier, name="lost")
    put(cloud, EU, table, id=identifier, name="won")
    cloud.heal()
    cloud.settle()


def sorted_scan(cloud: LocalCloud, table: str, region: str) -> list[str]:
    """Return the items of a replica in an order and a form that can be compared byte by byte."""
    return sorted(repr(sorted(item.items())) for item in cloud.scan(table, region))


def open_stream(cloud: LocalCloud, table: str, region: str) -> str:
    """Return an iterator at the start of a replica's stream."""
    streams = cloud.client("dynamodbstreams", region)
    [stream] = streams.list_streams(TableName=table)["Streams"]
    arn = stream["StreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator: str = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return iterator


def stream_records(
    cloud: LocalCloud, table: str, region: str, partition: str
) -> list[dict[str, Any]]:
    """Return the records of one item in a replica's stream, oldest first."""
    streams = cloud.client("dynamodbstreams", region)
    records = streams.get_records(ShardIterator=open_stream(cloud, table, region))["Records"]
    return [r for r in records if r["dynamodb"]["Keys"]["id"] == {"S": partition}]


def event_names(cloud: LocalCloud, table: str, region: str, partition: str) -> list[str]:
    """Return the event names of one item's records."""
    return [record["eventName"] for record in stream_records(cloud, table, region, partition)]
