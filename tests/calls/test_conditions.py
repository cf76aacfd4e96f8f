"""A condition of a caller's means of a deleted item what it means of none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import InvalidInput, Schema
from reconciler.calls.conditions import of_the_living
from reconciler.client.placeholders import Placeholders, both

SCHEMA = Schema.of(table="parties", key=["id", "sk"], ttl_attribute="until")
DEAD, ALIVE = "attribute_exists(#rec_n0)", "attribute_not_exists(#rec_n0)"


def living(text: str, **names: str) -> str:
    aliases = {f"#{name}": attribute for name, attribute in names.items()}
    placeholders = Placeholders({"ExpressionAttributeNames": aliases})
    said = of_the_living(text, placeholders, SCHEMA)
    assert set(placeholders.names.values()) - set(aliases.values()) <= {"_rec_ttl"}
    return said.replace(f"#rec_n{len(aliases)}", "#rec_n0")


@pytest.mark.parametrize(
    "text",
    [
        "attribute_exists(points)",
        "points > :id AND NOT contains(tags, :sk)",
        "address.id = :x",
        "size(points) BETWEEN :a AND :b",
        "",
    ],
)
def test_what_says_nothing_of_the_key_stays_as_it_is(text: str) -> None:
    assert living(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("attribute_exists(id)", f"(attribute_exists(id) AND {ALIVE})"),
        ("attribute_not_exists( sk )", f"(attribute_not_exists( sk ) OR {DEAD})"),
        ("attribute_exists(until)", f"(attribute_exists(until) AND {ALIVE})"),
        ("id<>:x", f"(id<>:x OR {DEAD})"),
        (":x = id", f"(:x = id AND {ALIVE})"),
        ("id BETWEEN :a AND :b", f"(id BETWEEN :a AND :b AND {ALIVE})"),
        ("sk in (:a, :b)", f"(sk in (:a, :b) AND {ALIVE})"),
        ("size (id) >= :a", f"(size (id) >= :a AND {ALIVE})"),
        ("begins_with(sk, :a)", f"(begins_with(sk, :a) AND {ALIVE})"),
        ("(attribute_exists(id))", f"(attribute_exists(id) AND {ALIVE})"),
        ("(id) = (:a)", f"((id) = (:a) AND {ALIVE})"),
        ("a.b[0] = id", f"(a.b[0] = id AND {ALIVE})"),
        (
            "not (attribute_exists(id) or a = :b) And c < :d",
            f"not ((attribute_exists(id) AND {ALIVE}) or a = :b) And c < :d",
        ),
    ],
)
def test_what_is_said_of_the_key_holds_as_if_nothing_were_there(text: str, said: str) -> None:
    assert living(text) == said


def test_an_alias_of_the_key_is_the_key() -> None:
    assert living("attribute_exists(#0)", **{"0": "sk"}) == f"(attribute_exists(#0) AND {ALIVE})"


@pytest.mark.parametrize(
    "text",
    ["attribute_exists(id", "id =", "id = :a)", "id ! :a", "id = :a OR", "id == :a", "AND id = :a"],
)
def test_a_condition_on_the_key_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="ConditionExpression"):
        living(text)


ATOMS = ["attribute_exists(id)", "attribute_not_exists(id)", "a = :a", "id <> :a", "size(id) > :a"]
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(
            lambda three: f"({three[0]}){three[1]}({three[2]})"
        ),
        inner.map("NOT ({})".format),
    ),
    max_leaves=6,
)
# What each atom says where there is nothing, of a deleted item itself, and of a living one.
SAYS = {
    "attribute_exists(id)": (False, True, True),
    "attribute_not_exists(id)": (True, False, False),
    "a = :a": (False, False, True),
    "id <> :a": (True, True, True),
    "size(id) > :a": (False, True, True),
    DEAD: (False, True, False),
    ALIVE: (True, False, True),
}


def holds(text: str, of: int) -> bool:
    """Evaluate a condition as DynamoDB would: of nothing, of a deleted item, of a living one."""
    for atom in sorted(SAYS, key=len, reverse=True):
        text = text.replace(atom, str(SAYS[atom][of]))
    for word in ("AND", "OR", "NOT"):
        text = text.replace(f"{word} ", f"{word.lower()} ")
    return bool(eval(text))  # noqa: S307 (it is made above)


@given(conditions)
def test_of_a_deleted_item_a_condition_says_what_it_says_of_none(text: str) -> None:
    said = living(text)

    assert holds(said, of=1) == holds(text, of=0)
    assert holds(said, of=2) == holds(text, of=2)
    assert holds(said, of=0) == holds(text, of=0)


@given(conditions, conditions)
def test_two_conditions_are_joined_without_a_pair_of_parentheses_too_many(a: str, b: str) -> None:
    joined = both(a, b)

    assert all(holds(joined, of) == (holds(a, of) and holds(b, of)) for of in (0, 1, 2))
    assert both(f"({a})", "") == f"({a})"
    assert both(f"({a})", "c") == f"({a}) AND (c)"
