"""JSON Patch on a document, against the reference library wherever both take it."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import jsonpatch
import jsonpointer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.answers import Refused
from reconciler.api.tmf632.json_patch import carry_out, operations_in, touched_by

DOCUMENT = {
    "name": "Ada",
    "tags": ["a", "b"],
    "media": [{"id": "home", "number": 1}, {"id": "desk", "number": 2}],
    "place": {"city": "London", "~/": {"x": [1, True, None]}},
}
POINTERS = ["/name", "/tags", "/tags/0", "/tags/1", "/tags/2", "/tags/-", "/tags/01", "/media/0"]
POINTERS += ["/media/1/number", "/media/3", "/place", "/place/city", "/place/~0~1/x/1", "/new", "/"]
POINTERS += ["/new/deeper", "/name/0", "/place/~0~1"]
VALUES: list[Any] = ["Ada", 1, True, 1.0, None, [], {}, {"city": "London"}, ["a", "b"], 2]


def operation() -> st.SearchStrategy[dict[str, Any]]:
    pointer, value = st.sampled_from(POINTERS), st.sampled_from(VALUES)
    return st.one_of(
        st.builds(lambda o, p, v: {"op": o, "path": p, "value": v}, verb(3), pointer, value),
        st.builds(lambda p: {"op": "remove", "path": p}, pointer),
        st.builds(lambda o, p, f: {"op": o, "path": p, "from": f}, verb(2), pointer, pointer),
    )


def verb(values: int) -> st.SearchStrategy[str]:
    return st.sampled_from(["add", "replace", "test"] if values == 3 else ["move", "copy"])


def patched(operations: Any, document: Any = None) -> Any:
    found = deepcopy(DOCUMENT if document is None else document)
    carry_out(operations_in(operations), found)
    return found


def patched_if_it_fits(operations: Any) -> Any:
    try:
        return patched(operations)
    except Refused as refused:
        if refused.code != "patchMismatch":
            raise
        return None


@given(st.lists(operation(), min_size=1, max_size=6))
def test_a_patch_does_what_the_reference_library_does(operations: list[dict[str, Any]]) -> None:
    before = deepcopy(operations)
    try:
        wanted = jsonpatch.apply_patch(DOCUMENT, operations)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        wanted = None
    found = patched_if_it_fits(operations)
    if not any(each["op"] == "test" for each in operations):  # there the library takes 1 for true
        assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert found == wanted
    assert operations == before


def test_a_name_in_a_list_is_an_entrys_id() -> None:
    changed = patched([{"op": "replace", "path": "/media/desk/number", "value": 5}])
    assert changed["media"] == [{"id": "home", "number": 1}, {"id": "desk", "number": 5}]
    with pytest.raises(Refused, match="patchMismatch"):
        patched([{"op": "remove", "path": "/media/fax"}])


@pytest.mark.parametrize(
    ("there", "told", "is_same"),
    [
        (1, Decimal("1.0"), True),
        (1, True, False),
        ({"a": [1, {"b": None}]}, {"a": [Decimal(1), {"b": None}]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1], [1, 2], False),
        ("1", 1, False),
    ],
)
def test_a_test_compares_as_json_does(there: Any, told: Any, is_same: bool) -> None:
    asked = [{"op": "test", "path": "/a", "value": told}]
    if is_same:
        assert patched(asked, {"a": there}) == {"a": there}
    else:
        with pytest.raises(Refused, match="patchMismatch"):
            patched(asked, {"a": there})


def test_copies_cannot_make_a_document_grow_without_end() -> None:
    doubling = [{"op": "add", "path": "/a", "value": {"b": "x" * 1_000}}]
    doubling += [{"op": "copy", "from": "/a", "path": f"/a/{n}"} for n in range(200)]
    with pytest.raises(Refused) as refused:
        patched(doubling)
    assert refused.value.code == "contentTooLarge"


def test_moves_cannot_make_a_document_deeper_without_end() -> None:
    deep: Any = {}
    for _ in range(30):
        deep = {"a": deep}
    nesting = [{"op": "add", "path": "/a", "value": deep}]
    nesting += [{"op": "copy", "from": "/a", "path": "/a" * 30}]
    with pytest.raises(Refused) as refused:
        patched(nesting)
    assert refused.value.code == "invalidRequest"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "body: Input should be a valid list"),
        ([], "body: List should have at least 1 item"),
        ([{"op": "swap", "path": "/a"}], "body.0: Input tag 'swap'"),
        ([{"op": "add", "path": "/a"}], "body.0.value: Field required"),
        ([{"op": "remove", "path": "a"}], "body.0.path: it is a JSON Pointer"),
        ([{"op": "remove", "path": "/a~2"}], "body.0.path: it is a JSON Pointer"),
        ([{"op": "remove", "path": 5}], "body.0.path: it is a JSON Pointer"),
        ([{"op": "remove", "path": ""}], "body.0.path: it names an attribute"),
        ([{"op": "replace", "path": "/id", "value": "x"}], "body.0.path: id never changes"),
        ([{"op": "move", "path": "/a", "from": "/href"}], "body.0.from: href never changes"),
        ([{"op": "remove", "path": "/a" * 41}], "body.0.path: Value should have at most 40"),
        ([{"op": "remove", "path": "/a"}, 5, "x"], "body.1: "),
        ([{"op": "remove", "path": "/a"}] * 257, "body: List should have at most 256"),
    ],
)
def test_what_is_no_patch_is_refused_with_the_place_of_each_mistake(
    document: Any, told: str
) -> None:
    with pytest.raises(Refused) as refused:
        operations_in(document)
    assert refused.value.code == "invalidRequest"
    assert told in refused.value.message


def test_what_a_patch_touches_is_what_it_changes() -> None:
    asked = [
        {"op": "test", "path": "/a", "value": 1},
        {"op": "copy", "path": "/b/x", "from": "/c"},
        {"op": "move", "path": "/d", "from": "/e/x"},
        {"op": "remove", "path": "/b"},
    ]
    assert touched_by(operations_in(asked)) == ("b", "d", "e")
