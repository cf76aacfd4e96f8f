"""A schema with every type, those included that need a person or a function of the user's."""

from typing import Any

from hypothesis import strategies as st

from reconciler.crdt import custom
from reconciler.item.schema import Schema
from tests.builders import TYPES, assign, remove
from tests.strategies import Edits, register

DECIDING: dict[str, Any] = {
    "owner": "manual",
    "colour": {"type": "custom", "function": "told"},
    "case": {
        "type": "map_or",
        "fields": {"colour": {"type": "custom", "function": "told"}, "seen": "register_max"},
        "values": "manual",
    },
}
ALL_TYPES = {**TYPES, **DECIDING}
SCHEMA = Schema.of(table="parties", key=["id"], attributes=ALL_TYPES)
DELETE_WINS = Schema.of(table="parties", key=["id"], attributes=ALL_TYPES, delete="delete_wins")


@custom.function("told")
def told(values: list[Any], about: custom.Siblings) -> Any:
    """Answer with all that a merge function is given."""
    stamps = [list(each) for each in zip(about.replicas, about.wall_ms, strict=True)]
    return {"values": values, "path": list(about.path), "stamps": stamps}


def _case() -> Edits:
    words = st.sampled_from(["a", "b"])
    whole = st.fixed_dictionaries({}, optional={"owner": words, "colour": words, "other": words})
    return st.one_of(
        register("case.owner", words),
        register("case.colour", words),
        whole.map(lambda value: assign("case", value)),
        st.just(remove("case")),
    )


BY_TYPE: dict[str, Edits] = {
    "manual": register("owner"),
    "custom": register("colour"),
    "manual and custom in a map_or": _case(),
}
