"""Update expressions: each clause and function, on what is there and on nothing."""

from typing import Any

from tests.local.operations.steps import (
    P,
    Step,
    delete,
    expressed,
    put,
    story,
    together,
    update,
)

V = {":v": 1}
TWO: dict[str, Any] = {":v": 1, ":w": "x"}


def each(*texts: str, values: dict[str, Any] | None = None, **more: Any) -> list[Step]:
    """Return updates with these expressions, each with the values that it mentions."""
    given = TWO if values is None else values
    return [
        update(text, {name: value for name, value in given.items() if name in text} or None, **more)
        for text in texts
    ]


UPDATES = [
    story("an attribute is set where nothing is", update("SET b = :v", V)),
    story("several attributes are set to one value", update("SET x = :v, y = :v", V)),
    story(
        "what is set stands beside what was there", put({"a": 1}), *each("SET b = :w", "SET a = :w")
    ),
    story("an update without an expression makes an item", update(""), differs="legacy"),
    story(
        "an attribute is copied",
        put({"a": "x"}),
        *each("SET b = a", "SET a = a", "SET c = z", "SET z = z", "SET x = :v, y = x"),
        update("SET #one = #two", None, {"#one": "d", "#two": "a"}),
        update("SET #one = #two", None, {"#one": "d", "#two": "a", "#three": "z"}),
    ),
    story("an attribute of nothing is copied", update("SET c = z")),
    story(
        "the key is copied", update("SET a = p, b = c, n = c + c", key={"c": 7}), table="numbers"
    ),
    story("an attribute is removed", put({"a": 1, "b": 2}), update("REMOVE a")),
    story("an attribute that is not there is removed", put({"a": 1}), update("REMOVE b")),
    story("all attributes are removed", put({"a": 1, "b": 2}), update("REMOVE a, b")),
    *[
        story(
            f"nothing is taken away from {where} by {text}, {when or 'unconditionally'}",
            *before,
            update(text, values, when=when, ReturnValues="ALL_NEW"),
            together(("Update", {"Key": {"p": P}, "UpdateExpression": text, **given})),
        )
        for where, before in {"nothing": (), "what was deleted": (put({"a": 1}), delete())}.items()
        for text, more in {"REMOVE a, b": {}, "DELETE s :v REMOVE a": {":v": {"x"}}}.items()
        for when in ("", "attribute_exists(p)", "attribute_not_exists(p)", "a <> :w")
        for values in [{**more, **({":w": 1} if ":w" in when else {})} or None]
        for given in [expressed(when, values, None)]
    ],
    story("an attribute of nothing is removed", update("REMOVE a")),
    story(
        "words of an expression are in any case, with any space",
        *each(
            "set b = :v", "sEt b=:w", "  SET   b  =  :v  ", "ReMoVe  b", "add\tn :v", "\nSET\nb=:v"
        ),
    ),
    *[
        story(f"an expression is {text!r}", put({"a": "x"}), *each(text))
        for text in (
            "SET _a = :v",
            "SET a = :v - :w",
            "SET b = q",
            "DELETE a :v",
            "SET b = if_not_exists(q, a)",
        )
    ],
    story(
        "names of attributes are words",
        *each("SET alnum = :v", "SET Alpha_Numeric_123 = :v", "SET A123_ = :v", "SET N = :v"),
    ),
    *[
        story(
            f"a placeholder of a name is {name!r}",
            update(f"SET {name} = :v", V, {name: "3 odd!.#="}),
        )
        for name in ("#Alpha_1", "#1a", "#123", "#_", "#rec", "#rec_n0", "#rec_w")
    ],
    *[
        story(f"a placeholder of a value is {name!r}", update(f"SET a = {name}", {name: 8}))
        for name in (":Alpha_1", ":1a", ":123", ":_", ":rec", ":rec_op", ":rec_none")
    ],
    story(
        "two clauses are in either order",
        put({"a": 1, "b": 2}),
        *each("REMOVE a SET b = :v", "SET c = :v REMOVE b"),
    ),
    story(
        "all four clauses are in one expression",
        put({"a": 1, "n": 2, "s": {"x", "y"}}),
        update("SET b = :v REMOVE a ADD n :v DELETE s :s", {":v": 1, ":s": {"x"}}),
    ),
    story(
        "one attribute moves to another",
        *(put({"a": "x"}), *each("REMOVE a SET b = a", "SET c = b REMOVE b")),
    ),
    story(
        "numbers are added and subtracted",
        *each("SET b = :v + :w", "SET b = :v - :w", values={":v": 5, ":w": 2}),
    ),
    *[
        story(
            f"a number {name!r} is what it was and more",
            put({name: 2, "a2": 3}),
            *each(
                f"SET {name} = {name} + :v",
                f"SET {name} = :v + {name}",
                f"SET {name} = {name} - :v",
            ),
            *each(f"SET {name} = :v - {name}", f"SET b = :v + {name}", f"SET {name} = a2 + {name}"),
            *each(
                f"SET {name} = if_not_exists({name}, :v) + :v", f"SET b = if_not_exists(q, {name})"
            ),
        )
        for name in ("a", "n")
    ],
    *[
        story(
            f"a counter {name!r} begins where nothing is",
            *each(
                f"SET {name} = if_not_exists({name}, :z) + :v",
                f"SET {name} = if_not_exists({name}, :z) + :v",
                values={":z": 0, ":v": 5},
            ),
            *each(f"ADD {name} :v", f"ADD {name} :m", values={":v": 5, ":m": -7}),
        )
        for name in ("a", "n")
    ],
    story(
        "a counter that is not there is added to by its name",
        update("SET n = n + :v", V),
        put({"a": 1}),
        update("SET n = n + :v", V),
    ),
    story(
        "lists are joined",
        *each("SET a = list_append(:v, :w)", values={":v": [4, "x"], ":w": ["y", 7]}),
        *each("SET a = list_append(a, :v)", "SET a = list_append(:v, a)", values={":v": ["z"]}),
        *each("SET b = list_append(a, :v)", "SET c = list_append(a, b)", values={":v": []}),
        update("SET #x = list_append(#y,:v)", {":v": [8]}, {"#x": "a", "#y": "a"}),
    ),
    story(
        "a list begins where nothing is",
        *each("SET a = list_append(if_not_exists(a, :l), :l)", values={":l": [1]}),
        *each("SET a = list_append(if_not_exists(a, :l), :l)", values={":l": [2]}),
    ),
    story(
        "a value is set unless it is there",
        *each(
            "SET a = if_not_exists(a, :v)",
            "SET a = if_not_exists(a, :w)",
            "SET b = if_not_exists(c, :v)",
        ),
        *each(
            "SET b = if_not_exists(a, :w)",
            "SET d = if_not_exists(q, a)",
            "SET e = if_not_exists(q, if_not_exists(a, :v))",
        ),
    ),
    *[
        story(
            f"numbers are added to {name!r} with ADD",
            put({name: 3, "t": "x"}),
            *each(
                *(f"ADD {name} :v", "ADD t :v", f"ADD {name} :v, q :v"),
                values={":v": 4},
            ),
        )
        for name in ("a", "n")
    ],
    *[
        story(
            f"members are added to {name!r}, and taken out",
            put({name: {"x", "y"}, "t": "x"}),
            *each(f"ADD {name} :v", f"ADD {name} :w", values={":v": {"z"}, ":w": {"x", "u"}}),
            *each(
                f"DELETE {name} :v",
                f"DELETE {name} :w",
                values={":v": {"z", "x"}, ":w": {"nobody"}},
            ),
            *each(f"DELETE {name} :v", values={":v": {"y", "u"}}),
            *each(f"DELETE {name} :v", f"ADD {name} :v", values={":v": {"y"}}),
        )
        for name in ("a", "s")
    ],
    *[
        story(
            f"members are {what} where nothing is: {name!r}",
            update(f"{clause} {name} :v", {":v": members}),
        )
        for what, clause in (("added", "ADD"), ("taken out", "DELETE"))
        for name, members in (("a", {"x"}), ("s", {1, 2}), ("b", {b"x"}))
    ],
    story(
        "an update of another partition changes nothing here",
        update("SET a = :v", V),
        update("SET a = :w", {":w": 2}, key={"p": f"{P}2"}),
    ),
]
