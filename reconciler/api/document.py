"""The OpenAPI document of a door: its paths, bodies, headers, errors, and who may do what.

Source: OpenAPI Specification 3.1.0. `/openapi.json` answers it; a test asks the validator.
"""

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from reconciler.api.access import Authorizer
from reconciler.api.answers import REFUSALS
from reconciler.api.keys import KeyShape
from reconciler.api.listing import MOST_ROWS, STATES
from reconciler.api.operations import (
    ALWAYS,
    ISSUED,
    ONCE,
    READING,
    REF,
    WRITING,
    Guard,
    answer,
    get,
    header,
    json_content,
    query,
    refusal,
    refused,
    segment,
)
from reconciler.api.shapes import ETAG, ITEM, REPLAYED, SCHEMAS, key_schema
from reconciler.api.tmf632.document import HUB_SCHEMAS, hub_paths, party_paths, party_schemas
from reconciler.api.tmf632.filters import Index
from reconciler.api.tmf632.party import holds_parties
from reconciler.api.writes import ItemWrite, Transaction
from reconciler.item.schema import Schema


def openapi(
    schema: Schema, keys: KeyShape, guard: Guard, indexes: Sequence[Index], *, has_hub: bool
) -> dict[str, Any]:
    """Return the document of the door to one table."""
    _, bodies = models_json_schema(
        [(ItemWrite, "validation"), (Transaction, "validation")], ref_template=REF
    )
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    if holds_parties(schema):
        paths, schemas = party_paths(guard, indexes), party_schemas()
    if has_hub:
        paths |= hub_paths(guard)
        schemas |= HUB_SCHEMAS
    bodies["$defs"]["ItemWrite"]["properties"]["key"] = {"$ref": REF.format(model="Key")}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Items of {schema.table}", "version": "1.0.0"},
        "security": [],
        "paths": _paths(keys, guard) | paths,
        "components": {
            "schemas": {
                **bodies["$defs"],
                **SCHEMAS,
                **schemas,
                "Key": key_schema(keys),
            },
            "responses": {code: refusal(*told) for code, told in REFUSALS.items()},
            "securitySchemes": {"caller": _scheme(guard.authorizer)},
        },
    }


def _paths(keys: KeyShape, guard: Guard) -> dict[str, Any]:
    parts = ["partition", "sort"][: len(keys.names)]
    item = "/items/" + "/".join(f"{{{part}}}" for part in parts)
    return {
        **_about_the_door(guard),
        "/write": {"post": _write(guard)},
        item: get(
            "getItem",
            [*map(segment, parts), header("If-None-Match", "Tags that the reader has.")],
            {
                "200": {"description": "The item", "headers": ETAG, **json_content(ITEM)},
                "304": {"description": "The reader has it", "headers": ETAG},
            }
            | refused(*READING, *ALWAYS),
            guard.of("read"),
        ),
        **_conflicts(guard),
    }


def _about_the_door(guard: Guard) -> dict[str, Any]:
    anything = json_content({"type": "object"})
    live = {"200": {"description": "The function runs", **anything}}
    health = {"200": answer("Health", "How the region is")}
    document = {"200": {"description": "This document", **anything}}
    return {
        "/health/live": get("isAlive", [], live, []),
        "/health": get("health", [], health | refused("forbidden", "unhealthy"), []),
        "/openapi.json": get("document", [], document | refused("forbidden"), guard.of(None)),
    }


def _conflicts(guard: Guard) -> dict[str, Any]:
    states = {"enum": [each.value for each in STATES], "default": "PARKED"}
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 25}
    text = {"type": "string"}
    page = {"200": answer("Conflicts", "A page of losses, the oldest first")}
    view = {"200": answer("ThreeWayView", "The images of a loss, attribute by attribute")}
    return {
        "/conflicts": get(
            "listConflicts",
            [query("state", states), query("limit", limit), query("cursor", text)],
            page | refused("invalidRequest", *ALWAYS),
            guard.of("conflicts"),
        ),
        "/conflicts/{conflict_id}": get(
            "getConflict",
            [segment("conflict_id"), query("item", text)],
            view | refused(*READING, *ALWAYS),
            guard.of("conflicts"),
        ),
    }


def _write(guard: Guard) -> dict[str, Any]:
    bodies = [{"$ref": REF.format(model=each)} for each in ("ItemWrite", "Transaction")]
    shown = {"anyOf": [ITEM, {"$ref": "#/components/schemas/Written"}]}
    return {
        "operationId": "write",
        "description": "Edits of one item, or of several in one transaction of this region.",
        "parameters": [
            header("Idempotency-Key", ONCE),
            header("Idempotency-Issued-At", ISSUED),
            header("If-Match", "Tags that the one item may have, or *."),
            header("If-None-Match", "* if the one item must not exist."),
        ],
        "requestBody": {"required": True, **json_content({"oneOf": bodies})},
        "responses": {
            "200": {"description": "As written", "headers": ETAG | REPLAYED, **json_content(shown)},
            "204": {"description": "The item is deleted", "headers": REPLAYED},
        }
        | refused("invalidRequest", *WRITING, *ALWAYS),
        "security": guard.of("write"),
    }


def _scheme(authorizer: Authorizer) -> dict[str, Any]:
    if authorizer == "jwt":
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    about = "AWS Signature Version 4"
    return {"type": "apiKey", "in": "header", "name": "Authorization", "description": about}
