"""The paths of the door, and the methods of each."""

import re

from reconciler.api.tmf632.hub import HUB
from reconciler.api.tmf632.resources import RESOURCES

OF_PARTIES: dict[str, tuple[str, ...]] = {
    path: methods
    for each in RESOURCES
    for path, methods in (
        (each.collection, ("GET", "POST")),
        (f"{each.collection}/{{id}}", ("GET", "PATCH", "DELETE")),
    )
}
OF_HUB: dict[str, tuple[str, ...]] = {HUB: ("POST",), f"{HUB}/{{id}}": ("DELETE",)}
PATHS: dict[str, tuple[str, ...]] = {
    "/health": ("GET",),
    "/health/live": ("GET",),
    "/openapi.json": ("GET",),
    "/write": ("POST",),
    "/items/{partition}": ("GET",),
    "/items/{partition}/{sort}": ("GET",),
    "/conflicts": ("GET",),
    "/conflicts/{conflict_id}": ("GET",),
    **OF_PARTIES,
    **OF_HUB,
}
_SEGMENT = re.compile(r"\\\{\w+\\\}")
_RULES = {re.compile(_SEGMENT.sub("[^/]+", re.escape(path))): path for path in PATHS}


def path_of(path: str) -> str:
    """Return the path of the door that a request's path is one of, "" if it is of none."""
    return next((known for rule, known in _RULES.items() if rule.fullmatch(path)), "")


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes, none if there is no such path."""
    return PATHS.get(path_of(path), ())
