"""The OpenAPI document of a door: its paths, bodies, headers, errors, and who may do what.

Source: OpenAPI Specification 3.1.0. `/openapi.json` answers it; a test asks the validator.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from reconciler.api.access import RIGHTS, Authorizer, Right
from reconciler.api.answers import REFUSALS
from reconciler.api.keys import KeyShape
from reconciler.api.listing import MOST_ROWS, STATES
from reconciler.api.shapes import ETAG, ITEM, REPLAYED, SCHEMAS, key_schema
from reconciler.api.tmf632.individual import COLLECTION, holds_individuals
from reconciler.api.writes import ItemWrite, Transaction
from reconciler.item.schema import Schema

_REF = "#/components/schemas/{model}"
_ALWAYS = ("forbidden", "tooManyRequests", "internalError", "unavailable")
_ONCE = "A UUIDv7 or ULID: the write counts once, in any region."
_READING = ("invalidRequest", "notFound")
_WRITING = (
    *("keyReused", "preconditionFailed", "contentTooLarge", "unsupportedMediaType"),
    *("refusedEdit", "contention", "outcomeUnknown"),
)


def openapi(
    schema: Schema, keys: KeyShape, authorizer: Authorizer, scope_prefix: str
) -> dict[str, Any]:
    """Return the document of the door to one table."""
    _, bodies = models_json_schema(
        [(ItemWrite, "validation"), (Transaction, "validation")], ref_template=_REF
    )
    guard = _Guard(authorizer, scope_prefix)
    bodies["$defs"]["ItemWrite"]["properties"]["key"] = {"$ref": _REF.format(model="Key")}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Items of {schema.table}", "version": "1.0.0"},
        "security": [],
        "paths": _paths(keys, guard) | (_individuals(guard) if holds_individuals(schema) else {}),
        "components": {
            "schemas": {**bodies["$defs"], **SCHEMAS, "Key": key_schema(keys)},
            "responses": {code: _refusal(*told) for code, told in REFUSALS.items()},
            "securitySchemes": {"caller": _scheme(authorizer)},
        },
    }


class _Guard:
    def __init__(self, authorizer: Authorizer, scope_prefix: str) -> None:
        self._is_jwt, self._prefix = authorizer == "jwt", scope_prefix

    def of(self, right: Right | None) -> list[dict[str, list[str]]]:
        """Return what an operation asks of its caller; None: any one right."""
        wanted = RIGHTS if right is None else (right,)
        scopes = [[self._prefix + each] for each in wanted] if self._is_jwt else [[]]
        return [{"caller": each} for each in scopes]


def _paths(keys: KeyShape, guard: _Guard) -> dict[str, Any]:
    parts = ["partition", "sort"][: len(keys.names)]
    item = "/items/" + "/".join(f"{{{part}}}" for part in parts)
    return {
        **_about_the_door(guard),
        "/write": {"post": _write(guard)},
        item: _get(
            "getItem",
            [*map(_segment, parts), _header("If-None-Match", "Tags that the reader has.")],
            {
                "200": {"description": "The item", "headers": ETAG, **_json(ITEM)},
                "304": {"description": "The reader has it", "headers": ETAG},
            }
            | _refused(*_READING, *_ALWAYS),
            guard.of("read"),
        ),
        **_conflicts(guard),
    }


def _individuals(guard: _Guard) -> dict[str, Any]:
    one = {"headers": ETAG, **_json({"$ref": _REF.format(model="Individual")})}
    many = _json({"type": "array", "items": {"$ref": _REF.format(model="Individual")}})
    body = {"required": True, **_json({"$ref": _REF.format(model="Individual")})}
    patch = {"required": True, **_json({"type": "object"}, "application/merge-patch+json")}
    fields, key = _query("fields", {"type": "string"}), _header("Idempotency-Key", _ONCE)
    numbers = [_query(name, {"type": "integer", "minimum": 0}) for name in ("offset", "limit")]
    match = _header("If-Match", "Tags that the individual may have, or *.")
    named, read, write = [_segment("id")], guard.of("read"), guard.of("write")
    writing = _refused("invalidRequest", "notFound", *_WRITING, *_ALWAYS)
    listed = {"200": {"description": "All that is left", **many}}
    listed["206"] = {"description": "There are more", **many}
    shown = {"200": {"description": "The individual", **one}, "304": {"description": "Known"}}
    made = {"201": {"description": "Created", **one}} | writing
    kept = {"200": {"description": "As written", **one}} | writing
    gone = {"204": {"description": "Deleted"}} | writing
    told = _refused(*_READING, *_ALWAYS)
    listing = _get("listIndividual", [fields, *numbers], listed | told, read)
    creating = _operation("createIndividual", [key], made, write)
    return {
        COLLECTION: {**listing, "post": {**creating, "requestBody": body}},
        f"{COLLECTION}/{{id}}": {
            **_get("retrieveIndividual", [*named, fields], shown | told, read),
            "patch": {
                **_operation("patchIndividual", [*named, key, match], kept, write),
                "requestBody": patch,
            },
            "delete": _operation("deleteIndividual", [*named, key, match], gone, write),
        },
    }


def _about_the_door(guard: _Guard) -> dict[str, Any]:
    anything = _json({"type": "object"})
    live = {"200": {"description": "The function runs", **anything}}
    health = {"200": _answer("Health", "How the region is")}
    document = {"200": {"description": "This document", **anything}}
    return {
        "/health/live": _get("isAlive", [], live, []),
        "/health": _get("health", [], health | _refused("forbidden", "unhealthy"), []),
        "/openapi.json": _get("document", [], document | _refused("forbidden"), guard.of(None)),
    }


def _conflicts(guard: _Guard) -> dict[str, Any]:
    states = {"enum": [each.value for each in STATES], "default": "PARKED"}
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 25}
    text = {"type": "string"}
    page = {"200": _answer("Conflicts", "A page of losses, the oldest first")}
    view = {"200": _answer("ThreeWayView", "The images of a loss, attribute by attribute")}
    return {
        "/conflicts": _get(
            "listConflicts",
            [_query("state", states), _query("limit", limit), _query("cursor", text)],
            page | _refused("invalidRequest", *_ALWAYS),
            guard.of("conflicts"),
        ),
        "/conflicts/{conflict_id}": _get(
            "getConflict",
            [_segment("conflict_id"), _query("item", text)],
            view | _refused(*_READING, *_ALWAYS),
            guard.of("conflicts"),
        ),
    }


def _write(guard: _Guard) -> dict[str, Any]:
    bodies = [{"$ref": _REF.format(model=each)} for each in ("ItemWrite", "Transaction")]
    shown = {"anyOf": [ITEM, {"$ref": "#/components/schemas/Written"}]}
    return {
        "operationId": "write",
        "description": "Edits of one item, or of several in one transaction of this region.",
        "parameters": [
            _header("Idempotency-Key", _ONCE),
            _header("Idempotency-Issued-At", "When any other key was made, in ms since 1970."),
            _header("If-Match", "Tags that the one item may have, or *."),
            _header("If-None-Match", "* if the one item must not exist."),
        ],
        "requestBody": {"required": True, **_json({"oneOf": bodies})},
        "responses": {
            "200": {"description": "As written", "headers": ETAG | REPLAYED, **_json(shown)},
            "204": {"description": "The item is deleted", "headers": REPLAYED},
        }
        | _refused("invalidRequest", *_WRITING, *_ALWAYS),
        "security": guard.of("write"),
    }


def _get(name: str, parameters: Sequence[Any], responses: Any, security: Any) -> dict[str, Any]:
    return {"get": _operation(name, parameters, responses, security)}


def _operation(
    name: str, parameters: Sequence[Any], responses: Any, security: Any
) -> dict[str, Any]:
    told = {"operationId": name, "parameters": list(parameters), "responses": responses}
    return {**told, "security": security}


def _segment(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": dict(schema)}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _answer(schema: str, description: str) -> dict[str, Any]:
    return {"description": description, **_json({"$ref": _REF.format(model=schema)})}


def _json(schema: Mapping[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"content": {kind: {"schema": dict(schema)}}}


def _refused(*codes: str) -> dict[str, Any]:
    """Return the answers with these codes, by status; the first of a status stands for it."""
    return {
        str(REFUSALS[code][0]): {"$ref": f"#/components/responses/{code}"}
        for code in reversed(codes)
    }


def _refusal(status: int, reason: str) -> dict[str, Any]:
    again = {"Retry-After": {"schema": {"type": "integer"}}} if status in (429, 503) else {}
    return {"description": reason, "headers": again, **_json({"$ref": _REF.format(model="Error")})}


def _scheme(authorizer: Authorizer) -> dict[str, Any]:
    if authorizer == "jwt":
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    about = "AWS Signature Version 4"
    return {"type": "apiKey", "in": "header", "name": "Authorization", "description": about}
