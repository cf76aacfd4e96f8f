"""The item as the reconciler works with it: attributes as mergeable states, and their causality."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from reconciler.causality.context import CausalContext, Dot, Lineage
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt
from reconciler.item.foreign import Foreign, shown_over
from reconciler.values.wire import Image


@dataclass(frozen=True)
class ReplicatedItem:
    """An item as states that can be merged, and which writes it includes.

    `tip` is the lineage that wrote the image, if a local write did. The item exists iff a dot keeps
    it `alive` and none keeps it `dead` (a delete that wins over updates it has not seen). `foreign`
    holds what writers around the library put where a type cannot hold it, by where it stands:
    readers see it until what is there is assigned or removed. `expires` is when time-to-live may
    remove it once it is deleted, in seconds since 1970, and `expires_by` the tables' own attributes
    that say so.
    `time` is the coarse time of the latest write that is included, folded or not: it never goes
    back. `marks` are what replicas say of writes around the library.
    """

    key: Image
    attributes: Mapping[str, Crdt] = field(default_factory=dict)
    context: CausalContext = field(default_factory=CausalContext)
    tip: Lineage | None = None
    alive: tuple[Dot, ...] = ()
    dead: tuple[Dot, ...] = ()
    expires: int | None = None
    expires_by: frozenset[str] = frozenset()
    foreign: Foreign = field(default_factory=dict)
    time: str = field(default="", compare=False)
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        return bool(self.alive) and not self.dead

    def live_dots(self) -> Iterator[Dot]:
        """Yield the dots on which anything here stands, repeated or not."""
        states = (*self.attributes.values(), *self.foreign.values())
        yield from chain(self.alive, self.dead, *(state.dots() for state in states))

    def shown(self) -> Image:
        """Return what readers see of each attribute, were the item not deleted."""
        shown = ((name, self.attributes[name].visible()) for name in sorted(self.attributes))
        return shown_over({name: value for name, value in shown if value is not None}, self.foreign)

    def latest(self) -> Hlc | None:
        """Return the greatest hlc of the context, of live dots, which folds leave behind, or
        rank."""
        states = (*self.attributes.values(), *self.foreign.values())
        ranks = chain.from_iterable(state.ranks() for state in states)
        live = (dot.hlc for dot in self.live_dots())
        return max(chain(self.context.heads.values(), live, ranks), default=None)
