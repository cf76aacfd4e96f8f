"""The item as the reconciler works with it: attributes as mergeable states, and their causality."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from reconciler.causality.context import CausalContext, Dot, Lineage
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt
from reconciler.values.wire import Image


@dataclass(frozen=True)
class ReplicatedItem:
    """An item as states that can be merged, and which writes it includes.

    `tip` is the lineage that wrote the image, if a local write did. The item exists iff a dot keeps
    it `alive` and none keeps it `dead` (a delete that wins over updates it has not seen).
    """

    key: Image
    attributes: Mapping[str, Crdt] = field(default_factory=dict)
    context: CausalContext = field(default_factory=CausalContext)
    tip: Lineage | None = None
    alive: tuple[Dot, ...] = ()
    dead: tuple[Dot, ...] = ()
    expires: int | None = None

    @property
    def exists(self) -> bool:
        return bool(self.alive) and not self.dead

    def latest(self) -> Hlc | None:
        """Return the greatest hlc of the context, of live dots, which folds leave behind, or
        rank."""
        heads, states = self.context.heads.values(), self.attributes.values()
        live = chain(self.alive, self.dead, *(state.dots() for state in states))
        ranks = chain.from_iterable(state.ranks() for state in states)
        return max(chain(heads, (dot.hlc for dot in live), ranks), default=None)
