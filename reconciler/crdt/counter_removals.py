"""What removals of a counter saw of its slots and bases: two of them join by what saw more."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, TypeVar

from reconciler.causality.context import Lineage
from reconciler.values.wire import Wire, number_text

_IN_PART = "+"  # no digit of a stamp
Key = TypeVar("Key", bound=str)


class Seen(NamedTuple):
    """What a removal saw: a slot up to an hlc, or a base up to a watermark, and its sum then.

    `is_whole` is False for a removal inside the very write that made the slot: more of it may come.
    The greater one saw more.
    """

    until: str
    is_whole: bool
    amount: Decimal


def greater(a: Mapping[Key, Seen], b: Mapping[Key, Seen]) -> Mapping[Key, Seen]:
    """Return, for each key, the record that saw more."""
    return {key: max(each[key] for each in (a, b) if key in each) for key in sorted({**a, **b})}


def not_covered(
    removed: Mapping[Lineage, Seen], bases: Mapping[str, Seen]
) -> Mapping[Lineage, Seen]:
    """Return the records of slots that no record of a base includes."""
    nothing = Seen("", True, Decimal(0))
    return {
        lineage: seen
        for lineage, seen in removed.items()
        if bases.get(lineage.replica, nothing).until < lineage.epoch
    }


def encode_seen(records: Mapping[Key, Seen]) -> Wire:
    """Return the metadata of records."""

    def text(seen: Seen) -> str:
        return f"{seen.until}{'' if seen.is_whole else _IN_PART} {number_text(seen.amount)}"

    return {"M": {key: {"S": text(seen)} for key, seen in records.items()}}


def parse_seen(wire: Wire) -> Seen:
    """Return the record that `encode_seen` wrote."""
    until, amount = wire["S"].split(" ")
    return Seen(until.removesuffix(_IN_PART), not until.endswith(_IN_PART), Decimal(amount))
