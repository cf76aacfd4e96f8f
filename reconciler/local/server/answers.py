"""HTTP answers of the server, and how they are made of JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What goes back to a caller; `status` begins with its number."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def succeeded(self) -> bool:
        """Whether the request was carried out."""
        return self.status.startswith("200")


def document(status: int, content: Mapping[str, Any], kind: str = "application/json") -> Answer:
    """Return an answer that is one JSON document."""
    text = json.dumps(content).encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(text)))]
    return Answer(f"{status} -", headers, text)


def dynamodb_document(content: Mapping[str, Any]) -> Answer:
    """Return DynamoDB's answer to a request that was carried out."""
    return document(200, content, "application/x-amz-json-1.0")


def dynamodb_error(code: str, message: str, status: int = 400, **more: Any) -> Answer:
    """Return DynamoDB's refusal, which boto3 raises as a ClientError of this code."""
    name = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}
    return document(status, {**name, "message": message, **more}, "application/x-amz-json-1.0")
