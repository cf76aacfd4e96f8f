"""What a deployment's document says of its table."""

import json
from typing import Any

import pytest

from handlers.api_settings import ApiSettings
from handlers.settings import read_as
from reconciler.deployment.names import Names
from reconciler.deployment.table_document import EXAMPLE, read_table_document
from reconciler.deployment.wiring import function_environment
from reconciler.errors import InvalidInput

WHOLE = {
    "table": "visits",
    "regions": ["us-east-1", "eu-west-1"],
    "suffix": "dev",
    "partition_key": {"name": "who", "type": "B"},
    "sort_key": {"name": "at", "type": "N"},
    "indexes": [{"name": "by-name", "partition_key": {"name": "name"}}],
    "ttl_attribute": "expires",
    "outside_writers": "none",
    "folds": False,
    "version_attributes": {"version": "Version"},
    "api": {
        "authorizer": "iam",
        "keys_required": True,
        "table_schema": {"attributes": {"points": "counter_pn"}, "delete": "delete_wins"},
    },
}


def without(*names: str, **changed: Any) -> str:
    kept = {name: value for name, value in WHOLE.items() if name not in names}
    return json.dumps({**kept, **changed})


def test_the_writers_schema_has_the_tables_key_and_its_ttl() -> None:
    schema = read_table_document(json.dumps(WHOLE), "settings").schema_of_writers()

    assert (schema.table, schema.key, schema.ttl_attribute) == ("visits", ("who", "at"), "expires")
    assert (schema.type_at(("points",)), schema.delete) == ("counter_pn", "delete_wins")


def test_the_functions_are_told_what_the_document_decides() -> None:
    told = read_table_document(json.dumps(WHOLE), "settings").environment()
    given = function_environment(Names("visits", "us-east-1"), parked_queue_url="https://parked")

    around = {"AWS_REGION": "us-east-1", "RECONCILER_SCHEMA": "{}"}
    settings = read_as(ApiSettings, {**around, **given, **told})

    assert (settings.outside_writers, settings.outside_writes) == ("none", "accept")
    assert settings.ttl_attribute == "expires"
    assert settings.detector_policy().version_attributes == ("Version",)
    assert (settings.folds, settings.keys_required) == (False, True)


def test_the_example_is_two_lines_and_a_document() -> None:
    document = read_table_document(EXAMPLE, "example")

    assert len(EXAMPLE.splitlines()) == 2
    assert document.schema_of_writers().type_at(("loyalty",)) == "counter_pn"
    assert [(key.name, key.type) for key in document.keys] == [("id", "S")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "the file must hold one JSON object"),
        ("[]", "the file"),
        (without("partition_key"), "partition_key: Field required"),
        (without(partition_key={"name": "who", "type": "X"}), "partition_key.type"),
        (without("api"), "api: Field required"),
        (without(api={"authorizer": "iam"}), "api.table_schema: Field required"),
        ('{"table": "parties", "key": ["id"]}', "partition_key: Field required"),
    ],
)
def test_what_is_no_document_is_refused_with_one_to_copy(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_table_document(text, "--schema mine.json")

    told = str(refused.value)
    assert told.startswith(f"--schema mine.json: {complaint}")
    assert told.endswith(EXAMPLE)
