"""The HTTP door's routes of TMF632: parties, created, read, listed, patched and deleted.

They are there if the table's schema has what parties need: `parties` of
`reconciler.api.tmf632.party` is one.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from functools import partial, update_wrapper
from itertools import islice
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from handlers.api_function import Function, checked, permitted, response
from reconciler.api.access import Right
from reconciler.api.answers import Answer, Refused
from reconciler.api.conditions import Conditions, etag_of, once_in
from reconciler.api.items import REPLAYED
from reconciler.api.requests import Request
from reconciler.api.tmf632.filters import query_of
from reconciler.api.tmf632.json_patch import JSON_PATCH
from reconciler.api.tmf632.pages import MOST, Page, fields_in
from reconciler.api.tmf632.party import created, holds_parties, json_patched, patched, shown
from reconciler.api.tmf632.resources import RESOURCES, Resource
from reconciler.causality.keys import Once
from reconciler.client.editor import ItemEditor
from reconciler.client.writer import Written
from reconciler.errors import InvalidInput
from reconciler.item.image import read
from reconciler.text.plain_json import json_text
from reconciler.values.wire import Image, digest

PATCHES = ("application/merge-patch+json", JSON_PATCH, "application/json")
router = Router()  # type: ignore[no-untyped-call]


def _create(resource: Resource) -> Response[Any]:
    kept, request = _opened("write")
    document = request.document()
    values = created(resource, document)
    once = _once(kept, request, f"POST {resource.collection}", document)
    # With a key its repetition must find the same party, in any region.
    named = digest(once.key.encode(), 22) if once is not None else secrets.token_urlsafe(16)

    def fill(item: ItemEditor) -> None:
        for name, value in values.items():
            item[name] = value

    written = kept.table.carry_out({"id": named}, fill, lambda image: image, once=once)
    place = {"Location": f"{resource.collection}/{named}"}
    return response(_written(resource, written, 201, place))


def _list(resource: Resource) -> Response[Any]:
    kept, request = _opened("read")
    page = Page.of(request.query)
    items = islice(_items(kept, resource, page), MOST)
    living = (item for item in items if item is not None and resource.holds(item))
    found = list(islice(living, page.offset, page.offset + page.limit + 1))
    told = [shown(item, page.fields) for item in found[: page.limit]]
    status = 206 if len(found) > page.limit else 200
    return response(Answer(status, json_text(told), {"X-Result-Count": str(len(told))}))


def _items(kept: Function, resource: Resource, page: Page) -> Iterator[dict[str, Any] | None]:
    if page.filters:
        return kept.table.query(**query_of(page.filters, kept.settings.indexes, resource))
    return map(read, kept.region.items.scan())


def _retrieve(resource: Resource, identifier: str) -> Response[Any]:
    kept, request = _opened("read")
    conditions, fields = Conditions.of(request.headers), fields_in(request.query)
    image = kept.table.image(_key(kept, identifier))
    item = read(image)
    if image is None or item is None or not resource.holds(item):
        raise _absent(resource)
    headers = {"ETag": etag_of(image)}
    if conditions.has(headers["ETag"]):
        return response(Answer(304, "", headers))
    return response(Answer(200, json_text(shown(item, fields)), headers))


def _patch(resource: Resource, identifier: str) -> Response[Any]:
    kept, request = _opened("write")
    document = request.document(PATCHES)
    if request.kind == JSON_PATCH:
        change = json_patched(resource, document)
    else:
        change = patched(resource, document, identifier)
    once = _once(kept, request, f"PATCH {identifier} {request.kind}", document)
    there = _there(resource, Conditions.of(request.headers))
    written = kept.table.carry_out(_key(kept, identifier), change, there, once=once)
    return response(_written(resource, written, 200, {}))


def _delete(resource: Resource, identifier: str) -> Response[Any]:
    kept, request = _opened("write")
    once = _once(kept, request, f"DELETE {identifier}", None)
    there = _there(resource, Conditions.of(request.headers))
    key = _key(kept, identifier)
    written = kept.table.carry_out(key, ItemEditor.delete, there, once=once)
    return response(Answer(204, "", REPLAYED if written.repeated else {}))


def _add_routes(resource: Resource) -> None:
    def of(answering: Callable[..., Response[Any]]) -> Callable[..., Response[Any]]:
        return update_wrapper(partial(answering, resource), answering)  # a route has a name

    one = f"{resource.collection}/<identifier>"
    router.post(resource.collection)(of(_create))
    router.get(resource.collection)(of(_list))
    router.get(one)(of(_retrieve))
    router.patch(one)(of(_patch))
    router.delete(one)(of(_delete))


for each in RESOURCES:
    _add_routes(each)


def _opened(right: Right) -> tuple[Function, Request]:
    request = Request.of(router.current_event.raw_event)
    kept = permitted(request, right)
    if not holds_parties(kept.settings.item_schema):
        raise Refused("notFound", "this table's schema is none of parties")
    return kept, request


def _once(kept: Function, request: Request, what: str, document: Any) -> Once | None:
    # Numbers as their digits: they are int or Decimal, and JSON's own would be inexact.
    payload = json.dumps([what, document], sort_keys=True, default=str).encode()
    return once_in(request.headers, payload, is_required=kept.settings.keys_required)


def _key(kept: Function, identifier: str) -> dict[str, Any]:
    try:
        return kept.settings.keys.of_segments([identifier])
    except InvalidInput as problem:
        raise Refused("invalidRequest", f"path: {problem}") from None


def _there(resource: Resource, conditions: Conditions) -> Callable[[Image | None], Image | None]:
    check = checked(conditions)

    def there(image: Image | None) -> Image | None:
        if not resource.holds(read(image)):
            raise _absent(resource)
        return check(image)

    return there


def _absent(resource: Resource) -> Refused:
    return Refused("notFound", f"there is no such {resource.name}, or it was deleted")


def _written(resource: Resource, written: Written, status: int, headers: dict[str, str]) -> Answer:
    item = read(written.image)
    if written.image is None or item is None:
        raise _absent(resource)  # a repetition, of what was deleted since
    told = headers | {"ETag": etag_of(written.image)} | (REPLAYED if written.repeated else {})
    return Answer(status, json_text(shown(item)), told)
