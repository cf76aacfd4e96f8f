"""What a deployment's document says of its table."""

import json
import re
from typing import Any

import pytest

from handlers.api_settings import ApiSettings
from handlers.settings import read_as
from reconciler.deployment.names import Names
from reconciler.deployment.table_document import FORMS, read_table_document
from reconciler.deployment.wiring import function_environment
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema

[EXAMPLE] = re.findall(r"\{.*\}\}", FORMS)
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


def test_a_schema_as_writers_have_it_is_a_document_too() -> None:
    given = {
        "table": "visits",
        "key": ["who", "at"],
        "attributes": {"points": "counter_pn"},
        "delete": "delete_wins",
        "ttl_attribute": "expires",
        "key_lifetime_minutes": 2_000,
    }
    document = read_table_document(json.dumps(given), "schema")

    assert document.schema_of_writers() == Schema.of(**given)
    assert [(key.name, key.type) for key in document.keys] == [("who", "S"), ("at", "S")]
    assert document.environment()["RECONCILER_TTL_ATTRIBUTE"] == "expires"


def test_the_example_is_a_schema() -> None:
    document = read_table_document(EXAMPLE, "example")

    assert document.schema_of_writers().type_at(("loyalty",)) == "counter_pn"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"table": "parties", "key": ["id", "id"]}', "invalid schema: key: the partition key and"),
        ('{"table": "parties", "key": ["id"], "tags": 1}', "invalid schema: tags: Extra inputs"),
        ('{"table": "parties", "key": ["id"], "cls": 1}', "invalid schema: cls: Extra inputs"),
        (without(api={"table_schema": {"delete": "x"}}), "api.table_schema: delete: Input should"),
        (without(partition_key={"name": "who", "type": "X"}), "partition_key.type"),
        (without("api"), "api: Field required"),
        (without(api={"authorizer": "iam"}), "api.table_schema: Field required"),
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
def test_what_is_no_document_is_refused_in_one_line_by_its_fields(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_table_document(text, "--schema mine.json")

    assert str(refused.value).startswith(f"--schema mine.json: {told}")
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "the file must hold one JSON object: EOF"),
        ("[]", "the file must hold one JSON object;"),
        ("{}", "found nothing, and neither key nor partition_key;"),
        (without("partition_key", "api"), "found table, regions, suffix, sort_key, indexes, "),
    ],
)
def test_what_has_neither_form_is_told_both_after_what_was_found(text: str, found: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_table_document(text, "--schema mine.json")

    assert str(refused.value).startswith(f"--schema mine.json: {found}")
    assert str(refused.value).endswith(f"; give {FORMS}")
    assert str(refused.value).count("\n") == 0


def test_a_document_that_an_editor_of_windows_saved_is_read() -> None:
    assert read_table_document(b"\xef\xbb\xbf" + EXAMPLE.encode(), "example").table == "parties"


def test_keys_may_not_live_longer_by_the_schema_than_by_the_document() -> None:
    door = {"table_schema": {"key_lifetime_minutes": 600}}

    with pytest.raises(InvalidInput, match="its keys live 600 minutes; raise key_lifetime_minutes"):
        read_table_document(without(api=door, key_lifetime_minutes=500), "settings")
