"""What time-to-live removes: an item whose TTL attribute is a time that has passed.

Source: DynamoDB developer guide, "Using time to live (TTL) in DynamoDB".
"""

from decimal import Decimal

from reconciler.values.wire import Wire

_LONGEST_AGO_S = 5 * 365 * 86_400


def has_passed(value: Wire | None, now_s: int) -> bool:
    """Return whether TTL takes an item with this value now.

    It must be a number of seconds since 1970, and not have passed more than five years ago.
    """
    if value is None or "N" not in value:
        return False
    return 0 <= now_s - Decimal(value["N"]) <= _LONGEST_AGO_S
