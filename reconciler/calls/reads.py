"""Reads: the library's own attributes left out, and deleted items. Pure.

A deleted item is told by its expiry, so a projection is widened by that. A page is filled up to its
Limit with what stands behind deleted items.
Limit: an index that shows keys alone does not tell which of them are deleted: a read of one is
refused, unless its own key is no part of the table's, for a deleted item is in no such index.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.calls.conditions import hidden_of, mentioned
from reconciler.calls.known import check_known
from reconciler.calls.seen import Sight
from reconciler.calls.shown import shown
from reconciler.calls.steps import Parameters, Request, Steps, Writer
from reconciler.client.placeholders import Placeholders
from reconciler.errors import InvalidInput
from reconciler.item.metadata import EXPIRY, METADATA
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, Wires, canonical_image

_PROJECTION, _LIST = "ProjectionExpression", "AttributesToGet"


def get(asked: Parameters, writer: Writer) -> Steps:
    """Carry out a GetItem."""
    check_known("GetItem", asked)
    answer = yield Request("GetItem", widened(asked))
    if answer.code:
        return answer
    item = answer.parsed.get("Item")
    if item is None and is_whole(asked, writer):
        writer.seen.keep(writer.name_of(asked["Key"]), Sight(None, None))
    return answer.with_(Item=taken_in(item, asked, writer) if item is not None else None)


def widened(asked: Parameters) -> dict[str, Any]:
    """Return a read that shows, whatever its caller projects, which items are deleted."""
    sent = dict(asked)
    if asked.get(_LIST):
        sent[_LIST] = [*asked[_LIST], *({EXPIRY} - {*asked[_LIST]})]
    if asked.get(_PROJECTION):
        placeholders = Placeholders(asked)
        if EXPIRY not in mentioned(asked[_PROJECTION], placeholders.names):
            sent[_PROJECTION] = f"{asked[_PROJECTION]}, {placeholders.name(EXPIRY)}"
            sent |= placeholders.parameters()
    return sent


def is_whole(asked: Parameters, writer: Writer) -> bool:
    """Return whether a read shows whole items."""
    index = asked.get("IndexName")
    return not asked.keys() & {_PROJECTION, _LIST} and (not index or writer.shows_all(index))


def taken_in(item: Image, asked: Parameters, writer: Writer) -> Image | None:
    """Return what a caller is shown of an item that was read, and remember it."""
    view = shown(item, writer.schema)
    if is_whole(asked, writer):
        writer.seen.keep(writer.name_of(item), sight_of(item, writer.schema))
    elif item.keys() >= {*writer.schema.key}:
        _glimpsed(writer.name_of(item), view or {}, writer)
    return view


def _glimpsed(name: str, view: Image, writer: Writer) -> None:
    """Forget an item of which a part that is shown is another one than was seen.

    HAZARD if it were remembered as it was: what others added to a counter, and a put of what is
    shown now holds, would count as the put's own.
    """
    sight = writer.seen.last(name)
    known = sight.view or {} if sight is not None else {}
    if any(known.get(part) != value for part, value in canonical_image(view).items()):
        writer.seen.forget(name)


def sight_of(item: Wires | None, schema: Schema) -> Sight:
    """Return an item, if there is one, as its caller sees it.

    HAZARD if it were not a copy: callers change what they are given, and put it.
    """
    if item is None:
        return Sight(None, None)
    image = canonical_image(item)
    return Sight(image, shown(image, schema))


def page(operation: str, asked: Parameters, writer: Writer) -> Steps:
    """Carry out a Query or a Scan: one page of what its caller is to see."""
    check_known(operation, asked)
    counts = asked.get("Select") == "COUNT"
    if counts and "IndexName" in asked:
        check_index(asked, writer.schema, [{}])
        return (yield Request(operation, dict(asked)))
    sent = _counted(asked, writer.schema) if counts else dict(asked)
    if "IndexName" not in asked:
        sent = widened(sent)
    items: list[Image] = []
    scanned = 0
    while True:
        answer = yield Request(operation, sent)
        if answer.code:
            return answer
        found = answer.parsed.get("Items", [])
        if "IndexName" in asked:
            check_index(asked, writer.schema, found)
        views = [taken_in(each, sent, writer) for each in found]
        items += [view for view in views if view is not None]
        hidden = views.count(None)
        scanned += answer.parsed.get("ScannedCount", len(found)) - hidden
        after = answer.parsed.get("LastEvaluatedKey")
        if not (hidden and after and asked.get("Limit")):
            break
        sent = {**sent, "Limit": hidden, "ExclusiveStartKey": after}
    counted = {"Count": len(items), "ScannedCount": scanned}
    return answer.with_(Items=None if counts else items, **counted)


def _counted(asked: Parameters, schema: Schema) -> dict[str, Any]:
    """Return a read of keys in the place of one that only counts."""
    placeholders = Placeholders(asked)
    keys = ", ".join(placeholders.name(name) for name in schema.key)
    rest = {name: asked[name] for name in asked if name != "Select"}
    return {**rest, _PROJECTION: keys, **placeholders.parameters()}


def check_index(asked: Parameters, schema: Schema, found: Iterable[Mapping[str, Any]]) -> None:
    """Raise InvalidInput if what an index shows may be what is left of a deleted item."""
    names = asked.get("ExpressionAttributeNames") or {}
    key = mentioned(asked.get("KeyConditionExpression") or "", names)
    key |= (asked.get("KeyConditions") or {}).keys()
    if key - {*schema.key, "AND", "and", "BETWEEN", "between", "begins_with"}:
        return  # a deleted item has no such attribute, so it is not in the index
    for image in found:
        if not image.keys() & {METADATA, EXPIRY} and image.keys() <= hidden_of(schema):
            raise InvalidInput(
                f"index {asked['IndexName']} shows keys without {METADATA}, so deleted items look"
                f" like others: project ALL, or include {METADATA}"
            )
