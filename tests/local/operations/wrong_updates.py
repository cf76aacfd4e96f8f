"""Update expressions that are wrong, or do not fit what is there."""

from tests.local.operations.steps import put, story, update
from tests.local.operations.updates import TWO, V, each

UNREADABLE = (
    *("SET 1a = :v", "SET 1 = :v", "SET a-b = :v", "SET a$b = :v", 'SET "a" = :v'),
    *("SET !a = :v", "SET # = :v", "SET a = :", "SET :v = :w", "SET a = ::v", "SET a = :v,"),
    *("SET a = :v SET b = :w", "SET a = :v REMOVE b SET c = :w", "HELLO a = :v", "a = :v"),
    *("SET , a = :v", "SET a := :v", "SET a = :v :w", "SET", "REMOVE", "ADD n", "REMOVE :v"),
    *("SET a = f(a, b)", "SET a = F12_x(a)", "SET a = _f(a)", "SET a = IF_NOT_EXISTS(a, :v)"),
    *("SET a = :v + :v + :v", "SET a = :v * :v", "SET a = if_not_exists(a)"),
    *("SET b = if_not_exists(:v, :w)", "SET b = if_not_exists(c, :v + :v)"),
    *("SET a = LIST_APPEND(a, :v)", "SET a = list_append(:v)", "SET a = list_append(a, :v, :v)"),
    *("SET a[:v] = :v", "SET a[#n] = :v", "SET a[-1] = :v", "SET a..b = :v", "SET a. = :v"),
)

WRONG_UPDATES = [
    *[
        story(f"an expression is {text!r}", put({"a": "x"}), *each(text), differs="unreadable")
        for text in UNREADABLE
    ],
    *[
        story(
            f"paths that are one another's are set: {text}",
            put({"a": {"b": {}, "l": [[1], 2]}}),
            *each(text),
        )
        for text in (
            *(
                "REMOVE a SET a = :v",
                "SET a = :v REMOVE a",
                "SET a = :v, a = :w",
                "SET a = :v ADD a :v",
            ),
            *("SET a = :v, a.b = :w", "SET a.b = :v, a = :w", "SET a.b = :v, a.b = :w"),
            *(
                "SET a.b = :v, a.b.c = :w",
                "SET a.b.c.d = :v, a.b = :w",
                "SET a.l = :v, a.l[1] = :w",
            ),
            *("SET a.l[0] = :v, a.l[0][0] = :w", "SET a.l[1] = :v, a.l[1] = :w"),
            *("SET a.b = :v, a[1] = :w", "SET a.b.c = :v, a.b[2] = :w", "REMOVE a.b, a.b"),
        )
    ],
    story(
        "names that are the same attribute are set",
        update("SET #x = :v, #y = :w", TWO, {"#x": "a", "#y": "a"}),
    ),
    *[
        story(
            f"an expression has {what}",
            put({"a": 1}),
            update(text, values, names),
            differs="unreadable",
        )
        for what, text, values, names in (
            ("a value that is not given", "SET b = :v", {":w": 4}, None),
            ("values that are not given", "SET b = :v", None, None),
            ("a name that is not given", "SET #b = :v", {":v": 4}, {"#c": "x"}),
            ("a placeholder that is no word", "SET a = :a!b", {":a!b": 4}, None),
            ("a placeholder of a name that is none", "SET #a-b = :v", {":v": 4}, {"#a-b": "x"}),
        )
    ],
    story("an expression has a value too many", update("SET b = :v", {":v": 3, ":w": 4})),
    story("an expression has a name too many", update("SET b = :v", V, {"#c": "y"})),
    *[
        story(
            f"the key is changed: {text}",
            *each(text, key={"c": "1"}, values={":v": 4, ":s": {"x"}}),
            table="sorted",
            differs="key",
        )
        for text in (
            *("SET p = :v", "SET c = :v", "REMOVE p", "REMOVE c", "ADD p :v", "ADD c :v"),
            *("DELETE p :s", "DELETE c :s", "SET p = p", "SET a = :v, c = :v"),
        )
    ],
    *[
        story(f"{what} are added", put({"a": "x", "l": [1]}), update(text, values))
        for what, text, values in (
            ("a text and a number", "SET b = :v + :w", {":v": "x", ":w": 3}),
            ("lists", "SET b = :v + :w", {":v": ["a"], ":w": ["b"]}),
            ("a text that is there and a number", "SET b = a + :v", {":v": 1}),
            ("nothing and a number", "SET b = b + :v", {":v": 1}),
            ("a list that is there and a number", "SET l = l + :v", {":v": 1}),
        )
    ],
    *[
        story(
            f"lists are joined wrongly: {text}",
            put({"a": [1], "b": "x", "s": {"x"}, "d": {}}),
            *each(text, values={":l": [1], ":t": "x"}),
        )
        for text in (
            *(
                "SET a = list_append(a, :t)",
                "SET a = list_append(:t, a)",
                "SET a = list_append(b, :l)",
            ),
            *(
                "SET a = list_append(s, :l)",
                "SET a = list_append(d, :l)",
                "SET a = list_append(q, :l)",
            ),
            "SET a = list_append(list_append(a, :l), :l)",
        )
    ],
    *[
        story(what, put({"n": 3, "s": {"x"}}), update(text, values), differs="type")
        for what, text, values in (
            ("a text is added to a counter", "ADD n :v", {":v": "x"}),
            ("a counter is set to a text", "SET n = :v", {":v": "x"}),
            ("a set is set to a text", "SET s = :v", {":v": "x"}),
            ("a number is added to a set", "ADD s :v", {":v": 1}),
        )
    ],
    story("a counter is put as a text", put({"n": "x"}), differs="type"),
    *[
        story(
            f"a clause does not fit: {text} with {value!r} on {given!r}",
            put({"a": given}),
            update(text, {":v": value}),
        )
        for text, value, given in (
            ("ADD a :v", [3], [1]),
            ("ADD a :v", [3], {1}),
            ("ADD a :v", {3}, [1]),
            ("ADD a :v", {"x"}, {1}),
            ("ADD a :v", 1, {1}),
            ("ADD a :v", {1}, 1),
            ("ADD a :v", "x", {"x"}),
            ("ADD a :v", {"k": 1}, {}),
            ("ADD a :v", True, 1),
            ("DELETE a :v", "x", {"x"}),
            ("DELETE a :v", {1}, {"x"}),
            ("DELETE a :v", {"x"}, "x"),
            ("DELETE a :v", 1, 1),
            ("DELETE a :v", ["x"], ["x"]),
        )
    ],
]
