"""A transaction's ClientRequestToken as the idempotency key of its writes. Pure.

One that tells when it was made, a UUIDv7 or a ULID, is a key: its writes count once in whichever
regions it is carried out, for as long as keys live. Any other means what it means to DynamoDB: in
its region, for ten minutes, no transaction but the first is carried out under it. So does one of a
transaction that writes nothing in the library's tables, and one whose time is none that its maker
can have meant: 26 digits have the form of a ULID, too.
HAZARD if another time were taken for one that tells none: in two regions it would be two keys.
Source: DynamoDB API Reference, TransactWriteItems.
"""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.calls.steps import Answer, Parameters, Writer, table_of
from reconciler.causality.keys import LIFETIME_MINUTES, Once, time_in
from reconciler.client.keyed import check_age, is_known
from reconciler.values.wire import SET_KINDS, Image

TOKEN = "ClientRequestToken"  # noqa: S105 (the name of a parameter)
_OLDEST_MS = 1_577_836_800_000  # 2020: before, nobody had this library
# HAZARD if this were below the ten minutes for which DynamoDB knows a token: as time goes on, one
# that was none becomes a key, and its transaction, made again, would be carried out twice.
_AHEAD_MS = LIFETIME_MINUTES * 60_000
_MISMATCH = {
    "Code": "IdempotentParameterMismatchException",
    "Message": "DynamoDB rejected the request because you retried a request with a different"
    " payload but with an idempotent token that was already used.",
}
REUSED = Answer({"Error": _MISMATCH, "ResponseMetadata": {"HTTPStatusCode": 400}})


def key_of(asked: Parameters, writers: Mapping[str, Writer]) -> Once | None:
    """Return the idempotency key of a transaction; None if it has none. KeyExpired.

    HAZARD if one were taken that nothing will show: DynamoDB, too, would not know it any more.
    """
    token = asked.get(TOKEN)
    if not isinstance(token, str) or not _is_shown(asked, writers) or not _is_key(token, writers):
        return None
    said = json.dumps(_said(asked["TransactItems"]), sort_keys=True, default=_text)
    once = Once.of(token, payload=said.encode())
    check(once, writers)
    return once


def _is_shown(asked: Parameters, writers: Mapping[str, Writer]) -> bool:
    """Return whether an item of the library's will show the key: all but checks write it."""
    actions = [next(iter(each.items())) for each in asked["TransactItems"]]
    return any(kind != "ConditionCheck" and at["TableName"] in writers for kind, at in actions)


def _is_key(token: str, writers: Mapping[str, Writer]) -> bool:
    """Return whether a token tells when it was made: a time that is not absurd."""
    at_ms = time_in(token)
    if at_ms is None or at_ms < _OLDEST_MS:
        return False
    for writer in writers.values():
        writer.replica()  # hears the region's time
    return at_ms <= max(writer.now_ms() for writer in writers.values()) + _AHEAD_MS


def check(once: Once | None, writers: Mapping[str, Writer]) -> None:
    """Refuse a key that is too old for one of the tables: before anything, before each send."""
    if once is None:
        return
    for writer in writers.values():
        writer.replica()  # hears the region's time
        check_age(once, writer.now_ms(), writer.schema.key_lifetime_minutes * 60_000)


def is_made(once: Once | None, image: Image | None) -> bool:
    """Return whether an image shows the key; KeyReused for another payload."""
    return once is not None and image is not None and is_known(once.lineage(), image)


def _said(value: Any) -> Any:
    """Return what a transaction says, alike in all regions and whatever order sets have."""
    if isinstance(value, Mapping):
        return {
            name: sorted(map(_text, each))
            if name in SET_KINDS and not isinstance(each, Mapping)
            else table_of(each)
            if name == "TableName" and isinstance(each, str)
            else _said(each)
            for name, each in value.items()
        }
    return [_said(each) for each in value] if isinstance(value, list | tuple) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).hex()
