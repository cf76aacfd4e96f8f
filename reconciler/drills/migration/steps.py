"""The steps of the way in and out, as their commands do them, on a local cloud."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from reconciler.aws import now_ms
from reconciler.aws.region import Region
from reconciler.deployment.names import Names, home_of
from reconciler.drills.guests.stage import SCHEMA
from reconciler.drills.workload import RECONCILED
from reconciler.item.metadata import METADATA, NAMES
from reconciler.local.cloud import LocalCloud
from reconciler.sweeping.adoption import Adopter
from reconciler.sweeping.tally import Tally
from reconciler.sweeping.walk import Budget, Time, Walk

_UNITS = 10_000  # a second: a local cloud has no capacity to spare for others
_SEGMENTS = 1  # each scan of a local table goes through all of it


@dataclass
class Adopted:
    """How the rows of a run ended, and the names of those that it left, by reason."""

    counts: Counter[str]
    left: dict[str, list[str]] = field(default_factory=dict)


def adopt(cloud: LocalCloud) -> Adopted:
    """Adopt the table, as `reconciler adopt --execute` does."""

    def client_of(service: str, region: str) -> object:
        return cloud.client(service, region)

    left: dict[str, list[str]] = {}

    def hear(key: str, outcome: Enum, _why: str) -> None:
        left.setdefault(outcome.value, []).append(json.loads(key)["id"]["S"])

    clock, tally = Time(now_ms, time.sleep), Tally(hear)
    reads, writes = Budget(_UNITS, clock), Budget(_UNITS, clock)
    replicas = {
        each: Region(Names(RECONCILED, each), client_of=client_of).whole for each in cloud.regions
    }
    adopter = Adopter(replicas, SCHEMA, tally, clock, execute=True, reads=reads, writes=writes)
    home = replicas[home_of(replicas)]
    adopter.adopt(Walk(home, _SEGMENTS, reads, lambda _: None))
    return Adopted(Counter({each.value: count for each, count in tally.counts.items()}), left)


def take_metadata_out(cloud: LocalCloud) -> None:
    """Take out of each row what the library put into it, once nothing of the library runs."""
    dynamodb = cloud.client("dynamodb", cloud.regions[0])
    for item in cloud.scan(RECONCILED, cloud.regions[0]):
        dynamodb.update_item(
            TableName=RECONCILED,
            Key={"id": item["id"]},
            UpdateExpression="REMOVE #rec, #names",
            ExpressionAttributeNames={"#rec": METADATA, "#names": NAMES},
        )
