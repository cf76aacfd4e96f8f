"""version: the number that optimistic locking compares, kept from passing where writes met.

One write's number shows as it was assigned. After concurrent writes readers see a number beyond all
of theirs, one for each write more, so whoever still holds one of these is refused and reads again.
HAZARD if a merge showed a number that a writer holds: its next save would pass its own check, and
wipe the other region's write.
Source: AWS SDKs, "Optimistic locking with version number" (PynamoDB, DynamoDBMapper).
Limit: the check is its writer's; between two regions it refuses nobody before the merge.
"""

import re
from decimal import Decimal

from reconciler.crdt.base import Crdt, Edit, LocalWrite, register
from reconciler.crdt.dot_function import DotFunction
from reconciler.errors import InvalidInput
from reconciler.values.wire import Wire, label, number_text

_WHOLE = re.compile(r"-?[0-9]{1,30}")  # there is always a greater one that DynamoDB holds exactly


@register
class Version(DotFunction):
    """A number that shows each merge of concurrent writes as a step of its own."""

    NAME, TAG = "version", "ver"

    def apply_whole(self, edit: Edit, depth: int, write: LocalWrite) -> Crdt:
        if edit.value is not None and not _is_whole(edit.value):
            raise InvalidInput(f"{label(edit.path[:depth])}: a version holds a whole number")
        return super().apply_whole(edit, depth, write)

    def visible(self) -> Wire | None:
        numbers = [Decimal(value["N"]) for value in self.entries.values() if value is not None]
        if not numbers:
            return None
        return {"N": number_text(max(numbers) + len(numbers) - 1)}


def _is_whole(value: Wire) -> bool:
    return "N" in value and _WHOLE.fullmatch(value["N"]) is not None
