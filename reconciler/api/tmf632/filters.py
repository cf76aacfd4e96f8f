"""Which index serves the filters of a list, and how it is asked: equality of whole attributes.

No list scans a table for a filter. An index holds the items alone that have all of its key: so one
serves a list only if each party has what it sorts by, or the list asks for it.
Limit: an index is read as it is, a moment behind the table.
Source: TM Forum TMF630, "REST API Design Guidelines" (attribute filtering); DynamoDB guide, "Using
Global Secondary Indexes".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from reconciler.api.answers import Refused
from reconciler.api.keys import KeyKind, KeyShape
from reconciler.api.tmf632.resources import Resource
from reconciler.errors import InvalidInput


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class IndexKey(_Part):
    """One attribute of an index's key."""

    name: str
    type: KeyKind


class Index(_Part):
    """A global secondary index that has all of each item."""

    name: str
    partition_key: IndexKey
    sort_key: IndexKey | None = None

    def parts(self) -> Iterator[IndexKey]:
        """Yield the attributes of its key."""
        yield self.partition_key
        if self.sort_key is not None:
            yield self.sort_key

    def serves(self, names: set[str], resource: Resource) -> bool:
        """Return whether it finds all parties that filters by these attributes ask for."""
        own = {part.name for part in self.parts()}
        has_all = own - names <= {*resource.required, "id"}
        return names <= own and self.partition_key.name in names and has_all

    def asked(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """Return the Query for filters, in plain values; Refused for what is no value of a key."""
        parts = [part for part in self.parts() if part.name in filters]
        return {
            "IndexName": self.name,
            "KeyConditionExpression": " AND ".join(f"#p{n} = :p{n}" for n in range(len(parts))),
            "ExpressionAttributeNames": {f"#p{n}": part.name for n, part in enumerate(parts)},
            "ExpressionAttributeValues": {
                f":p{n}": _value(part, filters[part.name]) for n, part in enumerate(parts)
            },
        }


def query_of(
    filters: Mapping[str, str], indexes: Sequence[Index], resource: Resource
) -> dict[str, Any]:
    """Return the Query that finds what filters ask for; Refused if no index serves them."""
    names = set(filters)
    for index in indexes:
        if index.serves(names, resource):
            return index.asked(filters)
    given = ", ".join(sorted(ascii(name)[1:-1] for name in names))
    served = [
        each for index in indexes for each in _served(index) if index.serves({*each}, resource)
    ]
    words = "; ".join(" and ".join(each) for each in dict.fromkeys(served)) or "nothing"
    raise Refused(
        "invalidRequest", f"query: no index serves {given}; lists are filtered by {words}"
    )


def filterable(indexes: Sequence[Index], resource: Resource) -> list[str]:
    """Return the attributes that lists can be filtered by, alone or with others."""
    return sorted({n for i in indexes for s in _served(i) if i.serves({*s}, resource) for n in s})


def _served(index: Index) -> Iterator[tuple[str, ...]]:
    names = tuple(part.name for part in index.parts())
    yield from (names[:size] for size in range(1, len(names) + 1))


def _value(part: IndexKey, text: str) -> Any:
    try:
        return KeyShape((part.name,), (part.type,)).of_segments([text])[part.name]
    except InvalidInput as problem:
        raise Refused("invalidRequest", f"query: {problem}") from None
