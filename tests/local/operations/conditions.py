"""Conditions: each held on an update, a put and a delete, on what is there and on nothing."""

from typing import Any

from tests.local.operations.steps import (
    Case,
    P,
    Story,
    Values,
    cases,
    delete,
    listed,
    put,
    story,
    update,
)

ITEM: dict[str, Any] = {
    "a": 1,
    "t": "cat",
    "b": b"cat",
    "yes": True,
    "nil": None,
    "l": [1, "x", [2]],
    "d": {"k": "x", "deep": {"z": 1}},
    "ns": {2, 4},
    "ts": {"x", "y"},
    "bs": {b"x"},
    "two": 2,
    "a2": 1,
}
TYPED = {"n": 5, "s": {"x", "y"}, "m": {"f": 1, "g": "x"}}
WHOLE = {**ITEM, **TYPED}
NAMES = {"#a": "a", "#s": "s", "#p": "p", "#m": "m"}

EQUAL: list[Case] = [
    *[("a = :v", {":v": each}) for each in (2, "1", True, [1])],
    *[(f"{name} = :v", {":v": value}) for name, value in WHOLE.items()],
    *[(f"{name} <> :v", {":v": WHOLE[name]}) for name in ("a", "n", "s", "m")],
    *[(f"{name} = :v", {":v": {1, 2}}) for name in ("ns", "ts", "s", "l")],
    *cases(("d = :v", {":v": {"deep": {"z": 1}, "k": "x"}}), ("d = :v", {":v": {"k": "x"}})),
    *cases(("a = a2", {}), ("a = two", {}), ("a <> two", {}), ("a <> t", {}), ("s = ts", {})),
    *cases(("q = :v", {":v": 1}), ("q = z", {}), ("q <> z", {}), ("q <> :v", {":v": 1})),
    *cases((":v = a", {":v": 1}), (":v = :w", {":v": 1, ":w": 1}), ("p = :v", {":v": P})),
    *cases(
        ("p <> :v", {":v": "x"}),
        ("p <> :v", {":v": P}),
        ("#p = :v AND #a = :w", {":v": P, ":w": 1}),
    ),
]
ORDERED: list[Case] = [
    *[
        (f"{name} {how} :v", {":v": value})
        for how in ("<", "<=", ">", ">=")
        for name, value in (("a", 1), ("t", "dog"))
    ],
    *[(f":v {how} n", {":v": 5}) for how in ("<", ">=")],
    *cases(
        ("n < two", {}), ("two < n", {}), ("q < z", {}), ("q >= z", {}), ("p > :v", {":v": "a"})
    ),
    *[
        (f"{name} BETWEEN :v AND :w", {":v": low, ":w": high})
        for name, low, high in (
            *(("a", 0, 2), ("a", 1, 1), ("a", 2, 3), ("t", "ant", "dog"), ("t", "d", "z")),
            *(("b", b"a", b"z"), ("q", 0, 2), ("p", "a", "z")),
        )
    ],
    *cases(("a BETWEEN a2 AND two", {}), ("n BETWEEN a AND two", {})),
    *cases(
        ("a IN (:v)", {":v": 1}), ("a IN (:v, :w)", {":v": 2, ":w": "1"}), ("a in (two, a2)", {})
    ),
    *cases(("q IN (:v)", {":v": 1}), ("l IN (:v, :w)", {":v": [1, "x", [2]], ":w": 1})),
    *cases(("s IN (:v)", {":v": {"y", "x"}}), ("p IN (:v, :w)", {":v": P, ":w": "x"})),
    ("a IN (" + ", ".join(f":v{n}" for n in range(50)) + ")", {f":v{n}": n for n in range(50)}),
]
SIZED: list[Case] = [
    *[
        (f"size({name}) = :v", {":v": size})
        for name, size in (
            *(("t", 3), ("b", 3), ("l", 3), ("d", 2), ("ns", 2), ("s", 2), ("m", 2), ("t", 4)),
        )
    ],
    *cases(("size(t) = size(b)", {}), ("size(l) > two", {}), (":v < size(t)", {":v": 2})),
]
TESTED: list[Case] = [
    *[
        (f"{how}({name})", {})
        for how in ("attribute_exists", "attribute_not_exists")
        for name in ("a", "q", "p", "d.k", "d.q", "l[2]", "l[9]", "#a", "m.f", "m.q")
    ],
    ("attribute_exists (a)", {}),
    *[
        (f"attribute_type({name}, :v)", {":v": kind})
        for name, kind in (
            *(("t", "S"), ("a", "N"), ("b", "B"), ("yes", "BOOL"), ("nil", "NULL"), ("l", "L")),
            *(("d", "M"), ("ns", "NS"), ("ts", "SS"), ("bs", "BS"), ("t", "N"), ("s", "SS")),
            *(("m", "M"), ("q", "S"), ("p", "S")),
        )
    ],
    *[
        (f"begins_with({name}, :v)", {":v": value})
        for name, value in (("t", "ca"), ("t", "at"), ("b", b"ca"), ("q", "x"), ("p", "s"))
    ],
    *[
        (f"contains({name}, :v)", {":v": value})
        for name, value in (
            *(("t", "a"), ("t", "z"), ("b", b"at"), ("ns", 4), ("ts", "z"), ("l", 1), ("l", [2])),
            *(("s", "x"), ("q", "x"), ("l", "1"), ("p", "s")),
        )
    ],
]
JOINED: list[Case] = [
    ("a = :v AND t = :t", {":v": 1, ":t": "cat"}),
    ("a = :v AND t = :t", {":v": 1, ":t": "dog"}),
    ("a = :v and t = :t And n > :v", {":v": 1, ":t": "cat"}),
    ("a = :v OR t = :t", {":v": 2, ":t": "cat"}),
    ("a = :v OR t = :t", {":v": 2, ":t": "dog"}),
    ("a = :v or t = :t oR n > :v", {":v": 2, ":t": "dog"}),
    ("NOT a = :v", {":v": 1}),
    ("NOT q = :v", {":v": 1}),
    ("not (a = :v AND t = :t)", {":v": 1, ":t": "dog"}),
    ("(a = :v)", {":v": 1}),
    ("((a = :v OR (t = :t)) AND (NOT (n < :v)))", {":v": 1, ":t": "dog"}),
    ("a = :v OR a = :w AND t = :t", {":v": 1, ":w": 2, ":t": "dog"}),
    ("(a = :v OR a = :w) AND t = :t", {":v": 1, ":w": 2, ":t": "dog"}),
    ("NOT a = :w AND t = :t", {":w": 2, ":t": "cat"}),
    ("NOT (a = :w AND t = :t)", {":w": 2, ":t": "cat"}),
    ("a BETWEEN :v AND :w AND t = :t", {":v": 0, ":w": 2, ":t": "cat"}),
    ("NOT a BETWEEN :v AND :w OR t = :t", {":v": 0, ":w": 2, ":t": "dog"}),
    ("attribute_not_exists(p) OR a = :v", {":v": 1}),
    ("attribute_not_exists(p) OR a = :v", {":v": 2}),
    ("attribute_exists(p) AND NOT contains(s, :t)", {":t": "x"}),
    ("(attribute_not_exists(#p)) or (#s = :s)", {":s": {"x", "y"}}),
    ("  a=:v  ", {":v": 1}),
]


