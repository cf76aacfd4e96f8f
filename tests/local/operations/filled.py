"""What stands in the tables that stories only read, and what was deleted in between."""

from decimal import Decimal
from typing import Any

LONG, KEPT = "filled", "kept"
WORDS = ("owl", "ant", "cat", "bee", "cow", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay")


def row(number: int, **key: Any) -> dict[str, Any]:
    """Return an item of every type; `r` is of another one in each, or not there at all."""
    item = {
        **key,
        "i": number * 7 % 12,
        "t": WORDS[number],
        "b": WORDS[number].encode(),
        "l": [number, number % 3, "x"],
        "m": {WORDS[number]: number, "kind": "odd" if number % 2 else "even"},
        "q": {number, number % 4 + 100},
        "s": {WORDS[number], "all"},
        "flag": bool(number % 2),
        "n": number % 5,
        "deep": {"a": [{"x": number}, number], "b": WORDS[number]},
    }
    several: list[Any] = [number, WORDS[number], WORDS[number].encode(), [number]]
    if number % 5:
        item["r"] = several[number % 5 - 1]
    else:
        item["j"] = item["i"]
    return item


def rows(key: Any, place: str = LONG) -> list[dict[str, Any]]:
    return [row(number, p=place, c=key(number)) for number in range(12)]


GROUPS = [{"p": f"g{n % 5}", "c": n, "a": str(n), "n": n % 3} for n in range(15)]
PEOPLE = [
    {"p": LONG, "c": f"{n:02}", "g": "abc"[n % 3], "l": f"{9 - n}", "n": n, "a": "x"}
    for n in range(9)
]
# By table: what is there, and the keys of what was there once.
FILLED: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    # Nothing was deleted of what is kept: where old filters meet it, the server here breaks down.
    "numbers": (
        rows(int) + rows(int, KEPT),
        [{"p": LONG, "c": n} for n in (-1, Decimal("3.5"), Decimal("7.5"), 12)],
    ),
    "sorted": (rows(lambda n: f"{n:03}"), [{"p": LONG, "c": c} for c in ("0", "003x", "012")]),
    "bytes": (rows(lambda n: f"{n:03}".encode()), [{"p": LONG, "c": b"003x"}]),
    "scanned": (GROUPS, [{"p": f"g{n % 5}", "c": n} for n in range(20, 30)]),
    "indexed": (PEOPLE, [{"p": LONG, "c": f"{n:02}x"} for n in range(4)]),
}
