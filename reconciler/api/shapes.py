"""The JSON Schemas of what the door answers, and of keys. Those of bodies are their models' own."""

from collections.abc import Mapping
from typing import Any

from reconciler.api.answers import REFUSALS
from reconciler.api.keys import KeyShape

_KEY_TYPES: Mapping[str, Any] = {
    "S": {"type": "string", "minLength": 1},
    "N": {"type": "number"},
    "B": {
        "type": "object",
        "properties": {"bytes": {"type": "string", "contentEncoding": "base64"}},
        "required": ["bytes"],
        "additionalProperties": False,
    },
}
ITEM = {"$ref": "#/components/schemas/Item"}
ETAG = {"ETag": {"description": "The item's strong entity tag.", "schema": {"type": "string"}}}
REPLAYED = {
    "Idempotency-Replayed": {
        "description": "true if the key was carried out before: the item is as it is now.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
SCHEMAS: Mapping[str, Any] = {
    "Item": {"type": "object", "description": "The item's attributes, its key included."},
    "Error": {
        "type": "object",
        "required": ["@type", "code", "reason", "message", "status", "referenceError"],
        "properties": {
            "@type": {"const": "Error"},
            "code": {"type": "string", "enum": list(REFUSALS)},
            **{name: {"type": "string"} for name in ("reason", "message", "status")},
            "referenceError": {"type": "string", "format": "uri-reference"},
        },
    },
    "Health": {
        "type": "object",
        "required": ["health", "region", "reasons", "checks"],
        "properties": {
            "health": {"enum": ["healthy", "degraded", "unhealthy"]},
            "region": {"type": "string"},
            "reasons": {"type": "array", "items": {"type": "string"}},
            "checks": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "Written": {
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["key", "item", "etag"],
                    "properties": {
                        "key": {"$ref": "#/components/schemas/Key"},
                        "item": {"anyOf": [ITEM, {"type": "null"}]},
                        "etag": {"type": ["string", "null"]},
                    },
                },
            }
        },
    },
    "Conflict": {
        "type": "object",
        "required": ["conflict_id", "state", "key"],
        "properties": {
            **{name: {"type": "string"} for name in ("conflict_id", "state", "reason", "href")},
            "key": {"type": "object"},
        },
    },
    "Conflicts": {
        "type": "object",
        "required": ["conflicts", "next"],
        "properties": {
            "conflicts": {"type": "array", "items": {"$ref": "#/components/schemas/Conflict"}},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page."},
        },
    },
    "ThreeWayView": {
        "type": "object",
        "required": ["conflict", "deleted", "attributes", "if_resolved_now"],
        "properties": {
            "conflict": {"$ref": "#/components/schemas/Conflict"},
            "deleted": {"type": "object"},
            "attributes": {"type": "array", "items": {"type": "object"}},
            "if_resolved_now": {"type": "object"},
        },
    },
}


def key_schema(keys: KeyShape) -> dict[str, Any]:
    """Return the schema of a table's keys."""
    kinds = zip(keys.names, keys.kinds, strict=True)
    return {
        "type": "object",
        "properties": {name: _KEY_TYPES[kind] for name, kind in kinds},
        "required": list(keys.names),
        "additionalProperties": False,
    }
