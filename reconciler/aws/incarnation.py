"""Which replica of its region a table is: the code under which its writes go.

A replica that was deleted and made anew is another one, so the code holds a digest of what tells
the two tables apart. DescribeTable is asked for it once a minute at most, because making a replica
anew takes longer; an answer that does not come holds up no write.
Source: DynamoDB API Reference, TableDescription (TableId, CreationDateTime).
"""

import base64
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from reconciler.aws.clients import idempotent
from reconciler.causality.context import INCARNATION_WIDTH, replica_id
from reconciler.errors import Unavailable

FRESH_MS = 60_000
_UNANSWERED_MS = 5_000  # how long DynamoDB is left alone when it does not answer
_NEVER_ANSWERED = {
    "AccessDeniedException": "grant dynamodb:DescribeTable on it",
    "ResourceNotFoundException": "check its name and the region",
}


class _Answer(NamedTuple):
    """What was answered, for how long it counts, and when that was, by two clocks."""

    code: str
    fresh_ms: int
    wall_ms: int
    monotonic_ms: int


class ReplicaCode:
    """The code of one table's replica, asked for again when the last answer is a minute old."""

    def __init__(
        self,
        table: str,
        region: str,
        dynamodb: Any,
        wall_ms: Callable[[], int],
        monotonic_ms: Callable[[], int],
    ) -> None:
        self._table = table
        self._client = dynamodb
        self._region = region
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms
        self._last: _Answer | None = None
        self._regions: frozenset[str] = frozenset()

    def __call__(self) -> str:
        """Return the code now.

        While DynamoDB does not answer, it is the region's alone, as if that were one replica more:
        it goes on with no lineage of another one, and only who knows as little folds its own.
        Unavailable if the table is not there, or nobody may ask about it.
        """
        last = self._last
        # Two clocks, because a restored snapshot's monotonic clock stood still.
        if (
            last is not None
            and abs(self._wall_ms() - last.wall_ms) < last.fresh_ms
            and self._monotonic_ms() - last.monotonic_ms < last.fresh_ms
        ):
            return last.code
        at = self._wall_ms(), self._monotonic_ms()
        self._last = _Answer(*self._asked(), *at)
        return self._last.code

    def is_of_an_incarnation(self) -> bool:
        """Return whether the last code told the incarnation, too."""
        return self._last is not None and self._last.fresh_ms == FRESH_MS

    def regions(self) -> frozenset[str]:
        """Return in which other regions the table has replicas, by the last answer."""
        return self._regions

    def _asked(self) -> tuple[str, int]:
        try:
            with idempotent("DescribeTable"):
                answer = self._client.describe_table(TableName=self._table)
        except Unavailable as problem:
            fix = _NEVER_ANSWERED.get(str(problem.evidence.get("code")))
            if fix is None:
                return replica_id(self._region), _UNANSWERED_MS
            raise Unavailable(f"table {self._table}: {fix} ({problem})") from None
        replicas = answer["Table"].get("Replicas", ())
        self._regions = frozenset(each["RegionName"] for each in replicas) - {self._region}
        return replica_id(self._region, incarnation_of(answer["Table"])), FRESH_MS


def incarnation_of(table: Mapping[str, Any]) -> str:
    """Return what tells this table from any other that had, or will have, its name."""
    named = f"{table.get('TableId')}/{table['CreationDateTime'].timestamp()}"
    digest = base64.b32encode(sha256(named.encode()).digest()).decode()
    return digest[:INCARNATION_WIDTH].lower()
