"""Ends silent write loss in DynamoDB global tables. The public names; see the README."""

from reconciler.detection import classify
from reconciler.errors import ReconcilerError
from reconciler.image import merge, read, write
from reconciler.schema import Schema
from reconciler.table import ReplicatedTable

__all__ = ["ReconcilerError", "ReplicatedTable", "Schema", "classify", "merge", "read", "write"]
