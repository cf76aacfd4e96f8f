"""What the fields of a table's document say of each other: keys, indexes and time-to-live. Pure.

HAZARD if an index gave the table's key another type: the table's key would silently change.
Source: DynamoDB guide, "Naming rules", "Quotas".
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from reconciler.deployment.table_document import Index, Key

_RESERVED = "_rec"


class Table(Protocol):
    """A table as a document describes it."""

    @property
    def partition_key(self) -> "Key": ...

    @property
    def sort_key(self) -> "Key | None": ...

    @property
    def indexes(self) -> "Sequence[Index]": ...

    @property
    def ttl_attribute(self) -> str: ...


def key_kinds(table: Table) -> Iterator[str]:
    """Yield what is wrong with the keys: DynamoDB keeps one type for each attribute's name."""
    keys = {"partition_key": table.partition_key, "sort_key": table.sort_key}
    for place, index in enumerate(table.indexes):
        keys[f"indexes.{place}.partition_key"] = index.partition_key
        keys[f"indexes.{place}.sort_key"] = index.sort_key
    kinds: dict[str, tuple[str, str]] = {}
    for path, key in keys.items():
        if key is None:
            continue
        if key.name.startswith(_RESERVED):
            yield f"{path}: names that begin with {_RESERVED} are reserved"
        first, kind = kinds.setdefault(key.name, (path, key.type))
        name = shown(key.name)
        if kind != key.type:
            yield f"{path}: {name} is of type {key.type} here and of {kind} in {first}"
        if path.endswith("sort_key"):
            partner = keys[path.removesuffix("sort_key") + "partition_key"]
            if partner is not None and partner.name == key.name:
                yield f"{path}: {name} is the partition key, too"


def index_names(table: Table) -> Iterator[str]:
    """Yield what is wrong with the names of the indexes."""
    names = [index.name for index in table.indexes]
    for place, name in enumerate(names):
        if name.startswith(_RESERVED):
            yield f"indexes.{place}.name: names that begin with {_RESERVED} are reserved"
    yield from (
        f"indexes: two are named {name}" for name in sorted(set(names)) if names.count(name) > 1
    )


def ttl_attribute(table: Table) -> Iterator[str]:
    """Yield what is wrong with the attribute that time-to-live is on."""
    name, keys = table.ttl_attribute, (table.partition_key, table.sort_key)
    if name.startswith(_RESERVED):
        yield f"ttl_attribute: names that begin with {_RESERVED} are the library's; leave it out"
    if any(key is not None and key.name == name for key in keys):
        yield "ttl_attribute: a deleted item cannot expire by its key; take another attribute"
    for index in table.indexes:
        for each in (index.partition_key, index.sort_key):
            if each is not None and each.name == name and each.type != "N":
                yield f"ttl_attribute: index {index.name} has it as a key that is no number"


def shown(text: str) -> str:
    """Return a name from the document as one line of it can hold: escaped, and cut."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:40])
