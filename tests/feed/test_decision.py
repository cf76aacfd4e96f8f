"""A decision is read from options and files, checked, and told the same way every time."""

import json
from decimal import Decimal
from typing import Any

import pytest

from reconciler.errors import InvalidInput
from reconciler.feed.decision import Answer, Choice, decision_text, parse_decision
from reconciler.values.wire import from_wire


def value_of(text: str) -> Any:
    """Return the plain value that `--set name=text` gives."""
    wire = parse_decision(values=[f"name={text}"])["name"].value
    return from_wire(wire) if wire is not None else None


def test_takes_values_and_a_file_make_one_decision() -> None:
    document = '{"c": {"take": "winner"}, "d": {"value": [1]}, "e": {"remove": true}}'
    assert parse_decision(["a=lost", "all=current"], ['b="x=y"'], document) == {
        "a": Choice(take="lost"),
        "all": Choice(take="current"),
        "b": Choice(value={"S": "x=y"}),
        "c": Choice(take="winner"),
        "d": Choice(value={"L": [{"N": "1"}]}),
        "e": Choice(),
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "1234567890.1234567890123456789012345678",
            Decimal("1234567890.1234567890123456789012345678"),
        ),
        ("12345678901234567890123456789012345678", 12345678901234567890123456789012345678),
        ('{"set": ["a", "b"]}', {"a", "b"}),
        ('{"set": [1, 2.5]}', {1, Decimal("2.5")}),
        ('{"bytes": "AP8="}', b"\x00\xff"),
        ('{"set": [{"bytes": "AA=="}]}', {b"\x00"}),
        ('{"a": {"set": [1], "other": 1}}', {"a": {"set": [1], "other": 1}}),
        ("null", None),
        ("false", False),
    ],
)
def test_a_value_is_read_exactly(text: str, value: Any) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_null_is_a_value_and_no_removal() -> None:
    assert parse_decision(values=["name=null"])["name"] == Choice(value={"NULL": True})


@pytest.mark.parametrize(
    ("takes", "values", "document", "told"),
    [
        (["name"], [], None, "--take 'name'"),
        (["=lost"], [], None, "--take '=lost'"),
        (["name=left"], [], None, "name: .*lost|winner|current"),
        ([], ["name"], None, "--set 'name'"),
        ([], ["name=Ada"], None, "name: 'Ada' is no JSON, where a text stands in double quotes"),
        ([], ["name=NaN"], None, "name: DynamoDB holds no NaN"),
        ([], ["name=1e999"], None, "name: .*range"),
        ([], ['name={"set": []}'], None, "name: .*empty set; remove the attribute"),
        ([], ['name={"set": [[1]]}'], None, "name: a set holds strings, numbers or bytes"),
        ([], ['name={"set": ["a", 1]}'], None, "name: .*only strings"),
        ([], ['name={"bytes": "?"}'], None, "name: '\\?' is no base64"),
        ([], ["all=1"], None, "all: "),
        ([], [], "[]", "the decision's file must hold"),
        ([], [], "{", "the decision's file: '{' is no JSON"),
        ([], [], b"\xff\xff", "the decision's file: .* is no JSON"),
        ([], [], '{"name": {"take": "lost", "value": 1}}', "name: .* decides nothing"),
        ([], [], '{"name": {"take": ["lost"]}}', "name: .* decides nothing"),
        ([], [], '{"name": {"remove": false}}', "name: .* decides nothing"),
        ([], [], '{"name": "lost"}', "name: .* decides nothing"),
        ([], [], '{"all": {"remove": true}}', "all: .* decides nothing"),
        (["name=lost"], ["name=1"], None, "name: decided more than once"),
        (["name=lost", "name=lost"], [], None, "name: decided more than once"),
        ([], [], None, "nothing is decided"),
        ([], [], "{}", "nothing is decided"),
    ],
)
def test_what_decides_nothing_is_refused_with_its_attribute(
    takes: list[str], values: list[str], document: str | bytes | None, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        parse_decision(takes, values, document)


def test_a_decision_is_told_as_a_file_that_gives_it_again() -> None:
    decision = parse_decision(
        ["b=lost"], ['a={"set": [2, 1.50]}', 'c={"bytes": "AP8="}'], '{"d": {"remove": true}}'
    )
    text = decision_text(decision)
    assert text == (
        '{"a": {"value": {"set": [1.5, 2]}}, "b": {"take": "lost"},'
        ' "c": {"value": {"bytes": "AP8="}}, "d": {"remove": true}}'
    )
    assert parse_decision(document=text) == decision


def test_one_decision_has_one_text_however_it_was_given() -> None:
    one = parse_decision(["b=lost"], ["a=1.0"])
    other = parse_decision(document='{"a": {"value": 1}, "b": {"take": "lost"}}')
    assert decision_text(one) == decision_text(other)


@pytest.mark.parametrize(
    ("by", "why", "field"),
    [
        ("x" * 201, "", "by: "),
        ("\ud800", "", "by: "),
        ("ann", "x" * 2_001, "why: "),
        ("ann", "\udfff", "why: "),
    ],
)
def test_an_answer_that_no_row_takes_is_refused_before_anything_is_written(
    by: str, why: str, field: str
) -> None:
    with pytest.raises(InvalidInput, match=field):
        Answer(parse_decision(["all=current"]), by, why)


def test_a_decision_longer_than_its_row_takes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer than 200 KB"):
        Answer(parse_decision(values=[f'note="{"x" * 210_000}"']), "ann", "")


def test_a_choice_that_decides_nothing_is_told_in_short() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_decision(document=json.dumps({"name": {"x": "y" * 100_000}}))
    assert len(str(refused.value)) < 300
