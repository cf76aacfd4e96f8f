"""The form of one element of `_rec_w`, read strictly: what a name may hold, and nothing else."""

import re
from typing import Any, NamedTuple

from reconciler.causality.hlc import DIGIT, NONCE_WIDTH
from reconciler.crdt.base import TYPES
from reconciler.values.wire import SET_KINDS, Path, Wire, canonical, canonical_bytes

PARTS = {"by": "S", "at": "N", "id": "S", "do": "L"}
OWN_TYPES = {
    "increment": "counter_pn",
    "add": "set_aw",
    "discard": "set_aw",
    "assign": "register_lww",
    "remove": "register_lww",
}
NULL: Wire = {"NULL": True}


class Did(NamedTuple):
    """One thing done: `value` is None where the name does not say it."""

    verb: str
    path: Path
    value: Wire | None
    type: str


class Name(NamedTuple):
    """One element."""

    by: str
    at: int
    id: str
    do: tuple[Did, ...]


def read_element(element: Any) -> Name:
    """Return what an element says; AssertionError if it is not of the one form."""
    assert canonical_bytes(canonical(element))  # every value in it is one of DynamoDB's
    fields = element["M"]
    assert {name: kind for name, value in fields.items() for kind in value} == PARTS
    by, at, id_, do = (fields[name][kind] for name, kind in PARTS.items())
    assert re.fullmatch(r"[a-z]+[0-9]([a-z0-9]{5})?", by)
    assert re.fullmatch(r"[1-9][0-9]{12}", at)
    assert re.fullmatch(rf"{DIGIT}{{{NONCE_WIDTH}}}", id_)
    assert do
    return Name(by, int(at), id_, tuple(map(_did, do)))


def _did(wire: Any) -> Did:
    verb, where, *rest = wire["L"]
    assert verb["S"] in OWN_TYPES
    path = (where["S"],) if "S" in where else tuple(part["S"] for part in where["L"])
    assert all(path)
    assert "S" in where or len(path) > 1
    assert len(rest) <= 2
    value = rest[0] if rest and rest[0] != NULL else None
    kind = rest[1]["S"] if rest[1:] else OWN_TYPES[verb["S"]]
    assert kind.partition(":")[0] in TYPES
    assert (kind.partition(":")[2] != "") == (kind.partition(":")[0] == "custom")
    if verb["S"] == "increment":
        assert value is not None
        assert "N" in value
    elif verb["S"] in ("add", "discard"):
        assert value is not None
        assert set(value) <= set(SET_KINDS)
    elif verb["S"] == "remove":
        assert value is None
    return Did(verb["S"], path, value, kind)
