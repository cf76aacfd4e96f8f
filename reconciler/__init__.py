"""Ends silent write loss in DynamoDB global tables. The public names; see the README."""

from reconciler.client.table import ReplicatedTable
from reconciler.conflict.verdict import classify
from reconciler.errors import ReconcilerError
from reconciler.item.image import merge, read, write
from reconciler.item.schema import Schema

__all__ = ["ReconcilerError", "ReplicatedTable", "Schema", "classify", "merge", "read", "write"]
