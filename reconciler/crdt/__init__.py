"""The replicated data types and their registry: one file a type, one line here."""

from collections.abc import Sequence

from reconciler.causality import Dot
from reconciler.codec import Wire
from reconciler.crdt.base import Crdt
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.flag_ew import FlagEw
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_extreme import RegisterMax, RegisterMin
from reconciler.crdt.register_lww import RegisterLww
from reconciler.crdt.register_mv import RegisterMv
from reconciler.crdt.set_aw import SetAw
from reconciler.crdt.set_rw import SetRw

_REGISTERED: tuple[type[Crdt], ...] = (
    RegisterLww,
    RegisterMv,
    CounterPn,
    SetAw,
    SetRw,
    FlagEw,
    RegisterMax,
    RegisterMin,
    MapOr,
)
TYPES = {kind.NAME: kind for kind in _REGISTERED}
_BY_TAG = {kind.TAG: kind for kind in _REGISTERED}


def untagged(wire: Wire, visible: Wire | None, dots: Sequence[Dot]) -> Crdt:
    """Restore the state that `tagged` wrote; KeyError if its type is not known here."""
    if "S" in wire:
        return RegisterLww.decode(wire, visible, dots)
    ((tag, state),) = wire["M"].items()
    return _BY_TAG[tag].decode(state, visible, dots)
