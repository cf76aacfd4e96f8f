"""register_mv: every concurrent value is kept until somebody decides.

Readers see a list with one value, or with several after concurrent assignments, in canonical order.
The next assignment replaces all the values its writer saw. Source: INRIA RR-7506, 2011, section
3.2.2; Dynamo's siblings.
"""

from reconciler.crdt.base import register
from reconciler.crdt.dot_function import DotFunction
from reconciler.values.wire import Wire, canonical_bytes


@register
class RegisterMv(DotFunction):
    """A register that shows every concurrent value, in a list."""

    NAME, TAG = "register_mv", "mv"

    def visible(self) -> Wire | None:
        if not self.entries:
            return None
        distinct = {canonical_bytes(value): value for value in self.entries.values()}
        return {"L": [distinct[data] for data in sorted(distinct)]}

    def assignment(self, shown: Wire) -> Wire:
        values = shown.get("L", [])
        return values[0] if len(values) == 1 else shown

    @classmethod
    def entry_of(cls, visible: Wire | None) -> Wire | None:
        return visible["L"][0] if visible else None
