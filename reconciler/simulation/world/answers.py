"""What a person answers when asked about a loss: which attributes, and what is to stand there.

Behaviour: drawn, so the same loss of the same run gets the same answer. What only a person can
decide is named, now and then something else besides. Values are unlike any other of the run. Maps
and sets that must be named, too, are taken as they are.
"""

from collections.abc import Sequence
from typing import Any

from reconciler.feed.case import Case, expected_merge, to_decide
from reconciler.feed.decision import Choice, Decision
from reconciler.item.schema import Schema
from reconciler.simulation.plan.clash import CLASHING
from reconciler.simulation.world.draws import Draws
from reconciler.values.wire import to_wire

_BESIDES, _TAKEN = 0.4, 0.3
_LEAST, _MOST = 10**11, 10**12
_AS_IT_IS = ("map_or", "set_aw", "set_rw")


def answer_to(case: Case, schema: Schema, draws: Draws, about: str) -> Decision | None:
    """Return what a person decides about a loss, None if it is one that nobody takes up.

    That is a loss of an item that is gone, or was created anew.
    """
    if case.lost is None or expected_merge(case).is_of_another_life:
        return None
    names = to_decide(case)
    if not names or draws.chance("besides", about) < _BESIDES:
        # What neither has is a register to the feed, whatever the schema says.
        held = {*(case.lost or {}), *(case.current or {})}
        others = sorted((held & schema.attributes.keys()) - {*names})
        free = [name for name in others if schema.type_at((name,)) not in _AS_IT_IS]
        if free:
            names = [*names, free[draws.between("which", about, 0, len(free) - 1)]]
    return choices(names, case, schema, draws, about) if names else None


def choices(names: Sequence[str], case: Case, schema: Schema, draws: Draws, about: str) -> Decision:
    """Return what is to stand at each of these attributes."""
    return {name: _choice(name, case, schema, draws, f"{about}/{name}") for name in names}


def _choice(name: str, case: Case, schema: Schema, draws: Draws, about: str) -> Choice:
    kind = schema.type_at((name,))
    if kind in _AS_IT_IS:
        return Choice(take="current")
    is_text = kind in ("register_lww", "manual") and name != CLASHING
    if is_text and name in (case.lost or {}) and draws.chance("take", about) < _TAKEN:
        return Choice(take="lost")
    return Choice(value=to_wire(_value(name, kind, draws, about), (name,)))


def _value(name: str, kind: str, draws: Draws, about: str) -> Any:
    if kind == "counter_pn" or name == CLASHING:
        return draws.between("amount", about, _LEAST, _MOST)
    if kind == "flag_ew":
        return draws.chance("flag", about) < 0.5
    if kind in ("register_max", "register_min", "version"):
        return draws.between("extreme", about, -50, 50)
    return f"decided {draws.between('text', about, _LEAST, _MOST)}"
