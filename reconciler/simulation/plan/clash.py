"""Writers who disagree: an attribute that is a register in one schema and a counter in another."""

from functools import cache

from reconciler.item.schema import AttributeSchema, Schema

CLASHING = "odd"


def with_clash(schema: Schema) -> Schema:
    """Return a schema in which the attribute is a counter; one that knows it stays as it is."""
    if CLASHING in schema.attributes:
        return schema
    attributes = {**schema.attributes, CLASHING: _counter()}
    return schema.model_copy(update={"attributes": attributes})


@cache
def _counter() -> AttributeSchema:
    return AttributeSchema(type="counter_pn")
