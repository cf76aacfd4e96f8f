"""Random edits of each type, drawn from few values so that histories collide."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from reconciler.crdt.base import Edit
from reconciler.item.image import DELETE
from tests.builders import add, assign, discard, increment, remove

Edits = st.SearchStrategy[Edit]
WORDS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.sampled_from([-3, 0, 1, 2, 7])
SCALARS = st.one_of(WORDS, NUMBERS, st.just(b"\xff\x00"), st.just(None), st.just(["x", {"y": 1}]))


def register(where: str, values: st.SearchStrategy[Any] = SCALARS) -> Edits:
    return st.one_of(st.builds(assign, st.just(where), values), st.just(remove(where)))


def counter(where: str) -> Edits:
    return st.one_of(
        st.builds(increment, st.just(where), NUMBERS),
        st.builds(increment, st.just(where), NUMBERS),
        st.builds(assign, st.just(where), NUMBERS),
        st.just(remove(where)),
    )


def collection(where: str) -> Edits:
    some = st.sets(WORDS, min_size=1, max_size=2)

    def of(make: Callable[..., Edit]) -> Edits:
        return some.map(lambda elements: make(where, *sorted(elements)))

    whole = some.map(lambda elements: assign(where, elements))
    return st.one_of(of(add), of(add), of(discard), whole, st.just(remove(where)))


def mapping(where: str) -> Edits:
    whole = st.fixed_dictionaries(
        {},
        optional={
            "city": WORDS,
            "visits": NUMBERS,
            "labels": st.sets(WORDS, min_size=1, max_size=2),
            "bans": st.sets(WORDS, min_size=1, max_size=2),
            "deep": st.dictionaries(WORDS, NUMBERS, min_size=1, max_size=2),
        },
    )
    return st.one_of(
        register(f"{where}.city", WORDS),
        register(f"{where}.seen", NUMBERS),
        counter(f"{where}.visits"),
        collection(f"{where}.labels"),
        collection(f"{where}.bans"),
        counter(f"{where}.deep.a"),
        counter(f"{where}.deep.b"),
        st.just(remove(f"{where}.deep")),
        whole.map(lambda value: assign(where, value)),
        st.just(remove(where)),
    )


BY_TYPE: dict[str, Edits] = {
    "register_lww": register("name"),
    "register_mv": register("notes"),
    "counter_pn": counter("balance"),
    "set_aw": collection("tags"),
    "set_rw": collection("blocked"),
    "flag_ew": register("active", st.booleans()),
    "register_max": register("high", st.one_of(NUMBERS, WORDS)),
    "register_min": register("low", st.one_of(NUMBERS, WORDS)),
    "version": register("revision", NUMBERS),
    "map_or": mapping("profile"),
    "register_lww in a map_or": register("profile.city", WORDS),
}
DELETES = st.just(DELETE)
ANY = st.one_of(*BY_TYPE.values(), DELETES)


def with_deletes(edits: Edits) -> Edits:
    """Return the edits, and now and then a delete of the whole item."""
    return st.one_of(edits, edits, edits, DELETES)
