"""The schema: types by attribute, and all mistakes at once, each with its path."""

import pytest

from reconciler.crdt.base import TYPES as REGISTERED
from reconciler.crdt.base import Spec
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.custom import Custom
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import InvalidInput
from reconciler.item.schema import Schema
from tests.builders import SCHEMA
from tests.crdt import deciding


def test_an_attribute_has_its_declared_type_and_any_other_is_last_writer_wins() -> None:
    assert SCHEMA.spec("balance").type is CounterPn
    assert SCHEMA.spec("unheard of").type is RegisterLww


def test_every_registered_type_can_be_declared() -> None:
    declared = {each.type for each in deciding.SCHEMA.attributes.values()}
    assert declared == set(REGISTERED)


def test_fields_and_values_of_a_map_have_their_types() -> None:
    spec = SCHEMA.spec("profile")
    assert spec.fields["visits"].type is CounterPn
    deep = spec.fields["deep"].values
    assert deep is not None
    assert deep.type is CounterPn


def test_a_custom_names_its_function_at_any_depth() -> None:
    assert deciding.SCHEMA.spec("colour") == Spec(Custom, function="told")
    assert deciding.SCHEMA.spec("case").fields["colour"] == Spec(Custom, function="told")


def test_every_mistake_is_reported_at_once_with_its_path() -> None:
    with pytest.raises(InvalidInput) as caught:
        Schema.of(
            table="x",
            key=[],
            attributes={
                "a": "counter",
                "b": {"type": "set_aw", "fields": {"c": "flag_ew"}},
                "d": {"type": "map_or", "fields": {"e": {"type": "map_or", "values": "nope"}}},
                "f": {"type": "map_or", "colour": "red"},
                "g": "custom",
                "h": {"type": "map_or", "values": {"type": "manual", "function": "brightest"}},
                "i": {"type": "custom", "function": "the brightest"},
            },
            delete="never",
            tombstone_retention_days=0,
        )
    known = (
        "counter_pn, custom, flag_ew, manual, map_or, register_lww, register_max, register_min,"
        " register_mv, set_aw, set_rw, version"
    )
    assert str(caught.value).split("; ") == [
        "invalid schema: table: String should match pattern '^[a-zA-Z0-9_.-]{3,255}$'",
        "key: Tuple should have at least 1 item after validation, not 0",
        *f"attributes.a.type: Value error, unknown type 'counter'; known types: {known}".split(
            "; "
        ),
        "attributes.b: Value error, only a map_or has fields or values, not a set_aw",
        *(
            "attributes.d.fields.e.values.type: Value error, unknown type 'nope'; "
            f"known types: {known}"
        ).split("; "),
        "attributes.f.colour: Extra inputs are not permitted",
        "attributes.g: Value error, a custom needs the name of its merge function: 'function'",
        "attributes.h.values: Value error, only a custom has a function, not a manual",
        "attributes.i.function: String should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
        "delete: Input should be 'update_wins' or 'delete_wins'",
        "tombstone_retention_days: Input should be greater than or equal to 1",
    ]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"key": ["_rec"]}, "key: Value error, '_rec' is reserved: no name may start with '_rec'"),
        (
            {"attributes": {"_rec_ttl": "flag_ew"}},
            "attributes: Value error, '_rec_ttl' is reserved",
        ),
        ({"attributes": {"\ud800": "flag_ew"}}, r"'\\ud800': a name must be UTF-8 text"),
        ({"key": ["\ud800"]}, r"'\\ud800': a name must be UTF-8 text"),
        ({"attributes": {"id": "flag_ew"}}, "'id' is a key attribute: a key never changes"),
        ({"key": ["id", "id"]}, "the partition key and the sort key must be two attributes"),
        ({"key": ["a", "b", "c"]}, "key: .*at most 2 items"),
        ({"ttl_attribute": "_rec_ttl"}, "ttl_attribute: .*names that start with '_rec' are res"),
        ({"ttl_attribute": "id"}, "ttl_attribute: .*'id' is a key attribute: a tombstone cannot"),
        ({"ttl_attribute": "x" * 256}, "ttl_attribute: .*at most 255"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"table": None}, "table: Input should be a valid string"),
    ],
)
def test_a_schema_that_cannot_work_is_refused(definition: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Schema.of(**{"table": "parties", "key": ["id"], **definition})
