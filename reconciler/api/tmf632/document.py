"""What the OpenAPI document says of parties: their paths and schemas, made for each resource."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.api.operations import (
    ALWAYS,
    ISSUED,
    ONCE,
    READING,
    REF,
    WRITING,
    Guard,
    get,
    header,
    json_content,
    operation,
    query,
    refused,
    segment,
)
from reconciler.api.shapes import ETAG, REPLAYED
from reconciler.api.tmf632.events import EVENT_TYPES
from reconciler.api.tmf632.filters import Index, filterable
from reconciler.api.tmf632.hub import HUB, Hub
from reconciler.api.tmf632.json_patch import JSON_PATCH, OPERATIONS
from reconciler.api.tmf632.pages import MOST
from reconciler.api.tmf632.party import ATTRIBUTES, body_model
from reconciler.api.tmf632.resources import RESOURCES, Resource
from reconciler.item.schema import RESERVED_PREFIX

_PLACE = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
_COUNT = {"X-Result-Count": {"schema": {"type": "integer"}}}
_WRITES = (*WRITING, *ALWAYS)
_NUMBER = {"type": "integer", "minimum": 0, "maximum": MOST}

_TEXT = {"type": "string"}
_TOLD = ("eventId", "eventTime", "eventType", "@type")
HUB_SCHEMAS: Mapping[str, Any] = {
    "Hub": Hub.model_json_schema(),
    "Subscription": {
        "type": "object",
        "required": ["@type", "id", "href", "callback"],
        "properties": dict.fromkeys(("@type", "id", "href", "callback", "query"), _TEXT),
    },
    "Event": {
        "type": "object",
        "required": [*_TOLD, "event"],
        "properties": {
            **dict.fromkeys(_TOLD, _TEXT),
            "eventType": {"enum": list(EVENT_TYPES)},
            "event": {"type": "object"},
        },
    },
}


def party_paths(guard: Guard, indexes: Sequence[Index]) -> dict[str, Any]:
    """Return the paths of all resources; `indexes` serve the filters of lists."""
    return {path: told for each in RESOURCES for path, told in _paths(each, guard, indexes).items()}


def party_schemas() -> dict[str, Any]:
    """Return the schemas of all resources, of their creations and of their patches."""
    steps = OPERATIONS.json_schema(ref_template=REF)
    own: dict[str, Any] = {**steps.pop("$defs"), "JsonPatch": steps}
    return own | {
        name: schema
        for each in RESOURCES
        for name, schema in (
            (each.kind, _shown(each)),
            (f"{each.kind}Creation", _body(each, is_patch=False)),
            (f"{each.kind}Patch", _body(each, is_patch=True)),
        )
    }


def hub_paths(guard: Guard) -> dict[str, Any]:
    """Return the paths of subscriptions, and of what their callbacks are sent."""
    writing = ("contentTooLarge", "unsupportedMediaType")
    told = {"description": "Subscribed", "headers": _PLACE, **json_content(_named("Subscription"))}
    made = {"201": told} | refused("invalidRequest", "notFound", *writing, *ALWAYS)
    gone = {"204": {"description": "Nothing more is sent"}} | refused("notFound", *ALWAYS)
    events = json_content(_named("Event"))
    sent = {"requestBody": events, "responses": {"2XX": {"description": "It is not sent again"}}}
    right = guard.of("events")
    return {
        HUB: {
            "post": operation("subscribe", [], made, right)
            | _taking(json_content(_named("Hub")))
            | {"callbacks": {"event": {"{$request.body#/callback}": {"post": sent}}}}
        },
        f"{HUB}/{{id}}": {"delete": operation("unsubscribe", [segment("id")], gone, right)},
    }


def _paths(resource: Resource, guard: Guard, indexes: Sequence[Index]) -> dict[str, Any]:
    kind, fields = resource.kind, query("fields", {"type": "string"})
    one = {"headers": ETAG, **json_content(_named(kind))}
    many = {"headers": _COUNT, **json_content({"type": "array", "items": _named(kind)})}
    named, read, write = [segment("id")], guard.of("read"), guard.of("write")
    told, writing = refused(*READING, *ALWAYS), refused("invalidRequest", "notFound", *_WRITES)
    keys = [header("Idempotency-Key", ONCE), header("Idempotency-Issued-At", ISSUED)]
    match = header("If-Match", "Tags that it may have, or *.")
    pages = [fields, query("offset", _NUMBER), query("limit", _NUMBER)]
    pages += [query(name, {"type": "string"}) for name in filterable(indexes, resource)]
    listed = {"200": {"description": "All that is left", **many}}
    listed["206"] = {"description": "There are more", **many}
    found = {"200": {"description": f"The {resource.name}", **one}}
    found["304"] = {"description": "The reader has it", "headers": ETAG}
    made = {"201": {"description": "Created", **one, "headers": ETAG | REPLAYED | _PLACE}}
    kept = {"200": {"description": "As written", **one, "headers": ETAG | REPLAYED}}
    gone = {"204": {"description": "Deleted", "headers": REPLAYED}}
    seen = header("If-None-Match", "Tags that the reader has.")
    creating = operation(f"create{kind}", keys, made | writing, write)
    patching = operation(f"patch{kind}", [*named, *keys, match], kept | writing, write)
    return {
        resource.collection: {
            **get(f"list{kind}", pages, listed | told, read),
            "post": creating | _taking(json_content(_named(f"{kind}Creation"))),
        },
        f"{resource.collection}/{{id}}": {
            **get(f"retrieve{kind}", [*named, fields, seen], found | told, read),
            "patch": patching | _taking(_patches(kind)),
            "delete": operation(f"delete{kind}", [*named, *keys, match], gone | writing, write),
        },
    }


def _patches(kind: str) -> dict[str, Any]:
    merge, steps = _named(f"{kind}Patch"), _named("JsonPatch")
    taken = {"application/merge-patch+json": merge, "application/json": merge, JSON_PATCH: steps}
    return {"content": {kind: {"schema": schema} for kind, schema in taken.items()}}


def _taking(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, **content}}


def _named(schema: str) -> dict[str, Any]:
    return {"$ref": REF.format(model=schema)}


def _body(resource: Resource, *, is_patch: bool) -> dict[str, Any]:
    names = {"propertyNames": {"pattern": f"^(?!{RESERVED_PREFIX})."}}
    return body_model(resource, is_patch=is_patch).model_json_schema() | names


def _shown(resource: Resource) -> dict[str, Any]:
    texts = ("id", "href", "status", *resource.required)
    entries = {"type": "array", "items": {"type": "object"}}
    return {
        "type": "object",
        "required": ["@type", "id", "href"],
        "properties": {
            "@type": {"const": resource.kind},
            **{name: {"type": "string"} for name in texts},
            **dict.fromkeys(ATTRIBUTES, entries),
        },
    }
