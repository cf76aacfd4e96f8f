"""A resolver that takes every message and repairs nothing: what a drill must notice."""

from typing import Any


def resolve(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return {"batchItemFailures": []}
