"""Which individuals a list is to show: TMF630's fields, offset and limit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.api.answers import Refused

MOST = 1_000  # items that one list reads, those before its offset included
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True)
class Page:
    """A page of a list, and which fields of each are shown: all of them if none are named."""

    fields: tuple[str, ...]
    offset: int
    limit: int

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Page":
        """Read a query string; Refused for what is none."""
        if unknown := query.keys() - {"fields", "offset", "limit"}:
            names = ", ".join(sorted(ascii(name)[1:-1] for name in unknown))
            raise Refused("invalidRequest", f"there is no filter by {names}")
        numbers = query.get("offset", "0"), query.get("limit", "20")
        if not all(map(_NUMBER.fullmatch, numbers)):
            raise Refused("invalidRequest", "offset, limit: they are numbers from 0 on")
        offset, limit = map(int, numbers)
        if offset + limit > MOST:
            raise Refused("invalidRequest", f"offset and limit together are at most {MOST:,}")
        return cls(fields_in(query), offset, limit)


def fields_in(query: Mapping[str, str]) -> tuple[str, ...]:
    """Return the fields that a query names."""
    return tuple(filter(None, (name.strip() for name in query.get("fields", "").split(","))))
