"""Ends silent write loss in DynamoDB global tables. The public names; see the README."""

from typing import TYPE_CHECKING, Any

from reconciler.causality.context import Dot, Ordering, replica_id
from reconciler.causality.hlc import HybridClock
from reconciler.causality.keys import Once
from reconciler.client.editor import ItemEditor
from reconciler.client.keyed import shows_key
from reconciler.client.naming import named
from reconciler.client.table import ReplicatedTable
from reconciler.clock import system_clock
from reconciler.conflict.classification import classify
from reconciler.conflict.verdict import Finding, Verdict
from reconciler.crdt.base import Edit
from reconciler.errors import (
    Contention,
    InvalidInput,
    ItemTooLarge,
    KeyExpired,
    KeyReused,
    MergeFunctionFailed,
    OutcomeUnknown,
    ReconcilerError,
    TypeMismatch,
    Unavailable,
    Undecodable,
    UnknownWireVersion,
)
from reconciler.item.edits import add, assign, delete, discard, increment, remove
from reconciler.item.image import merge, read, write
from reconciler.item.schema import Schema

if TYPE_CHECKING:
    from reconciler.aws.instrumented import instrument

__version__ = "0.1.0"  # the distribution's, too

__all__ = [
    "Contention",
    "Dot",
    "Edit",
    "Finding",
    "HybridClock",
    "InvalidInput",
    "ItemEditor",
    "ItemTooLarge",
    "KeyExpired",
    "KeyReused",
    "MergeFunctionFailed",
    "Once",
    "Ordering",
    "OutcomeUnknown",
    "ReconcilerError",
    "ReplicatedTable",
    "Schema",
    "TypeMismatch",
    "Unavailable",
    "Undecodable",
    "UnknownWireVersion",
    "Verdict",
    "add",
    "assign",
    "classify",
    "delete",
    "discard",
    "increment",
    "instrument",
    "merge",
    "named",
    "read",
    "remove",
    "replica_id",
    "shows_key",
    "system_clock",
    "write",
]


def __getattr__(name: str) -> Any:
    """Load what needs the SDK of AWS when it is asked for: the rest does without it."""
    if name != "instrument":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reconciler.aws.instrumented import instrument  # noqa: PLC0415

    return instrument
