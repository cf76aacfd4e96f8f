"""The schema that the ingest function of the tests is told of."""

from reconciler.item.schema import Schema

PARTIES = Schema.of(
    table="parties",
    key=["id"],
    attributes={"points": "counter_pn", "tags": "set_aw", "active": "flag_ew"},
)
OTHERS = PARTIES.model_copy(update={"table": "others"})
