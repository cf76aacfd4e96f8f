"""A subscription to events of parties: what is asked for, and by what rule it is served.

One has its name from what it says: who asks for the same twice has one, in every region.
HAZARD if any address were taken: the door would send parties wherever a caller says, and requests
into places that only AWS reaches. So a callback is one that the deployment knows, letter by letter.
Source: TMF630 and TMF632 v5.0.0 (Hub); EventBridge guide, "Event patterns".
"""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from reconciler.api.answers import Refused
from reconciler.api.tmf632.events import EVENT_TYPES
from reconciler.api.tmf632.resources import BASE
from reconciler.deployment.wiring import EVENT_SOURCE
from reconciler.values.wire import digest, to_json

HUB = f"{BASE}/hub"
_ID_WIDTH = 22


def _https(text: str) -> str:
    if not text.startswith("https://") or not text.isprintable() or not text.isascii():
        raise ValueError("it is an https address")
    return text


def _event_types(text: str) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    if any(name != "eventType" for name, _ in pairs) or (text and not pairs):
        raise ValueError("it names event types, such as eventType=individualCreateEvent")
    for each in _named(text):
        if each not in EVENT_TYPES:
            raise ValueError(f"there are the event types {', '.join(EVENT_TYPES)}")
    return text


def _named(query: str) -> list[str]:
    return [
        each for _, value in parse_qsl(query, keep_blank_values=True) for each in value.split(",")
    ]


class Hub(BaseModel):
    """A subscription: `callback` is sent each event, `query` selects their types; all without."""

    model_config = ConfigDict(extra="ignore", strict=True)

    callback: Annotated[
        str,
        Field(max_length=2_048, json_schema_extra={"pattern": "^https://"}),
        AfterValidator(_https),
    ]
    query: Annotated[
        str,
        Field(max_length=2_048, json_schema_extra={"pattern": "^(eventType=.*)?$"}),
        AfterValidator(_event_types),
    ] = ""


@dataclass(frozen=True)
class Subscription:
    """What a caller asks for."""

    callback: str
    query: str

    @property
    def identifier(self) -> str:
        told = to_json([self.callback, sorted(set(_named(self.query)))])
        return digest(told.encode(), _ID_WIDTH)

    def pattern(self) -> dict[str, Any]:
        """Return the event pattern of its rule."""
        types = sorted(set(_named(self.query)) or EVENT_TYPES)
        return {"source": [EVENT_SOURCE], "detail-type": types}

    def shown(self) -> dict[str, str]:
        """Return it as it is answered."""
        asked = {"query": self.query} if self.query else {}
        href = f"{HUB}/{self.identifier}"
        return {
            "@type": "Hub",
            "id": self.identifier,
            "href": href,
            "callback": self.callback,
            **asked,
        }


def subscription_in(document: Any) -> Subscription:
    """Return what a body asks for; Refused names each mistake with its path."""
    try:
        asked = Hub.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        told = [
            f"{'.'.join(['body', *map(str, each['loc'])])}: "
            f"{each['msg'].removeprefix('Value error, ')}"
            for each in found
        ]
        raise Refused("invalidRequest", "; ".join(told)) from None
    return Subscription(asked.callback, asked.query)
