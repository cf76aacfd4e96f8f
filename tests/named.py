"""Named writes as clients of any language make them: what DynamoDB leaves, with the name on it."""

from collections.abc import Mapping
from typing import Any

from reconciler.causality.context import Dot, Lineage, named_by
from reconciler.causality.hlc import NONCE_WIDTH, WALL_WIDTH, Hlc, fixed_width
from reconciler.client.naming import named
from reconciler.crdt.base import Edit
from reconciler.item.metadata import EXPIRY, NAMES
from reconciler.simulation.world.expressions import applied
from reconciler.values.wire import Image, Wire, canonical_image
from tests.builders import SCHEMA

KEY: Image = {"id": {"S": "p1"}}
_CLAUSES = {
    "increment": "ADD {} {}",
    "add": "ADD {} {}",
    "discard": "DELETE {} {}",
    "assign": "SET {} = {}",
    "remove": "REMOVE {}",
}


def element(*edits: Edit, by: str = "use1", at: int = 2_000, number: int = 1) -> Wire:
    """Return the name of an update that makes these edits, as the library's own client names it."""
    names: dict[str, str] = {}
    values: dict[str, Wire] = {}
    clauses: dict[str, list[str]] = {}
    for place, edit in enumerate(edits):
        path = [f"#n{place}x{depth}" for depth in range(len(edit.path))]
        names |= dict(zip(path, edit.path, strict=True))
        if edit.value is not None:
            values[f":v{place}"] = edit.value
        verb, _, rest = _CLAUSES[edit.verb].partition(" ")
        clauses.setdefault(verb, []).append(rest.format(".".join(path), f":v{place}"))
    parameters = named(
        {
            "Key": KEY,
            "UpdateExpression": " ".join(f"{v} {', '.join(told)}" for v, told in clauses.items()),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        },
        schema=SCHEMA,
        replica=by,
        now_ms=lambda: at,
        nonce=lambda: fixed_width(number, NONCE_WIDTH),
    )
    found: Wire = parameters["ExpressionAttributeValues"][":rec_op"]["L"][0]
    return found


def untold(*edits: Edit, **drawn: Any) -> Wire:
    """Return the name that a writer without a schema gives: it says no types."""
    told = element(*edits, **drawn)["M"]
    deeds = [
        {"L": [each for each in deed["L"][:3] if each != {"NULL": True}]}
        for deed in told["do"]["L"]
    ]
    return {"M": {**told, "do": {"L": deeds}}}


def named_on(
    image: Mapping[str, Any] | None,
    *edits: Edit,
    by: str = "use1",
    at: int = 2_000,
    number: int = 1,
) -> Image:
    """Return the item after a named update of these edits; Refused if DynamoDB would refuse it."""
    after = applied({**KEY, **(image or {})}, edits)
    return with_name(after, element(*edits, by=by, at=at, number=number))


def with_name(image: Mapping[str, Any], name: Wire) -> Image:
    """Return the item with one more element in its list, and without an expiry."""
    listed = image.get(NAMES, {"L": []})["L"]
    left = {attribute: value for attribute, value in image.items() if attribute != EXPIRY}
    return canonical_image({**left, NAMES: {"L": [*listed, name]}})


def dot_of(by: str = "use1", at: int = 2_000, number: int = 1) -> Dot:
    """Return the dot of a named write."""
    epoch = fixed_width(at, WALL_WIDTH) + fixed_width(number, NONCE_WIDTH)
    return Dot(Lineage.of(named_by(by), epoch), Hlc.of(at))


def shown(image: Mapping[str, Any]) -> Image:
    """Return what readers see of an image, its key left out."""
    return {name: value for name, value in image.items() if name[:4] != "_rec" and name != "id"}
