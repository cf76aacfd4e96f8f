"""What the operations of an OpenAPI document are made of: parameters, bodies, answers, rights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.api.access import RIGHTS, Authorizer, Right
from reconciler.api.answers import REFUSALS

REF = "#/components/schemas/{model}"
ALWAYS = ("forbidden", "tooManyRequests", "internalError", "unavailable")
ONCE = "A UUIDv7 or ULID: the write counts once, in any region."
ISSUED = "When any other key was made, in ms since 1970; a UUIDv7 or ULID tells it."
READING = ("invalidRequest", "notFound")
WRITING = (
    *("keyReused", "preconditionFailed", "contentTooLarge", "unsupportedMediaType"),
    *("refusedEdit", "contention", "outcomeUnknown"),
)


@dataclass(frozen=True)
class Guard:
    """What operations ask of their callers, by the door's authorizer."""

    authorizer: Authorizer
    scope_prefix: str

    def of(self, right: Right | None) -> list[dict[str, list[str]]]:
        """Return what an operation asks of its caller; None: any one right."""
        wanted = RIGHTS if right is None else (right,)
        scopes = (
            [[self.scope_prefix + each] for each in wanted] if self.authorizer == "jwt" else [[]]
        )
        return [{"caller": each} for each in scopes]


def get(name: str, parameters: Sequence[Any], responses: Any, security: Any) -> dict[str, Any]:
    return {"get": operation(name, parameters, responses, security)}


def operation(
    name: str, parameters: Sequence[Any], responses: Any, security: Any
) -> dict[str, Any]:
    told = {"operationId": name, "parameters": list(parameters), "responses": responses}
    return {**told, "security": security}


def segment(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def query(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": dict(schema)}


def header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def answer(schema: str, description: str) -> dict[str, Any]:
    return {"description": description, **json_content({"$ref": REF.format(model=schema)})}


def json_content(schema: Mapping[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"content": {kind: {"schema": dict(schema)}}}


def refused(*codes: str) -> dict[str, Any]:
    """Return the answers with these codes, by status; the first of a status stands for it."""
    return {
        str(REFUSALS[code][0]): {"$ref": f"#/components/responses/{code}"}
        for code in reversed(codes)
    }


def refusal(status: int, reason: str) -> dict[str, Any]:
    again = {"Retry-After": {"schema": {"type": "integer"}}} if status in (429, 503) else {}
    return {
        "description": reason,
        "headers": again,
        **json_content({"$ref": REF.format(model="Error")}),
    }
