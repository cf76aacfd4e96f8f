"""PartiQL's INSERT as DynamoDB carries it out, which moto does not: moto overwrites what is there.

A batch's statements are carried out one by one: one that is refused says so in its place, and holds
up no other. Other statements are moto's.
Source: DynamoDB guide, "PartiQL insert statements"; API reference, BatchExecuteStatement.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend

from reconciler.local.server.limits import complaint
from reconciler.local.server.stored_items import key_types

_INSERT = re.compile(r"""INSERT INTO "(?P<table>[^"]+)" VALUE \{(?P<names>.*)\}""", re.DOTALL)
_NAME = re.compile(r"'((?:[^']|'')*)': \?(?:, )?")
_MOST_STATEMENTS, _LONGEST_STATEMENT = 25, 8_192

Answer = dict[str, Any]


@cache
def insert_in_batches() -> None:
    """Let moto's batches insert as DynamoDB does, in this process."""
    kind: Any = DynamoDBBackend
    moto_s = kind.batch_execute_statement

    def batch(backend: Any, statements: list[dict[str, Any]]) -> list[Answer]:
        if len(statements) > _MOST_STATEMENTS:
            raise MockValidationException("Member must have length less than or equal to 25")
        return [_inserted(backend, each) or moto_s(backend, [each])[0] for each in statements]

    kind.batch_execute_statement = batch


def _inserted(backend: Any, statement: Mapping[str, Any]) -> Answer | None:
    """Carry an INSERT out and return its answer; None if it is another statement."""
    text = statement["Statement"]
    found = _INSERT.fullmatch(text)
    if found is None:
        return None
    if len(text) > _LONGEST_STATEMENT:
        return _refused("ValidationError", "the statement is too long")
    name = found["table"]
    table = backend.tables.get(name)
    if table is None:
        return _refused("ResourceNotFound", "Requested resource not found")
    item = dict(zip(_names(found["names"]), statement["Parameters"], strict=True))
    if problem := complaint(item):
        return _refused("ValidationError", problem)
    if table.get_item(*key_types(table, item)) is not None:
        return _refused("DuplicateItem", "Duplicate primary key exists in table")
    try:
        table.put_item(item)
    except MockValidationException as refusal:  # such as a key of another kind
        return _refused("ValidationError", str(refusal))
    return {"TableName": name}


@cache
def _names(text: str) -> tuple[str, ...]:
    return tuple(name.replace("''", "'") for name in _NAME.findall(text))


def _refused(code: str, message: str) -> Answer:
    return {"Error": {"Code": code, "Message": message}}
