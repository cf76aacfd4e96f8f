"""Shared builders: a schema with every type, edits, clocks that tests set, and small items."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from secrets import token_bytes
from typing import Any

from reconciler.causality.hlc import NONCE_WIDTH, HybridClock, fixed_width
from reconciler.causality.keys import Once
from reconciler.client.sending import Surroundings
from reconciler.crdt.base import Edit
from reconciler.item import edits
from reconciler.item.image import write
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, Path, Wire, to_json

KEY = {"id": "p1"}
TYPES = {
    "name": "register_lww",
    "notes": "register_mv",
    "balance": "counter_pn",
    "tags": "set_aw",
    "blocked": "set_rw",
    "active": "flag_ew",
    "high": "register_max",
    "revision": "version",
    "low": "register_min",
    "profile": {
        "type": "map_or",
        "fields": {
            "visits": "counter_pn",
            "labels": "set_aw",
            "bans": "set_rw",
            "seen": "register_max",
            "deep": {"type": "map_or", "values": "counter_pn"},
        },
    },
}
SCHEMA = Schema.of(table="parties", key=["id"], attributes=TYPES)
DELETE_WINS = Schema.of(table="parties", key=["id"], attributes=TYPES, delete="delete_wins")


def _path(where: str) -> Path:
    """Return a path; `where` is written as messages show it, such as "profile.city"."""
    return tuple(where.split("."))


def assign(where: str, value: Any) -> Edit:
    return edits.assign(_path(where), value)


def remove(where: str) -> Edit:
    return edits.remove(_path(where))


def increment(where: str, amount: Any = 1) -> Edit:
    return edits.increment(_path(where), amount)


def add(where: str, *elements: Any) -> Edit:
    return edits.add(_path(where), *elements)


def discard(where: str, *elements: Any) -> Edit:
    return edits.discard(_path(where), *elements)


def clock(wall_ms: int, nonces: Iterator[int]) -> HybridClock:
    """Return a new writer's clock: it knows nothing but what the item carries."""
    return HybridClock(lambda: wall_ms, lambda: fixed_width(next(nonces), NONCE_WIDTH))


def surroundings(
    sleep: Callable[[float], object] = lambda _: None, draw: Callable[[], float] = lambda: 0.5
) -> Surroundings:
    """Return the surroundings of a write client in which no time passes."""
    return Surroundings(lambda: 0, lambda seconds: (sleep(seconds), None)[1], draw, _fresh)


def _fresh() -> bytes:
    return token_bytes(12)


class Replica:
    """One region's copy of one item; every write states its wall time and is a new writer's."""

    def __init__(self, name: str, image: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.image = image
        self._nonces = count(1)

    def write(
        self, *edits_: Edit, at: int = 1_000, schema: Schema = SCHEMA, once: Once | None = None
    ) -> Image:
        self.image = write(
            self.image,
            edits_,
            key=KEY,
            schema=schema,
            replica=self.name,
            clock=clock(at, self._nonces),
            once=once.lineage() if once else None,
        )
        return self.image


def written(*edits_: Edit, replica: str = "use1", at: int = 1_000) -> Image:
    """Return the image of a new item after one write."""
    return Replica(replica).write(*edits_, at=at)


def as_stream(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return the image as a Lambda stream record carries it: JSON, with binary as base64 text."""
    return dict(json.loads(to_json(image)))


def metadata(image: Mapping[str, Any]) -> dict[str, Wire]:
    """Return the reserved map of an image."""
    return dict(image["_rec"]["M"])
