"""Which acknowledged writes are missing at the end, judged from their history alone.

It knows the edits and what their writers saw, and nothing of how either table stores them. Beside
that, what the ledger says of losses that are not resolved.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.conflict.row import Row, State
from reconciler.drills.workload import Acknowledged
from reconciler.text.counts import count_in_words

_MOST_NAMED = 5  # items of one reason: thousands may have the same
Party = Mapping[str, Any] | None


def lost_writes(
    history: Sequence[Acknowledged], parties: Mapping[str, Party]
) -> list[Acknowledged]:
    """Return the acknowledged writes whose effect is missing, or is there twice."""
    by_party: dict[str, list[Acknowledged]] = {}
    for done in history:
        by_party.setdefault(done.edit.party, []).append(done)
    lost: list[Acknowledged] = []
    for name, edits in by_party.items():
        party = parties.get(name)
        if name.startswith("closing"):
            lost += _lost_around_deletes(edits, party)
        else:
            lost += _lost_marks(edits, party or {})
    return lost


def unresolved(rows: Iterable[Row]) -> list[str]:
    """Return a line for each state and reason of rows that are not resolved, with their items."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.state is not State.RESOLVED:
            state = row.state.value if row.state else "without a state"
            found.setdefault((state, row.reason), []).append(f"{row.item_key} in {row.region}")
    return [
        f"{count_in_words(len(items), 'loss')} {state}, {why or 'no reason is told'}:"
        f" {', '.join(items[:_MOST_NAMED])}{' and others' if items[_MOST_NAMED:] else ''}"
        for (state, why), items in found.items()
    ]


def _lost_marks(edits: Sequence[Acknowledged], party: Mapping[str, Any]) -> Iterable[Acknowledged]:
    contacts = party.get("contactMedium", {})
    points, tags = int(party.get("loyalty", 0)), party.get("tags", set())
    for done in edits:
        kind, value = done.edit.kind, done.edit.value
        if (
            (kind == "points" and points // value % 10 != 1)
            or (kind == "tag" and value not in tags)
            or (kind == "contact" and contacts.get(value, {}).get("contactType") != "email")
        ):
            yield done
    yield from _lost_values(edits, "rename", party.get("givenName"))
    yield from _lost_values(edits, "phone", contacts.get("home", {}).get("phoneNumber"))


def _lost_values(edits: Sequence[Acknowledged], kind: str, final: Any) -> list[Acknowledged]:
    """Return the newest values, if the end shows one that a writer saw and replaced."""
    written = [done for done in edits if done.edit.kind == kind]
    replaced = {done.saw for done in written}
    newest = [done for done in written if done.edit.value not in replaced]
    if final in [done.edit.value for done in newest]:
        return []
    return [done for done in newest if _follows(done, final, written)] or newest


def _follows(done: Acknowledged, value: Any, written: Sequence[Acknowledged]) -> bool:
    by_value = {each.edit.value: each for each in written}
    current: Acknowledged | None = done
    while current is not None:
        if current.saw == value:
            return True
        current = by_value.get(current.saw)
    return False


def _lost_around_deletes(edits: Sequence[Acknowledged], party: Party) -> list[Acknowledged]:
    deletes = [done for done in edits if done.edit.kind == "delete" and done.saw]
    tagged = [done for done in edits if done.edit.kind == "tag"]
    known: set[str] = set().union(*(done.saw for done in deletes)) if deletes else set()
    unseen = [done for done in tagged if done.edit.value not in known]
    if party is None:
        return unseen
    missing = [done for done in unseen if done.edit.value not in party.get("tags", set())]
    return missing if unseen else [*missing, *deletes[-1:]]
