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

BY_NAME = {"name": "by-name", "partition_key": {"name": "name"}}
WHOLE = {
    "table": "visits",
    "regions": ["us-east-1", "eu-west-1"],
    "suffix": "dev",
    "partition_key": {"name": "who", "type": "B"},
    "sort_key": {"name": "at", "type": "N"},
    "indexes": [BY_NAME],
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
        (without(regions=["us-east-1", "../../etc"]), "regions.1: region '../../etc' is not an"),
        (without(regions=["us east", "eu-west-1"]), "regions.0: region 'us east' is not an AWS"),
        (without(table="../visits"), "table: "),
        (without(key_lifetime_minutes=-5), "key_lifetime_minutes: Input should be greater than"),
        (without(key_lifetime_minutes=10_081), "key_lifetime_minutes: Input should be less than"),
        (without(ttl_attribute="x" * 256), "ttl_attribute: "),
        (without(ttl_attribute="who"), "ttl_attribute: a deleted item cannot expire by its key"),
        (without(indexes=[BY_NAME] * 21), "indexes: Tuple should have at most 20 items"),
        (without(indexes=[BY_NAME, BY_NAME]), "indexes: two are named by-name"),
        (
            without(indexes=[{"name": "by-who", "partition_key": {"name": "who", "type": "N"}}]),
            "indexes.0.partition_key: who is of type N here and of B in partition_key",
        ),
    ],
)
def test_what_is_no_document_is_refused_with_one_to_copy(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_table_document(text, "--schema mine.json")

    told = str(refused.value)
    assert told.startswith(f"--schema mine.json: {complaint}")
    assert told.endswith(EXAMPLE)


def test_a_document_that_an_editor_of_windows_saved_is_read() -> None:
    assert read_table_document(b"\xef\xbb\xbf" + EXAMPLE.encode(), "example").table == "parties"


def test_keys_may_not_live_longer_by_the_schema_than_by_the_document() -> None:
    door = {"table_schema": {"key_lifetime_minutes": 600}}
    document = read_table_document(without(api=door, key_lifetime_minutes=500), "settings")

    with pytest.raises(InvalidInput, match="its keys live 600 minutes; raise key_lifetime_minutes"):
        document.schema_of_writers()
