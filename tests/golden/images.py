"""Builds the images whose bytes are golden."""

from typing import Any

from reconciler.item.filing import file
from reconciler.item.image import DELETE, merge
from reconciler.item.metadata import encode
from tests.builders import SCHEMA, Replica, add, as_stream, assign, discard, increment, remove
from tests.crdt.deciding import SCHEMA as DECIDING


def images() -> dict[str, dict[str, Any]]:
    """Return the golden images by name, as streams carry them."""
    ada = Replica("use1")
    first = ada.write(
        assign("name", "Ada"),
        assign("notes", "one"),
        increment("balance", 10),
        add("tags", "a", "b", "c"),
        add("blocked", "x", "y"),
        assign("active", True),
        assign("high", 7),
        assign("low", "2026-01-01"),
        assign("picture", b"\x00\xff"),
        assign("profile", {"city": "Rome", "visits": 3, "labels": {"p"}, "deep": {"k": 1}}),
        at=1_700_000_000_000,
    )
    second = ada.write(
        increment("balance", 5), discard("tags", "b"), discard("blocked", "x"), at=1_700_000_001_000
    )
    other = Replica("euw1", first).write(
        assign("notes", "two"),
        increment("balance", 100),
        add("tags", "d"),
        assign("active", False),
        assign("profile.city", "Paris"),
        at=1_700_000_001_000,
    )
    owned = Replica("apse1").write(assign("owner", "Zoe"), at=1_700_000_000_000, schema=DECIDING)
    ours = Replica("use1", owned).write(
        remove("owner"),
        assign("colour", "red"),
        assign("case", {"owner": "Ada", "colour": 1}),
        at=1_700_000_001_000,
        schema=DECIDING,
    )
    theirs = Replica("euw1", owned).write(
        assign("owner", "Eve"),
        assign("colour", "blue"),
        assign("case", {"owner": "Bo", "colour": 2}),
        at=1_700_000_002_000,
        schema=DECIDING,
    )
    month = SCHEMA.model_copy(update={"tombstone_retention_days": 30})
    tombstone = Replica("use1", second).write(DELETE, at=1_700_000_002_000, schema=month)
    own = month.model_copy(update={"ttl_attribute": "until"})
    expiring = Replica("use1", owned).write(DELETE, at=1_700_000_002_000, schema=own)
    unmanaged: dict[str, Any] = {**first, "name": {"S": "Grace"}, "balance": {"N": "12"}}
    legacy = {"id": {"S": "p1"}, "name": {"S": "Old"}, "balance": {"N": "1"}}
    made = {
        "first write of every type": first,
        "second write": second,
        "merge of two concurrent writes": merge(second, other),
        "second write of a manual, first of a custom": theirs,
        "manual and custom, each of two values": merge(ours, theirs),
        "tombstone": tombstone,
        "tombstone in a table with a TTL attribute of its own": expiring,
        "change around the library, adopted": encode(file(unmanaged)),
        "item from before the library, written to": Replica("use1", legacy).write(
            increment("balance", 2), at=1_700_000_003_000
        ),
    }
    return {name: as_stream(image) for name, image in made.items()}
