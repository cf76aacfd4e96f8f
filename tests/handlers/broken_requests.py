"""Requests to the HTTP door that began well and were broken: bytes, values, names, headers, paths.

One seed is one list of requests.
"""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.handlers.door import SIGNED, assign, event, increment, uuid7

_NAMES = ["id", "name", "loyalty", "tags", "optins", "address", "owner", "seen", "held", "names"]
_NAMES += ["phones", "_rec", "_rec_ttl", "", "a.b", "\ud800", "x" * 300, "ä", "#", ":v"]
_VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**38, 10**200, "", "x", "\ud800", "\x00", [], {}, [[]], {"": 1}),
    *({"set": []}, {"set": [1, "a"]}, {"set": ["a"]}, {"bytes": "AA=="}, {"bytes": 5}, {"a": {}}),
    *({"set": [[1]]}, {"city": "Rome"}, [1, {"set": [1]}], "9" * 50, {"set": [True, 1]}),
]
_HEADERS = {
    "if-match": ["*", '"a"', "a", 'W/"a"', '"a", "b"', "\u20ac", ""],
    "if-none-match": ["*", '"a"', '"', ",", ""],
    "idempotency-key": ["x", "", "\u20ac", "k" * 300, '"x"', uuid7(1), uuid7(2, 5), uuid7(3)],
    "idempotency-issued-at": ["1", "x", "-1", "9" * 15, "9" * 30, ""],
    "content-type": ["", "text/plain", "application/json; charset=utf-8", "application/JSON"],
    "content-encoding": ["gzip", "identity"],
}
_PATHS = ["/", "/write", "/items", "/items/", "/items/p1", "/items/p1/2", "/items/~", "/items/~QQ"]
_PATHS += ["/items/%00", "/items/\x00", "/conflicts", "/conflicts/x", "/openapi.json", "//", ""]
_PATHS += ["/items/" + "x" * 5_000, "/health/live", "/items/~" + "A" * 4_000, "/items/\ud800"]
_QUERIES = {"state": ["OPEN", "", "x"], "limit": ["1", "0", "x", "9" * 30], "item": ["", "x"]}
_QUERIES |= {"cursor": ["", "e30", "AAAA", "\u20ac", "x" * 9_000], "sort": ["1"]}
_EDITS: list[dict[str, Any]] = [
    assign("name", "Ada"),
    assign(["address", "city"], "London"),
    increment("loyalty", 5),
    {"type": "add", "path": "tags", "members": ["a", "b"]},
    {"type": "discard", "path": "optins", "members": ["a"]},
    {"type": "remove", "path": ["phones", "home", "number"]},
    {"type": "delete"},
    assign("held", True),
    assign("seen", 5),
]


_STEPS: list[dict[str, Any]] = [
    {"op": "test", "path": "/@type", "value": "Individual"},
    {"op": "add", "path": "/contactMedium/-", "value": {"emailAddress": "a@example.org"}},
    {"op": "copy", "from": "/contactMedium/0", "path": "/place/x"},
    {"op": "replace", "path": "/status", "value": "validated"},
    {"op": "move", "from": "/status", "path": "/title"},
    {"op": "remove", "path": "/title"},
]


def broken_requests(seed: int, number: int) -> Iterator[dict[str, Any]]:
    """Yield requests, most of them broken in one to three ways."""
    chance = random.Random(seed)
    for _ in range(number):
        body = _body(chance)
        for _ in range(chance.randrange(4)):
            body = chance.choice(_DAMAGES)(chance, body)
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {n: chance.choice(v) for n, v in _HEADERS.items() if chance.random() < 0.15}
        reads = chance.random() < 0.3
        method = chance.choice(["GET", "GET", "PUT", "OPTIONS"]) if reads else "POST"
        path = chance.choice(_PATHS) if reads or chance.random() < 0.05 else "/write"
        query = {n: chance.choice(v) for n, v in _QUERIES.items() if chance.random() < 0.2}
        shape: dict[str, Any] = {"isBase64Encoded": True} if chance.random() < 0.02 else {}
        asked: dict[str, Any] = {
            "query": query if reads else None,
            "headers": headers,
            "authorizer": SIGNED,
        }
        yield event(method, path, text, **asked, **shape)


def broken_parties(
    seed: int, number: int, whole: dict[str, Any], collection: str, identifier: str
) -> Iterator[dict[str, Any]]:
    """Yield requests about parties, most of them broken in one to three ways."""
    chance = random.Random(seed)
    queries = {
        "fields": ["a", ",", "\u20ac", ""],
        "offset": ["0", "x", "9" * 9],
        "limit": ["1", ""],
    }
    for _ in range(number):
        steps = chance.random() < 0.3
        body: Any = deepcopy(chance.sample(_STEPS, 2) if steps else whole)
        for _ in range(chance.randrange(4)):
            body = chance.choice(_DAMAGES)(chance, body)
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {n: chance.choice(v) for n, v in _HEADERS.items() if chance.random() < 0.1}
        headers = ({"content-type": "application/json-patch+json"} if steps else {}) | headers
        query = {n: chance.choice(v) for n, v in queries.items() if chance.random() < 0.2}
        method = chance.choice(["POST", "DELETE", "PUT", *["GET"] * 5, *["PATCH"] * 9])
        place = f"{collection}/{chance.choice([identifier, identifier, 'none', '~', '%'])}"
        path = collection if method == "POST" or chance.random() < 0.1 else place
        yield event(method, path, text, headers=headers, query=query, authorizer=SIGNED)


def _body(chance: random.Random) -> Any:
    def write() -> dict[str, Any]:
        edits = [deepcopy(chance.choice(_EDITS)) for _ in range(chance.randrange(1, 4))]
        return {"key": {"id": chance.choice(["p1", "p2", "p3"])}, "edits": edits}

    return {"writes": [write(), write()]} if chance.random() < 0.2 else write()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container within a value, with each of its names or numbers."""
    if isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, name
            yield from _places(each)


def _changed(chance: random.Random, body: Any) -> Any:
    places = list(_places(body))
    if places:
        container, name = chance.choice(places)
        container[name] = deepcopy(chance.choice(_VALUES))
    return body


def _renamed(chance: random.Random, body: Any) -> Any:
    places = [(c, n) for c, n in _places(body) if isinstance(c, dict)]
    if places:
        container, name = chance.choice(places)
        container[chance.choice(_NAMES)] = container.pop(name)
    return body


def _repathed(chance: random.Random, body: Any) -> Any:
    for container, name in list(_places(body)):
        if name == "path" and chance.random() < 0.5:
            path = [chance.choice(_NAMES) for _ in range(chance.randrange(1, 4))]
            container[name] = chance.choice([path, path[0]])
    return body


def _retyped(chance: random.Random, body: Any) -> Any:
    for container, name in list(_places(body)):
        if name == "type":
            other = chance.choice(_EDITS)
            container.clear()
            container.update(deepcopy(other))
    return body


def _torn(chance: random.Random, body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    at = chance.randrange(len(text) + 1)
    return (
        text[:at]
        + chance.choice(["", "]", "}", '"', "\\", "1e999", "NaN", "\x00", "[" * 50])
        + (text[at + chance.randrange(3) :])
    )


def _mended(damage: Callable[[random.Random, Any], Any]) -> Callable[[random.Random, Any], Any]:
    """Return a damage of values that leaves alone a body that is torn text already."""
    return lambda chance, body: body if isinstance(body, str) else damage(chance, body)


_DAMAGES = [_torn, *map(_mended, (_changed, _renamed, _repathed, _retyped))]
