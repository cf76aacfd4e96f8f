"""Parts of maps and of lists: set, removed, compared, where they are and where they are not."""

from tests.local.operations.steps import get, put, story, update

V = {":v": 7}
DEEP = {"a": {"b": 3, "c": ["x", {"x": {"y": [3, 5, 7]}, "q": 2}]}, "d": 5}

NESTED = [
    story("a nested value is put and read", put(DEEP)),
    story(
        "a map is replaced by a map, and by a text",
        put(DEEP),
        update("SET a = :v", {":v": {"c": 5}}),
        update("SET a = :v", {":v": "x"}),
    ),
    story(
        "an attribute has a dot in its name",
        put({"a": {"b": 1}}),
        update("SET #a = :v", V, {"#a": "a.b"}),
    ),
    *[
        story(f"a part is changed: {text}", put(DEEP), update(text, values, names))
        for text, values, names in (
            ("SET z = a.c[1].x.y[1]", None, None),
            ("SET a.b = :v", V, None),
            ("SET a.new = :v", V, None),
            ("SET a.c[1].#n.y[1] = :v", V, {"#n": "x"}),
            ("SET a.z = a.c[1].x.y[1]", None, None),
            ("SET a.c = :v", V, None),
            ("SET a.b = a.b + :v", V, None),
            ("SET a.b = if_not_exists(a.b, :v), a.e = if_not_exists(a.e, :v)", V, None),
            ("SET a.c = list_append(a.c, :v)", {":v": [1]}, None),
            ("SET a.c[1].x.y = list_append(:v, a.c[1].x.y)", {":v": [1]}, None),
            ("ADD a.b :v", V, None),
            ("ADD a.count :v", V, None),
            ("ADD a.set :v", {":v": {"x"}}, None),
            ("REMOVE a.c[1].x.y[1], a.c[1].q", None, None),
            ("REMOVE a.b", None, None),
            ("REMOVE a.nothing", None, None),
            ("REMOVE a.c[7]", None, None),
            ("REMOVE a.c[0]", None, None),
            ("REMOVE a.c[0] SET a.c[1].q = :v", V, None),
            ("SET a.c[1].q = :v REMOVE a.c[0]", V, None),
            ("SET a.c[7] = :v", V, None),
            ("SET a.c[9] = :v, a.c[4] = :w", {":v": 1, ":w": 2}, None),
            ("SET d.x = :v", V, None),
            ("SET d[0] = :v", V, None),
            ("SET a.c.x = :v", V, None),
            ("SET a[0] = :v", V, None),
            ("SET none.x = :v", V, None),
            ("SET none[0] = :v", V, None),
            ("REMOVE d[0]", None, None),
            ("REMOVE none.x", None, None),
            ("SET a.b = :v, a.c[0] = :v REMOVE d", V, None),
        )
    ],
    story(
        "the first of a list is removed, and a later one set by its old number",
        put({"a": [2, 3, 4, 5]}),
        update("REMOVE a[0] SET a[2] = :v", V),
    ),
    story("the only one of a list is removed", put({"a": [1]}), update("REMOVE a[0]")),
    story("the only field of a map is removed", put({"a": {"b": 1}}), update("REMOVE a.b")),
    *[
        story(f"a part of nothing is changed: {text}", update(text, V if ":v" in text else None))
        for text in ("SET a.b = :v", "SET a[0] = :v", "REMOVE a.b", "REMOVE a[0]", "ADD a.b :v")
    ],
    *[
        story(
            f"a field of a map of fields is changed: {text} {values or ''}",
            put({"m": {"f": 1, "g": {"h": "x"}, "t": {"x"}}}),
            update(text, values),
        )
        for text, values in (
            ("SET m.f = :v", V),
            ("SET m.new = :v", V),
            ("SET m.g.h = :v", V),
            ("SET m.f = m.f + :v", V),
            ("SET a = m.f, b = m.g.h", None),
            ("SET m.f = if_not_exists(m.f, :v)", V),
            ("ADD m.f :v", V),
            ("ADD m.count :v", V),
            ("ADD m.t :v", {":v": {"y"}}),
            ("DELETE m.t :v", {":v": {"x"}}),
            ("REMOVE m.f", None),
            ("REMOVE m.nothing", None),
            ("REMOVE m.f, m.g, m.t", None),
            ("REMOVE m.g.h", None),
            ("REMOVE m", None),
            ("SET m = :v", {":v": {"f": 2}}),
            ("SET m = :v", {":v": {}}),
            ("SET m.g = :v REMOVE m.f", {":v": {"i": [1]}}),
        )
    ],
    story(
        "a map of fields begins empty",
        put({"m": {}}),
        update("SET m.f = :v", V),
        update("REMOVE m.f"),
        get(),
        differs="map",
    ),
    *[
        story(
            f"a condition looks at a part: {when} {[*values.values()]}",
            put(DEEP),
            update("SET z = :n", {":n": 1, **values}, names, when=when),
        )
        for when, values, names in (
            ("a.b = :w", {":w": 3}, None),
            ("a.b = :w", {":w": 4}, None),
            ("a.c[1].#x.y[2] = :w", {":w": 7}, {"#x": "x"}),
            ("a.c[9] = :w", {":w": 7}, None),
            ("attribute_exists(a.c[1].q)", {}, None),
            ("attribute_not_exists(a.c[1].none)", {}, None),
            ("d.x = :w", {":w": 5}, None),
            ("size(a.c) = :w", {":w": 2}, None),
            ("a.b < a.c[1].x.y[1]", {}, None),
        )
    ],
]
