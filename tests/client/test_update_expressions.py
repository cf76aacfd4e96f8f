"""UpdateExpressions: read as DynamoDB reads them, whatever their spelling; else refused."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.client.update_expressions import Action, Call, Given, Operand, Place, parse
from reconciler.errors import InvalidInput

NAMES = {"#n": "name", "#dotted": "a.b", "#size": "size", "#a1_b": "über", "#set": "SET"}
VALUES: dict[str, Any] = {
    ":v": {"S": "Ada"},
    ":n": {"N": "5"},
    ":list": {"L": []},
    ":s": {"SS": ["a"]},
}
V, N, LIST = (Given(VALUES[name]) for name in (":v", ":n", ":list"))


def place(*parts: str | int) -> Place:
    return Place(parts)


def actions(text: str) -> list[Action]:
    return list(parse(text, NAMES, VALUES).actions)


POINTS = place("points")


@pytest.mark.parametrize(
    ("text", "operand"),
    [
        (":v", V),
        ("other", place("other")),
        ("points + :n", Call("+", POINTS, N)),
        ("points-:n", Call("-", POINTS, N)),
        (":n + points", Call("+", N, POINTS)),
        ("if_not_exists(points, :n)", Call("if_not_exists", POINTS, N)),
        ("if_not_exists ( a[0].b , :n )", Call("if_not_exists", place("a", 0, "b"), N)),
        (
            "if_not_exists(points, :n) + :n",
            Call("+", Call("if_not_exists", POINTS, N), N),
        ),
        (
            "list_append(if_not_exists(log, :list), :list)",
            Call("list_append", Call("if_not_exists", place("log"), LIST), LIST),
        ),
        ("list_append(:list, log)", Call("list_append", LIST, place("log"))),
        ("(points + :n)", Call("+", POINTS, N)),
        ("if_not_exists", place("if_not_exists")),  # a name like any other where no ( follows
    ],
)
def test_a_set_is_read_with_its_operand(text: str, operand: Operand) -> None:
    assert actions(f"SET points = {text}") == [Action("SET", POINTS, operand)]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a", place("a")),
        ("_a1", place("_a1")),
        ("#n", place("name")),
        ("#dotted", place("a.b")),  # one name, though a dot is in it
        ("#dotted.c", place("a.b", "c")),
        ("a.b[0][12].#a1_b", place("a", "b", 0, 12, "über")),
        (" a . b [ 0 ] ", place("a", "b", 0)),
        ("set", place("set")),  # whether a word is reserved DynamoDB says
    ],
)
def test_a_place_is_read_with_its_names_and_indexes(text: str, where: Place) -> None:
    assert actions(f"REMOVE {text}") == [Action("REMOVE", where)]


def test_clauses_come_in_any_order_and_in_any_letters() -> None:
    text = "add points :n,tags :s\n\tDelete blocked :s REMOVE a, b.c sEt #n=:v"

    assert actions(text) == [
        Action("ADD", POINTS, N),
        Action("ADD", place("tags"), Given(VALUES[":s"])),
        Action("DELETE", place("blocked"), Given(VALUES[":s"])),
        Action("REMOVE", place("a")),
        Action("REMOVE", place("b", "c")),
        Action("SET", place("name"), V),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at its end: expected SET, REMOVE, ADD, DELETE"),
        ("points = :n", "at 'points = :n': expected SET, REMOVE, ADD, DELETE"),
        ("SET", "at its end: expected an attribute's name"),
        ("SET a = :v,", "at its end: expected an attribute's name"),
        ("SET a :v", "at ':v': expected '='"),
        ("SET a = :v b = :v", "at 'b = :v': expected SET, REMOVE, ADD, DELETE"),
        ("SET a = :v SET b = :v", "at 'SET b = :v': expected one SET only"),
        ("SET a = :other", "at ':other': expected :other in ExpressionAttributeValues"),
        ("SET #x = :v", "at '#x = :v': expected #x in ExpressionAttributeNames"),
        ("SET a = b + c - d", "at '- d': expected SET, REMOVE, ADD, DELETE"),
        ("SET a = size(b)", "at 'size(b)': expected if_not_exists or list_append"),
        ("SET a = IF_NOT_EXISTS(a, :v)", "at 'IF_NOT_EXISTS(a, :v)': expected if_not_exists"),
        ("SET a = if_not_exists(:v, a)", "at ':v, a)': expected an attribute's name"),
        ("SET a = list_append(a)", "at ')': expected ','"),
        ("SET a = (b + :n", "at its end: expected ')'"),
        ("REMOVE a = :v", "at '= :v': expected SET, REMOVE, ADD, DELETE"),
        ("REMOVE a.", "at its end: expected an attribute's name"),
        ("REMOVE a[-1]", "at '-1]': expected an index, such as [0]"),
        ("REMOVE a[b]", "at 'b]': expected an index"),
        ("REMOVE 1a", "at '1a': expected an attribute's name"),
        ("REMOVE über", "at 'über': expected an attribute's name"),
        ("ADD a", "at its end: expected a value such as :v"),
        ("ADD a b", "at 'b': expected a value such as :v"),
        ("DELETE a = :s", "at '= :s': expected a value such as :v"),
        ("REMOVE a;", "at ';': expected SET, REMOVE, ADD, DELETE"),
    ],
)
def test_what_is_no_expression_is_refused_where_it_goes_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        parse(text, NAMES, VALUES)

    assert str(problem.value).startswith(f"UpdateExpression: {said}")


words = st.sampled_from(["a", "b1", "_c", "points", "ADD", "if_not_exists"])
indexes = st.integers(0, 120)
places = st.builds(
    lambda first, rest: Place((first, *rest)),
    words,
    st.lists(st.one_of(words, indexes), max_size=3),
)
givens = st.sampled_from(sorted(VALUES)).map(lambda name: Given(VALUES[name]))
leaves: st.SearchStrategy[Operand] = st.one_of(places, givens)
calls = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Call, st.just("if_not_exists"), places, inner),
        st.builds(Call, st.just("list_append"), inner, inner),
    ),
    max_leaves=4,
)
operands: st.SearchStrategy[Operand] = st.one_of(
    calls, st.builds(Call, st.sampled_from("+-"), calls, calls)
)
OF_CLAUSE: dict[str, st.SearchStrategy[Action]] = {
    "SET": st.builds(Action, st.just("SET"), places, operands),
    "REMOVE": st.builds(Action, st.just("REMOVE"), places),
    "ADD": st.builds(Action, st.just("ADD"), places, givens),
    "DELETE": st.builds(Action, st.just("DELETE"), places, givens),
}
clauses = st.lists(st.sampled_from(sorted(OF_CLAUSE)), min_size=1, unique=True)
expressions = clauses.flatmap(
    lambda chosen: st.tuples(*(st.lists(OF_CLAUSE[c], min_size=1, max_size=3) for c in chosen))
)
spaces = st.sampled_from(["", " ", "\n\t "])


def written(draw: Any, groups: Any) -> str:
    """Return an expression's text, in drawn letters, with drawn spaces and names for some names."""

    def spaced(*tokens: str) -> str:
        return "".join(draw(spaces) + token for token in tokens)

    def name(word: str) -> str:
        return str(draw(st.sampled_from([word, f"#{word}"])))

    def of_place(where: Place) -> str:
        first, *rest = where.parts
        parts = [("[", str(p), "]") if isinstance(p, int) else (".", name(p)) for p in rest]
        return spaced(name(str(first)), *(token for part in parts for token in part))

    def of_operand(operand: Operand) -> str:
        if isinstance(operand, Place):
            return of_place(operand)
        if isinstance(operand, Given):
            return spaced(next(n for n in VALUES if VALUES[n] == operand.value))
        left, right = of_operand(operand.left), of_operand(operand.right)
        if operand.function in "+-":
            return left + spaced(operand.function) + right
        return spaced(operand.function, "(") + left + spaced(",") + right + spaced(")")

    def of_action(action: Action) -> str:
        given = "" if action.operand is None else of_operand(action.operand)
        between = {"SET": spaced("="), "REMOVE": ""}.get(action.clause, " ")
        return of_place(action.place) + between + given

    said = [
        draw(st.sampled_from([group[0].clause, group[0].clause.lower()]))
        + " "
        + draw(spaces).join([of_action(group[0]), *("," + of_action(each) for each in group[1:])])
        for group in groups
    ]
    return str(" ".join(said) + draw(spaces))


