"""A caller's parameters with a name added: the caller's own stay, and clash with nothing."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causality.hlc import DIGIT
from reconciler.causality.keys import Once, stem_of
from reconciler.client.naming import named
from reconciler.clock import now_ms
from reconciler.errors import InvalidInput, KeyExpired
from reconciler.values.size import item_size
from reconciler.values.wire import from_wire, to_wire
from tests.builders import SCHEMA
from tests.client.named_elements import read_element

AT, ID = 1_732_838_400_123, "k3J-_9ab0Zx"
HERE = "use1ab3xk"
PLAIN: dict[str, Any] = {
    "Key": {"id": "p1"},
    "UpdateExpression": "ADD points :five SET email = :email",
    "ExpressionAttributeValues": {":five": 5, ":email": "a@b"},
    "ConditionExpression": "attribute_exists(id)",
    "ReturnValues": "ALL_NEW",
}
WIRE: dict[str, Any] = {
    **PLAIN,
    "TableName": "parties",
    "Key": {"id": {"S": "p1"}},
    "ExpressionAttributeValues": {":five": {"N": "5"}, ":email": {"S": "a@b"}},
}
SCHEMA_WITH_POINTS = SCHEMA.model_copy(
    update={"attributes": {**SCHEMA.attributes, "points": SCHEMA.attributes["balance"]}}
)


def name_on(parameters: dict[str, Any], **given: Any) -> dict[str, Any]:
    around = {"replica": HERE, "now_ms": lambda: AT, "nonce": lambda: ID, **given}
    return named(parameters, schema=SCHEMA_WITH_POINTS, **around)


def element_in(parameters: dict[str, Any]) -> Any:
    """Return the element, in wire format."""
    values = parameters["ExpressionAttributeValues"]
    op = next(value for name, value in values.items() if name.startswith(":rec_op"))
    ((element,),) = op.values() if isinstance(op, dict) else ([to_wire(op[0], ())],)
    return element


def test_the_name_says_who_wrote_when_and_what() -> None:
    element = element_in(name_on(WIRE))

    assert from_wire(element) == {
        "by": HERE,
        "at": AT,
        "id": ID,
        "do": [["increment", "points", 5], ["assign", "email", "a@b"]],
    }


def test_the_expression_appends_the_name_and_takes_the_expiry_away() -> None:
    found = name_on(WIRE)

    assert found["UpdateExpression"] == (
        "ADD points :five SET email = :email,"
        " #rec_w = list_append(if_not_exists(#rec_w, :rec_none), :rec_op) REMOVE #rec_ttl"
    )
    assert found["ExpressionAttributeNames"] == {"#rec_w": "_rec_w", "#rec_ttl": "_rec_ttl"}
    assert found["ExpressionAttributeValues"].keys() == {":five", ":email", ":rec_none", ":rec_op"}
    assert found["ExpressionAttributeValues"][":rec_none"] == {"L": []}


@pytest.mark.parametrize("parameters", [PLAIN, WIRE])
def test_all_else_is_passed_on_and_the_given_parameters_stay(parameters: dict[str, Any]) -> None:
    before = deepcopy(parameters)

    found = name_on(parameters)

    assert parameters == before
    own = {"UpdateExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}
    assert {k: v for k, v in found.items() if k not in own} == {
        k: v for k, v in before.items() if k not in own
    }
    values = found["ExpressionAttributeValues"]
    assert values.items() >= before["ExpressionAttributeValues"].items()


def test_plain_parameters_get_a_plain_name() -> None:
    plain = name_on(PLAIN)["ExpressionAttributeValues"][":rec_op"]

    assert plain == [from_wire(element_in(name_on(WIRE)))]


def test_binary_and_exact_numbers_pass_in_both_forms() -> None:
    expression = {"UpdateExpression": "SET photo = :photo ADD points :part"}
    plain = {":photo": b"\x00\xff", ":part": Decimal("0.5")}
    wire = {":photo": {"B": b"\x00\xff"}, ":part": {"N": "0.50"}}

    found = [
        element_in(name_on({**base, **expression, "ExpressionAttributeValues": values}))
        for base, values in ((PLAIN, plain), (WIRE, wire))
    ]

    assert found[0] == found[1]
    assert from_wire(found[0])["do"] == [
        ["assign", "photo", b"\x00\xff"],
        ["increment", "points", Decimal("0.5")],
    ]


def test_placeholders_of_the_caller_are_left_alone() -> None:
    names = {"#rec_w": "email", "#rec_ttl": "phone", "#rec_ttl_": "points"}
    values = {":rec_op": "a@b", ":rec_none": 5}
    text = "SET #rec_w = :rec_op REMOVE #rec_ttl ADD #rec_ttl_ :rec_none"

    found = name_on(
        {
            "Key": {"id": "p1"},
            "UpdateExpression": text,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    )

    assert found["UpdateExpression"] == (
        "SET #rec_w = :rec_op, #rec_w_ = list_append(if_not_exists(#rec_w_, :rec_none_), :rec_op_)"
        " REMOVE #rec_ttl, #rec_ttl__ ADD #rec_ttl_ :rec_none"
    )
    assert found["ExpressionAttributeNames"].items() >= names.items()
    assert found["ExpressionAttributeNames"]["#rec_w_"] == "_rec_w"
    assert found["ExpressionAttributeValues"].items() >= values.items()


def test_an_expression_without_values_can_be_named() -> None:
    found = name_on({"Key": {"id": "p1"}, "UpdateExpression": "REMOVE phone"})

    assert found["UpdateExpression"].startswith("REMOVE phone, #rec_ttl SET #rec_w = ")


ONCE = Once("order-4711", AT - 60_000)


@pytest.mark.parametrize("parameters", [PLAIN, WIRE], ids=["plain", "wire"])
def test_a_name_with_a_key_tells_it_and_is_put_only_where_the_item_does_not_show_it(
    parameters: dict[str, Any],
) -> None:
    found = name_on(parameters, once=ONCE)

    key, names = ONCE.lineage(), found["ExpressionAttributeNames"]
    assert element_in(name_on(parameters)).keys() == {"M"}
    op = found["ExpressionAttributeValues"][":rec_op"]
    name, mark = op["L"] if isinstance(op, dict) else to_wire(op, ())["L"]
    assert (name["M"]["once"], mark) == ({"S": key.epoch}, {"S": stem_of(key)})
    assert found["ConditionExpression"] == (
        "(attribute_exists(id)) AND (attribute_not_exists(#rec.#rec_c.#rec_k)"
        " AND NOT contains(#rec_w, :rec_k))"
    )
    assert [names[n] for n in ("#rec", "#rec_c", "#rec_k")] == ["_rec", "c", key]


def test_a_key_of_a_name_is_refused_when_it_is_too_old_or_tells_no_time() -> None:
    for once, error in (
        (Once("order-4711", AT - 86_400_001), KeyExpired),
        (Once("order-4711", AT + 3_600_000), KeyExpired),
        ("d9428888-122b-41e1-b85c-61cf3cbb3210", InvalidInput),
    ):
        with pytest.raises(error):
            name_on(WIRE, once=once)


def test_beside_a_key_a_condition_is_said_as_text() -> None:
    with pytest.raises(InvalidInput, match="say it as text"):
        name_on({**PLAIN, "ConditionExpression": Attr("id").exists()}, once=ONCE)


def test_an_increment_costs_at_most_90_bytes() -> None:
    increment = {**PLAIN, "UpdateExpression": "ADD points :five"}
    element = element_in(name_on(increment, now_ms=now_ms))

    assert item_size({"": element}) + 1 <= 90  # 1: its place in the list


def test_each_name_has_its_own_time_and_its_own_random_id() -> None:
    before = now_ms()
    elements = [
        read_element(element_in(named(PLAIN, schema=SCHEMA_WITH_POINTS, replica=HERE)))
        for _ in range(50)
    ]

    assert len({each.id for each in elements}) == 50
    assert all(before <= each.at <= now_ms() for each in elements)


WITHOUT_EXPRESSION = [
    {"Key": {"id": "p1"}},
    {"Key": {"id": "p1"}, "UpdateExpression": ""},
    {"Key": {"id": "p1"}, "AttributeUpdates": {"a": {"Value": "x", "Action": "PUT"}}},
]


@pytest.mark.parametrize("parameters", WITHOUT_EXPRESSION)
def test_the_legacy_form_is_refused_with_what_to_do(parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="say with it what AttributeUpdates say"):
        name_on(parameters)


@pytest.mark.parametrize("key", [None, {}, "p1", {"pk": "p1"}, {"pk": {"S": "p1"}}, {"id": 1.5}])
def test_a_key_that_is_not_the_tables_is_refused(key: Any) -> None:
    with pytest.raises(InvalidInput, match=r"is not a key of parties|is a float"):
        name_on({**PLAIN, "Key": key})


def test_plain_values_beside_a_wire_key_are_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r":five: not a value such as {'S': 'Ada'}"):
        name_on({**WIRE, "ExpressionAttributeValues": PLAIN["ExpressionAttributeValues"]})


def test_a_value_that_dynamodb_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r":email: 1\.5 is a float"):
        name_on({**PLAIN, "ExpressionAttributeValues": {":five": 5, ":email": 1.5}})


@pytest.mark.parametrize("replica", ["", "~", "us-east-1", "use1.x"])
def test_what_is_no_code_of_a_replica_is_refused(replica: str) -> None:
    with pytest.raises(InvalidInput, match="is not the code of a replica, such as 'use1ab3xk'"):
        name_on(PLAIN, replica=replica)


ACTIONS = st.sampled_from(
    [
        *("ADD points :five", "SET points = points - :five", "REMOVE name", "SET name = :email"),
        *("SET active = :yes", "DELETE tags :set", "ADD blocked :set", "SET profile.city = :email"),
        *("ADD profile.visits :five", "SET log = list_append(log, :list)", "REMOVE notes"),
    ]
)
VALUES = {":five": 5, ":email": "a@b", ":yes": True, ":set": {"a"}, ":list": [{"x": None}]}


@given(ACTIONS, st.integers(10**12, 10**13 - 1), st.from_regex(rf"{DIGIT}{{11}}", fullmatch=True))
def test_every_name_is_of_the_one_form(action: str, at: int, id_: str) -> None:
    parameters = {**PLAIN, "UpdateExpression": action, "ExpressionAttributeValues": VALUES}

    found = name_on(parameters, now_ms=lambda: at, nonce=lambda: id_)

    by, when, drawn, (did,) = read_element(element_in(found))
    assert (by, when, drawn) == (HERE, at, id_)
    assert did.path[0] in action
