"""The hands that write while a table moves in: raw, with names, instrumented, and the library's."""

import json
import time
from collections.abc import Sequence
from typing import Any

from reconciler.aws import connect
from reconciler.aws.instrumented import instrument
from reconciler.client.editor import ItemEditor
from reconciler.clock import now_ms
from reconciler.deployment.wiring import OutsideWriters
from reconciler.drills.guests.calls import named_call, raw_call
from reconciler.drills.guests.clients import Boto3
from reconciler.drills.guests.stage import SCHEMA, Stage
from reconciler.drills.guests.writes import ALONE, COUNTER, LIBRARY, NAMED, SET, Answered, Write
from reconciler.drills.migration.rows import INSTRUMENTED
from reconciler.drills.workload import RECONCILED
from reconciler.local.clients import Boto3Clients

_A_BATCH = 25


class Hands:
    """Carries writes out, each as its hand would; those of one row must come one after another."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._raw = Boto3(stage.cloud)
        clients = Boto3Clients(stage.cloud.endpoint)  # others than the raw ones
        self._instrumented = {
            region: clients.get("dynamodb", region=region) for region in stage.cloud.regions
        }
        for client in self._instrumented.values():
            instrument(client, SCHEMA)
        self.connect("expected")

    def connect(self, outside_writers: OutsideWriters) -> None:
        """Open the library's tables, told who else writes."""
        self._tables = {
            region: connect(
                SCHEMA,
                region=region,
                dynamodb=self._stage.cloud.client("dynamodb", region),
                outside_writers=outside_writers,
            )
            for region in self._stage.cloud.regions
        }

    def make(self, region: str, first: Sequence[Write]) -> list[Answered]:
        """Make rows by raw batches, and return what was acknowledged."""
        dynamodb = self._stage.cloud.client("dynamodb", region)
        made = [Answered(write, self._raw.name, left=_made(write)) for write in first]
        for start in range(0, len(made), _A_BATCH):
            puts = [{"PutRequest": {"Item": e.left}} for e in made[start : start + _A_BATCH]]
            answer = dynamodb.batch_write_item(RequestItems={RECONCILED: puts})
            assert not answer["UnprocessedItems"]  # noqa: S101 (a local cloud takes them all)
        return made

    def carry_out(self, write: Write) -> Answered:
        """Carry a write out; the next one of its row gets a later millisecond."""
        left = None
        if write.hand == LIBRARY:
            self._tables[write.region].apply(_key(write), _change_of(write))
        elif write.hand == INSTRUMENTED:
            self._by_one_line(write)
        elif write.hand == NAMED:
            call = named_call(write, self._stage.replica(write.region))
            self._raw.send(write.region, call)
        else:
            answer = self._raw.send(write.region, raw_call(write))
            left = answer if write.item.kind == ALONE else None
        acknowledged = now_ms()
        while now_ms() <= acknowledged:
            time.sleep(0.001)
        return Answered(write, write.hand, left=left)

    def _by_one_line(self, write: Write) -> None:
        """Write as code that knows nothing: by an update, or by saving what it has read."""
        dynamodb = self._instrumented[write.region]
        if write.turn % 2:
            dynamodb.update_item(**json.loads(raw_call(write).text))
            return
        key = {"id": {"S": write.item.name}}
        item = dynamodb.get_item(TableName=RECONCILED, Key=key)["Item"]
        if write.verb == "increment":
            item[COUNTER] = {"N": str(int(item.get(COUNTER, {"N": "0"})["N"]) + write.mark)}
        elif write.verb == "add":
            item[SET] = {"SS": [*item.get(SET, {"SS": []})["SS"], write.member]}
        else:
            item[write.attribute] = {"S": write.member}
        dynamodb.put_item(TableName=RECONCILED, Item=item)


def _key(write: Write) -> dict[str, Any]:
    return {"id": write.item.name}


def _made(write: Write) -> dict[str, Any]:
    return {"id": {"S": write.item.name}, write.attribute: {"S": write.member}}


def _change_of(write: Write) -> Any:
    def change(item: ItemEditor) -> None:
        if write.verb == "increment":
            item.increment(COUNTER, write.mark)
        elif write.verb == "add":
            item.add(SET, write.member)
        else:
            item[write.attribute] = write.member

    return change
