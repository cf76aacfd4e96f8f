"""The local cloud's own HTTP surface, beside the AWS APIs: `/_reconciler/<command>`.

A command is a POST with JSON in and JSON out. What it does not accept is answered with 400 and
`{"error": text}`. Only this cloud's own processes get here: `process` asks for their token.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

from moto.sqs.models import sqs_backends

from reconciler.aws_model.equality import Item
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import ACCOUNT
from reconciler.local.server.replicas import GlobalTables

PREFIX = "/_reconciler/"
_REGIONS = {"region", "one", "other"}  # the arguments that name one


class Control:
    """The commands, over the tables and, for what waits in them, the queues of every region."""

    def __init__(self, tables: GlobalTables, messaging: Lock) -> None:
        self._tables = tables
        self._messaging = messaging
        self._replication = tables.replication
        self._ready_workers: dict[str, int] = {}  # by region, the process
        self._commands: dict[str, Callable[..., dict[str, Any] | None]] = {
            "register": self._register,
            "ready": self._ready,
            "set_checkpoint": self._set_checkpoint,
            "checkpoint": self._checkpoint,
            "trim": self._trim,
            "expire": self._expire,
            "place": self._place,
            "messages": self._messages,
            "partition": self._partition,
            "isolate": self._isolate,
            "heal": self._heal,
            "darken": self._darken,
            "lighten": self._lighten,
            "status": self._status,
        }

    def answer(self, command: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Carry out a command; return the HTTP status and the JSON body."""
        run = self._commands.get(command)
        if run is None:
            return 404, {"error": f"there is no command {command!r}"}
        for region in (arguments[each] for each in _REGIONS & arguments.keys()):
            if region not in self._replication.regions:
                return 400, {"error": f"{command} {arguments}: there is no region {region!r}"}
        try:
            return 200, run(**arguments) or {}
        except (KeyError, TypeError, LocalCloudError) as error:
            return 400, {"error": f"{command} {arguments}: {error}"}

    def _register(self, table: str, *, consumed: bool) -> None:
        self._tables.register(table, consumed=consumed)

    def _ready(self, region: str, pid: int) -> None:
        self._ready_workers[region] = pid

    def _messages(self, region: str, queue: str) -> dict[str, Any]:
        """Look at a queue without receiving from it: no message changes by being seen."""
        with self._messaging:
            return {"bodies": [message.body for message in _queues(region)[queue]._messages]}

    def _set_checkpoint(self, region: str, table: str, sequence_number: int) -> None:
        self._tables.set_checkpoint(region, table, sequence_number)

    def _checkpoint(self, region: str, table: str) -> dict[str, Any]:
        return {"sequence_number": self._tables.checkpoint(region, table)}

    def _trim(self, region: str, table: str) -> None:
        self._tables.trim(region, table)

    def _expire(self, region: str, table: str, at_seconds: int) -> dict[str, Any]:
        return {"deleted": self._tables.expire(region, table, at_seconds)}

    def _place(self, region: str, table: str, key: Item, item: Item | None) -> None:
        self._tables.place(region, table, key, item)

    def _partition(self, one: str, other: str) -> None:
        with self._tables.turn:
            self._replication.partition(one, other)

    def _isolate(self, region: str) -> None:
        with self._tables.turn:
            self._replication.isolate(region)

    def _heal(self) -> None:
        with self._tables.turn:
            self._replication.heal()
            self._tables.turn.notify_all()

    def _darken(self, region: str) -> None:
        with self._tables.turn:
            self._tables.dark.add(region)

    def _lighten(self, region: str) -> None:
        with self._tables.turn:
            self._tables.dark.discard(region)

    def _status(self) -> dict[str, Any]:
        """Look at everything at one instant: work must not move on behind the look."""
        with self._tables.turn, self._messaging:
            links = [
                {
                    "source": source,
                    "destination": destination,
                    "pending": report.pending,
                    "applied": report.applied,
                    "discarded": report.discarded,
                    "coalesced": report.coalesced,
                    "cut": report.cut,
                }
                for (source, destination), report in self._replication.reports().items()
            ]
            return {
                "links": links,
                "workers": dict(self._ready_workers),
                "unhandled": self._tables.unhandled(),
                "queues": {region: _depths(region) for region in self._replication.regions},
            }


def _queues(region: str) -> dict[str, Any]:
    queues: dict[str, Any] = sqs_backends[ACCOUNT][region].queues
    return queues


def _depths(region: str) -> dict[str, int]:
    """Count the messages of every queue: visible, delayed and in flight alike."""
    return {name: len(queue._messages) for name, queue in _queues(region).items()}