def told(when: str) -> bool:
    """Return whether a condition may hold of nothing, or of the key of what was deleted."""
    return any(part in when for part in ("<>", "not_exists", "NOT", "not", "p", "q"))


def held(when: str, values: Values, number: int, *, of_nothing: bool = True) -> Story:
    """Return a story in which each write has a condition; then the same `of_nothing`."""
    names = {name: NAMES[name] for name in NAMES if name in when} or None
    given = values or None
    show: dict[str, Any] = {"ReturnValuesOnConditionCheckFailure": ("ALL_OLD", "NONE")[number % 2]}
    update_ = update("SET z = :n", {**values, ":n": 1}, names, when=when, **show)
    put_ = put(WHOLE, when, given, names, ReturnValues="ALL_OLD", **show)
    delete_ = delete(when, given, names, ReturnValues="ALL_OLD", **show)
    again = (delete(), delete_, update_) if of_nothing and told(when) else ()
    shown = listed(values).replace(P, "")[:40]
    return story(
        f"a condition holds or not: {when} [{shown}]", put(WHOLE), update_, put_, delete_, *again
    )


CONDITIONS = [
    *[held(*case, number) for number, case in enumerate((*EQUAL, *ORDERED, *TESTED, *JOINED))],
    *[held(*case, number, of_nothing=False) for number, case in enumerate(SIZED)],
    story(
        "a condition has a value too many, a type that is none, a text that begins with a number",
        *(put(WHOLE), put({"a": 1}, "a = :v", {":v": 1, ":w": 2})),
        put({"a": 1}, "attribute_type(a, :v)", {":v": "DOG"}),
        put({"a": 1}, "begins_with(a, :v)", {":v": 2}),
    ),
    story(
        "a condition is empty",
        put({"a": 1}, ConditionExpression=""),
        delete(ConditionExpression=""),
    ),
]
