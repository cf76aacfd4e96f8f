"""Which parties a list is to show: TMF630's fields, offset, limit, and filters by attributes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.api.answers import Refused

MOST = 1_000  # items that one list reads, those before its offset included
_OURS = ("fields", "offset", "limit")
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True)
class Page:
    """A page of a list, which fields of each are shown, all of them if none are named, and what
    attributes those that are shown have."""

    fields: tuple[str, ...]
    offset: int
    limit: int
    filters: Mapping[str, str]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Page":
        """Read a query string; Refused for what is none."""
        numbers = query.get("offset", "0"), query.get("limit", "20")
        if not all(map(_NUMBER.fullmatch, numbers)):
            raise Refused("invalidRequest", "offset, limit: they are numbers from 0 on")
        offset, limit = map(int, numbers)
        if offset + limit > MOST:
            raise Refused("invalidRequest", f"offset and limit together are at most {MOST:,}")
        filters = {name: query[name] for name in query if name not in _OURS}
        return cls(fields_in(query), offset, limit, filters)


def fields_in(query: Mapping[str, str]) -> tuple[str, ...]:
    """Return the fields that a query names."""
    return tuple(filter(None, (name.strip() for name in query.get("fields", "").split(","))))
