"""Global tables on moto: every replica of every registered table, under one lock.

A registered table is replicated between all regions. Client requests and replicated puts take
turns, so that no interleaving can make replicas differ for good. A request leaves at most one
stream record per item, none for a write that changed nothing, and none for a transaction that was
cancelled.
Source: Amazon DynamoDB developer guide, "Change data capture for DynamoDB Streams", "Global
tables: how it works".
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from threading import Condition
from typing import Any, TypeVar

from reconciler.aws import now_ms
from reconciler.aws_model.equality import Item, same_item
from reconciler.aws_model.replication import Arrival, ItemKey, Replication
from reconciler.local.errors import LocalCloudError
from reconciler.local.server.expiry import EXPIRY, expired_keys
from reconciler.local.server.replica_shard import ReplicaShard
from reconciler.local.server.stored_items import held, key_types, stored, table_in

_Answer = TypeVar("_Answer")

# Replication looks at least this often whether it was stopped.
_LONGEST_WAIT_MS = 250
# How much of a burst is delivered while clients wait: a few milliseconds' work.
_SLICE = 10
_BETWEEN_SLICES_SECONDS = 0.001


@dataclass
class _Consumer:
    shard: ReplicaShard
    checkpoint: int  # the number of the last record that it has handled


class GlobalTables:
    """Every registered table in every region, its replication, and the lock over both."""

    def __init__(self, replication: Replication) -> None:
        self.turn = Condition()
        self.replication = replication
        self.dark: set[str] = set()  # regions whose requests are all answered with errors
        self._shards: dict[tuple[str, str], ReplicaShard] = {}
        self._consumers: dict[tuple[str, str], _Consumer] = {}

    def register(self, name: str, *, consumed: bool) -> None:
        """Replicate the table `name` from now on.

        `consumed`: a worker in each region reads the stream and reports with `set_checkpoint`.
        Raises: LocalCloudError if a region has no such empty table with a stream.
        """
        with self.turn:
            tables = {region: table_in(region, name) for region in self.replication.regions}
            for region, table in tables.items():
                if table is None or table.stream_shard is None or table.items:
                    raise LocalCloudError(f"{region} has no empty table {name!r} with a stream")
            for region, table in tables.items():
                shard = ReplicaShard(region, table)
                table.stream_shard = shard
                self._shards[region, name] = shard
                if consumed:
                    self._consumers[region, name] = _Consumer(shard, shard.last_sequence_number())

    def run_client_request(self, run: Callable[[], _Answer]) -> _Answer:
        """Run a client's request against moto alone, then stamp and offer what it changed."""
        with self.turn:
            answer = run()
            written = [self._commit(key, shard) for key, shard in self._shards.items()]
            if any(written):
                self.turn.notify_all()
            return answer

    def set_checkpoint(self, region: str, name: str, sequence_number: int) -> None:
        """Note that every record up to `sequence_number` was handled, filtered or set aside."""
        with self.turn:
            self._consumers[region, name].checkpoint = sequence_number

    def checkpoint(self, region: str, name: str) -> int:
        """Return the number of the last handled record, one less than the first if none is."""
        with self.turn:
            return self._consumers[region, name].checkpoint

    def trim(self, region: str, name: str) -> None:
        """Let a stream forget its handled records; a consumer has no use for them any more."""
        with self.turn:
            consumer = self._consumers[region, name]
            consumer.shard.trim(consumer.checkpoint)

    def is_global(self, name: str) -> bool:
        """Whether a table is replicated; for who has the turn."""
        return (self.replication.regions[0], name) in self._shards

    def share_expiry(self, region: str, name: str) -> None:
        """Let every replica have the TTL settings of one; for who has the turn."""
        for other in self.replication.regions if self.is_global(name) else ():
            table_in(other, name).ttl = dict(table_in(region, name).ttl)

    def expire(self, region: str, name: str, at_seconds: int) -> int:
        """Delete what TTL would delete in a region at a time; return how many items.

        Their records name DynamoDB as the one who did it, in the stream of this region alone.
        """
        with self.turn:
            table, shard = table_in(region, name), self._shards[region, name]
            for keys in expired_keys(table, at_seconds):
                table.delete_item(*keys)
            deleted = self._commit((region, name), shard, user_identity=EXPIRY)
            self.turn.notify_all()
            return deleted

    def place(self, region: str, name: str, keys: Mapping[str, Any], item: Item | None) -> None:
        """Let one replica have an item, or none, that it got by no write: nobody is told of it."""
        with self.turn:
            table, shard = table_in(region, name), self._shards[region, name]
            if item is None:
                table.delete_item(*key_types(table, keys))
            else:
                table.put_item(held(item))
            shard.drain()

    def unhandled(self) -> dict[str, int]:
        """Return, by region, how many stream records still wait for their consumer."""
        return {
            region: consumer.shard.last_sequence_number() - consumer.checkpoint
            for (region, _), consumer in self._consumers.items()
        }

    def replicate(self, stopped: Callable[[], bool]) -> None:
        """Deliver changes as they fall due, until `stopped`.

        A burst is delivered in slices, and clients take turns between them.
        """
        while not stopped():
            with self.turn:
                slice_ = list(islice(self.replication.deliver(now_ms()), _SLICE))
                for arrival in slice_:
                    self._store(arrival)
                if not slice_:
                    due_ms = self.replication.next_due_ms()
                    wait_ms = _LONGEST_WAIT_MS if due_ms is None else due_ms - now_ms()
                    self.turn.wait(min(max(wait_ms, 0), _LONGEST_WAIT_MS) / 1000)
            time.sleep(_BETWEEN_SLICES_SECONDS)  # a lock that is only let go is ours again at once

    def _store(self, arrival: Arrival) -> None:
        """Put a winning change into the destination's table; its record says only what changed."""
        key = arrival.write.key
        shard = self._shards[arrival.destination, key.table]
        table = table_in(arrival.destination, key.table)
        if arrival.write.item is not None:
            table.put_item(held(arrival.write.item))
        else:
            table.delete_item(*key_types(table, json.loads(key.key)))
        for _, keys, old in shard.drain():
            new = stored(table, keys)
            if not same_item(old, new):
                shard.emit(keys, old, new)

    def _commit(
        self,
        place: tuple[str, str],
        shard: ReplicaShard,
        user_identity: Mapping[str, str] | None = None,
    ) -> int:
        """Turn what a request did to one replica into records and replicated changes.

        `user_identity` names DynamoDB where no client asked for it. The stored item is compared,
        not the outcome moto reported: a cancelled transaction has touched items and changed none.
        """
        region, name = place
        written = 0
        for key, keys, old in shard.drain():
            new = stored(table_in(region, name), keys)
            if new == old:
                continue
            # An item spelled differently (1.0 for 1) is the same to a reader, so it leaves no
            # record, but it must be replicated for replicas to stay equal byte by byte.
            if not same_item(old, new):
                shard.emit(keys, old, new, user_identity)
            self.replication.local_write(region, ItemKey(name, key), new, now_ms())
            written += 1
        return written
