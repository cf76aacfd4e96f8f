"""What writers around the library put where a type cannot hold it: parked by itself. Pure.

Readers see it at its place until somebody assigns or removes what is there, or around it. The state
beneath goes on merging, unseen.
HAZARD if it stood for a whole map: what the library writes to the other fields would be hidden.
"""

import json
from collections.abc import Mapping

from reconciler.crdt.base import Edit, LocalWrite
from reconciler.crdt.register_lww import RegisterLww
from reconciler.values.wire import Image, Path, Wire, to_json

Foreign = Mapping[Path, RegisterLww]
_IN_JSON = "["


def put_at(foreign: Foreign, edit: Edit, write: LocalWrite) -> Foreign:
    """Return what is foreign once the value of an edit is, too."""
    before = foreign.get(edit.path) or RegisterLww()
    return {**without(foreign, edit.path), edit.path: before.replaced_by(edit.value, write)}


def without(foreign: Foreign, path: Path) -> Foreign:
    """Return what is foreign elsewhere than at a path, and in it."""
    return {place: state for place, state in foreign.items() if place[: len(path)] != path}


def is_whole(edit: Edit) -> bool:
    """Return whether an edit takes the place of all that is at its path."""
    return edit.verb in ("assign", "remove")


def blocking(foreign: Foreign, edit: Edit) -> Path | None:
    """Return where something foreign is in the way of an edit, if anything is."""
    for place in sorted(foreign):
        if edit.path[: len(place)] == place and not (edit.path == place and is_whole(edit)):
            return place
    return None


def shown_over(shown: Image, foreign: Foreign) -> Image:
    """Return what readers see where something foreign stands over what an item's states show."""
    for place in sorted(foreign):
        shown = _placed(shown, place, foreign[place].visible())
    return shown


def _placed(fields: Image, path: Path, value: Wire | None) -> Image:
    name, *rest = path
    if rest:
        around = fields.get(name, {"M": {}})
        if "M" not in around:
            return fields  # something foreign stands in place of the map
        inside = _placed(around["M"], tuple(rest), value)
        value = {"M": inside} if inside else None
    left = {other: held for other, held in fields.items() if other != name}
    return left if value is None else dict(sorted({**left, name: value}.items()))


def place_text(path: Path) -> str:
    """Return a place as metadata names it: an attribute by its name, a field by its path."""
    is_name = len(path) == 1 and not path[0].startswith(_IN_JSON)
    return path[0] if is_name else to_json(list(path))


def place_of(text: str) -> Path:
    """Return the place that `place_text` wrote; ValueError if it is none."""
    return tuple(json.loads(text)) if text.startswith(_IN_JSON) else (text,)
