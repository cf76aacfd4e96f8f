"""register_max and register_min: the greatest, or the least, value ever assigned.

Values are numbers (by value) or strings (by UTF-8 bytes, which suits ISO 8601 times); a number
counts as less than any string. Assigning a value that is not beyond the current one states the
current one again. Removing forgets the values seen, not concurrent ones. Source: INRIA RR-7506,
2011: the join of a totally ordered set.
"""

from decimal import Decimal

from reconciler.crdt.base import Crdt, Edit, LocalWrite, register
from reconciler.crdt.dot_function import DotFunction
from reconciler.errors import InvalidInput
from reconciler.values.wire import Wire, label


def _rank(value: Wire) -> tuple[Decimal, bytes]:
    if "N" in value:
        return (Decimal(value["N"]), b"")
    if "S" in value:
        return (Decimal("Infinity"), value["S"].encode())
    raise ValueError("not comparable")


@register
class RegisterMax(DotFunction):
    """A register that shows the greatest value ever assigned."""

    NAME, TAG = "register_max", "max"

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:
        if edit.verb == "remove":
            return self.forget(write)
        try:
            best = self._best([edit.value, *self.entries.values()])
        except ValueError:
            raise InvalidInput(
                f"{label(edit.path[:depth])}: a {self.NAME} holds numbers or strings"
            ) from None
        return type(self)({write.dot: best})

    def visible(self) -> Wire | None:
        return self._best(list(self.entries.values()))

    def _best(self, values: list[Wire | None]) -> Wire | None:
        return max(filter(None, values), key=_rank, default=None)


@register
class RegisterMin(RegisterMax):
    """A register that shows the least value ever assigned."""

    NAME, TAG = "register_min", "min"

    def _best(self, values: list[Wire | None]) -> Wire | None:
        return min(filter(None, values), key=_rank, default=None)