ANY_NAMES = {f"#{word}": word for word in ("a", "b1", "_c", "points", "ADD", "if_not_exists")}


@given(st.data(), expressions)
def test_however_it_is_spelled_an_expression_says_the_same(
    data: st.DataObject, groups: Any
) -> None:
    text = written(data.draw, groups)

    assert list(parse(text, ANY_NAMES, VALUES).actions) == [
        each for group in groups for each in group
    ]


@given(st.data(), expressions)
def test_actions_are_added_to_an_expression_and_all_else_stays(
    data: st.DataObject, groups: Any
) -> None:
    text = written(data.draw, groups)
    more = {"SET": "#z = :v", "REMOVE": "#y"}
    names = {**ANY_NAMES, "#z": "z", "#y": "y"}

    longer = parse(text, names, VALUES).with_more(more)

    added = [Action("SET", place("z"), V), Action("REMOVE", place("y"))]
    found = list(parse(longer, names, VALUES).actions)
    assert [each for each in found if each not in added] == [e for group in groups for e in group]
    assert [found.count(each) for each in added] == [1, 1]
    taken_out = re.sub(r"(,| SET) #z = :v|(,| REMOVE) #y", "", longer)
    assert taken_out == text


@given(st.text(st.sampled_from("SETADDREMOVE abc.[]0()#:nv,=+-\n;é"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text, NAMES, VALUES)
    except InvalidInput:
        return
    assert found.actions
