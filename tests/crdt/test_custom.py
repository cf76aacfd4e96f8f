"""custom: a function of the user's is asked what readers see of concurrent values."""

from decimal import Decimal
from itertools import count, permutations
from typing import Any

import pytest

from reconciler.crdt import custom
from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput, MergeFunctionFailed, TypeMismatch
from reconciler.item.image import merge, read
from reconciler.item.metadata import decode, encode
from reconciler.item.schema import Schema
from reconciler.values.wire import to_json
from tests.builders import KEY, Replica, as_stream, assign, remove
from tests.crdt.deciding import SCHEMA, told


class Region(Replica):
    """A replica whose schema has the types that decide."""

    def edit(self, *edits: Edit, at: int = 1_000, schema: Schema = SCHEMA) -> Any:
        return self.write(*edits, at=at, schema=schema)


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the registry of this process, which is empty."""
    registry: dict[str, Any] = {}
    monkeypatch.setattr(custom, "_FUNCTIONS", registry)
    return registry


def sides(*values: Any, where: str = "colour") -> list[Any]:
    regions = ("use1", "euw1", "apse1")
    return [
        Region(name).edit(assign(where, value), at=1_000 * n)
        for n, (name, value) in enumerate(zip(regions, values, strict=False), start=1)
    ]


def shown(image: Any) -> Any:
    return (read(image) or {}).get("colour")


def test_the_function_gets_the_values_in_dot_order_and_who_wrote_them_when() -> None:
    expected = {
        "values": [[1], Decimal("2.5")],
        "path": ["colour"],
        "stamps": [["euw1", 2_000], ["use1", 1_000]],
    }
    assert shown(merge(*sides(Decimal("2.5"), [1]))) == expected


def test_in_a_map_the_function_gets_the_whole_path() -> None:
    merged = merge(*sides("a", "b", where="case.colour"))
    assert (read(merged) or {})["case"]["colour"]["path"] == ["case", "colour"]


def test_one_value_needs_no_function(functions: dict[str, Any]) -> None:
    ours, theirs = sides("a", "b")
    both = Region("use1", theirs).edit(assign("colour", "c"), at=3_000)
    assert shown(merge(both, theirs)) == "c"
    assert shown(merge(ours, Region("euw1").edit(assign("name", "x")))) == "a"


def test_the_next_assignment_replaces_the_values_it_saw() -> None:
    merged = merge(*sides("a", "b"))
    decided = Region("use1", merged).edit(assign("colour", "c"), at=4_000)
    assert shown(merge(decided, merged)) == "c"


def test_removing_takes_away_the_values_it_saw() -> None:
    ours, theirs = sides("a", "b")
    removed = Region("apse1", ours).edit(remove("colour"), at=9_000)
    assert shown(removed) is None
    assert shown(merge(removed, theirs)) == "b"


def test_a_removed_value_may_be_assigned_again() -> None:
    merged = merge(*sides("a", "b"))
    removed = Region("use1", merged).edit(remove("colour"), at=4_000)
    again = Region("euw1", removed).edit(assign("colour", "c"), at=5_000)
    rival = Region("apse1", removed).edit(assign("colour", "d"), at=6_000)
    assert shown(merge(again, rival))["values"] == ["d", "c"]


def test_in_a_map_removing_takes_away_the_values_it_saw() -> None:
    ours, theirs = sides("a", "b", where="case.colour")
    removed = Region("apse1", ours).edit(remove("case"), at=9_000)
    assert (read(merge(removed, theirs)) or {})["case"] == {"colour": "b"}


def test_the_function_is_asked_again_when_one_of_its_values_goes() -> None:
    first, second, third = sides("a", "b", "c")
    merged = merge(merge(first, second), third)
    assert shown(merged)["values"] == ["c", "b", "a"]
    gone = Region("use1", first).edit(remove("colour"), at=4_000)
    assert shown(merge(merged, gone))["values"] == ["c", "b"]


def test_a_process_without_the_function_reads_and_edits_the_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merged = merge(*sides("a", "b"))
    answer = shown(merged)
    monkeypatch.setattr(custom, "_FUNCTIONS", {})

    edited = Region("use1", merged).edit(assign("name", "Ada"), at=5_000)
    rival = Region("euw1", merged).edit(assign("notes", "x"), at=5_000)

    assert read(merge(edited, rival)) == KEY | {"name": "Ada", "notes": ["x"], "colour": answer}
    assert shown(Region("use1", edited).edit(assign("colour", "new"), at=6_000)) == "new"


def test_without_the_function_new_values_are_not_merged(functions: dict[str, Any]) -> None:
    with pytest.raises(MergeFunctionFailed, match="'told' is not registered") as caught:
        merge(*sides("a", "b"))
    assert caught.value.disposition == "park"
    assert caught.value.evidence == {
        "function": "told",
        "attribute": "colour",
        "values": ["b", "a"],
        "cause": "is not registered in this process",
    }


def raises(values: list[Any], _about: custom.Siblings) -> Any:
    return values[0] / 0


NUMBERS = count()


@pytest.mark.parametrize(
    ("merging", "cause"),
    [
        (raises, "failed: TypeError: unsupported operand"),
        (lambda *_: 1.5, "failed: InvalidInput: colour: 1.5 is a float"),
        (lambda *_: set(), "failed: InvalidInput: colour: DynamoDB has no empty set"),
        (lambda *_: object(), "failed: InvalidInput: colour: DynamoDB cannot hold"),
        (lambda *_: next(NUMBERS), "gave two answers to the same values"),
    ],
)
def test_a_function_that_gives_no_answer_to_keep_fails_the_merge(
    merging: Any, cause: str, functions: dict[str, Any]
) -> None:
    functions["told"] = merging
    with pytest.raises(MergeFunctionFailed) as caught:
        merge(*sides("a", "b"))
    assert str(caught.value).startswith(f"colour: the merge function 'told' {cause}")


def test_a_function_that_changes_its_values_changes_no_value(functions: dict[str, Any]) -> None:
    def taking(values: list[Any], _about: custom.Siblings) -> Any:
        values[0].append("mine")
        return values.pop()

    functions["told"] = taking
    merged = merge(*sides(["a"], ["b"]))
    assert shown(merged) == ["a"]
    functions["told"] = told
    third = Region("apse1").edit(assign("colour", ["c"]), at=3_000)
    assert shown(merge(merged, third))["values"] == [["c"], ["b"], ["a"]]


def test_two_answers_of_two_releases_become_the_answer_of_this_one(
    functions: dict[str, Any],
) -> None:
    merged = []
    for answer in ("older", "newer", "this"):
        functions["told"] = lambda *_, answer=answer: answer
        merged.append(merge(*sides("a", "b")))
    older, newer, expected = merged
    assert to_json(merge(older, newer)) == to_json(merge(newer, older)) == to_json(expected)


def test_any_order_of_merges_keeps_all_values_and_gives_the_same_bytes() -> None:
    merges = [merge(merge(a, b), c) for a, b, c in permutations(sides("a", "b", "c"))]
    assert len({to_json(each) for each in merges}) == 1
    assert len(list(decode(merges[0])[0].attributes["colour"].dots())) == 3


def test_the_wire_form_restores_the_values_and_the_answer_exactly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merged = merge(*sides(["x", {"y": 1}], b"\xff"))
    in_memory = decode(merged)[0].attributes
    monkeypatch.setattr(custom, "_FUNCTIONS", {})
    item, changed = decode(as_stream(merged))
    assert changed == []
    assert item.attributes == in_memory
    assert to_json(encode(item)) == to_json(merged)


def test_a_write_around_the_library_replaces_the_values() -> None:
    merged = merge(*sides("a", "b"))
    around = {**merged, "colour": {"S": "z"}}
    adopted = Region("use1", around).edit(assign("name", "x"), at=5_000)
    assert shown(merge(adopted, merged)) == "z"


def test_an_attribute_keeps_its_function() -> None:
    other = {"colour": {"type": "custom", "function": "other"}}
    renamed = Schema.of(table="parties", key=["id"], attributes=other)
    (ours,) = sides("a")
    theirs = Region("euw1").edit(assign("colour", "b"), schema=renamed)
    with pytest.raises(TypeMismatch, match=r"colour is a custom \(told\) in one image and a"):
        merge(ours, theirs)
    with pytest.raises(TypeMismatch, match=r"the schema says custom \(other\)"):
        Region("use1", ours).edit(assign("colour", "b"), at=2_000, schema=renamed)


def test_a_name_belongs_to_one_function(functions: dict[str, Any]) -> None:
    @custom.function("brightest")
    def brightest(values: list[Any], _about: custom.Siblings) -> Any:
        return max(values)

    custom.function("brightest")(brightest)
    with pytest.raises(InvalidInput, match="registered as 'brightest'"):
        custom.function("brightest")(raises)
    assert functions == {"brightest": brightest}
