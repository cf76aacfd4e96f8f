"""What must hold once a run has come to rest.

Nothing that took effect is lost or doubled, all replicas hold the same bytes, every loss is closed
or parked whole, and the work done stays within bounds. `check` returns what is broken.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from reconciler.causality.context import ADOPTED, KEYED, Dot
from reconciler.errors import ReconcilerError
from reconciler.item.filing import file
from reconciler.item.image import merge, read
from reconciler.item.metadata import context_of
from reconciler.resolution.repair import includes
from reconciler.simulation.judge.bounds import excesses
from reconciler.simulation.judge.differences import differences
from reconciler.simulation.judge.oracle import History
from reconciler.simulation.judge.outside import Judged, judge, keys_around
from reconciler.simulation.judge.problem import Problem
from reconciler.simulation.judge.reads import reads_that_went_back
from reconciler.simulation.world.history import Done, Run
from reconciler.simulation.world.releases import NEWER
from reconciler.values.wire import Image, canonical_image, from_wire, to_json

Document = Mapping[str, Any]


def check(run: Run) -> list[Problem]:
    """Return every promise that the run broke; none is the only good answer."""
    by_key, parked = _writes_that_count(run), _parked(run)
    problems = [*_incomplete_documents(parked), *_open_losses(run)]
    around = set(keys_around(run))
    for key in sorted(by_key):
        problems += _replica_differences(run, key)
        if key not in around and key not in run.contested:
            problems += _wrong_values(run, key, by_key[key], parked)
    problems += judged_around(run).problems
    problems += _unfounded_answers(run)
    return [*problems, *reads_that_went_back(run, around), *excesses(run)]


def _unfounded_answers(run: Run) -> Iterator[Problem]:
    """Yield the keys that a client was told were carried out, though no write ever did that."""
    made = {done.operation.once for done in run.done if done.applied}
    for done in run.done:
        if done.outcome == "answered" and done.operation.once not in made:
            text = f"operation {done.operation.number} was answered, and {done.operation.once}"
            yield Problem("lost", done.operation.key, f"{text} was never carried out")


def judged_around(run: Run) -> Judged:
    """Return what is to be said of the items that were written around the library, too."""
    aside = frozenset(str(_key_of(run, document)) for document in _parked(run))
    return judge(run, _writes_that_count(run), aside)


def _writes_that_count(run: Run) -> dict[str, list[Done]]:
    by_key: dict[str, list[Done]] = {key: [] for items in run.items.values() for key in items}
    for done in run.done:
        writes = by_key.setdefault(done.operation.key, [])
        if done.applied and not (done.stranded or done.expired) and done.outcome != "refused":
            writes.append(done)
    return by_key


def _parked(run: Run) -> list[Document]:
    return [document for documents in run.parked.values() for document in documents]


def _replica_differences(run: Run, key: str) -> Iterator[Problem]:
    groups: dict[str, list[str]] = {}
    for region in sorted(run.items):
        groups.setdefault(to_json(run.items[region].get(key)), []).append(region)
    if len(groups) > 1:
        named = " | ".join(", ".join(regions) for regions in groups.values())
        yield Problem("differing", key, f"the replicas differ: {named}")


def _wrong_values(
    run: Run, key: str, writes: Sequence[Done], parked: Sequence[Document]
) -> Iterator[Problem]:
    aside = [_lost_image(document) for document in parked if _key_of(run, document) == key]
    held = [image for image in aside if image is not None]
    if len(held) < len(aside):
        return  # what is parked cannot be read here, so nobody can say what the item must be
    held = [image for image in held if not _has_ended(run, key, image)]
    history = History(run.plan.schema, [*writes, *_kept_aside(run, key, held)])
    found: dict[Problem, None] = {}
    for region in sorted(run.items):
        current = run.items[region].get(key)
        images = _together(NEWER.read_image(current), held)
        try:
            shown = read(reduce(merge, images)) if images else None
        except ReconcilerError:
            continue  # what is parked is a person's to merge, so nobody can say what it must be
        if shown is not None:
            shown = {name: shown[name] for name in shown if name not in run.plan.schema.key}
        found |= dict.fromkeys(differences(key, history, shown))
    yield from found


def _kept_aside(run: Run, key: str, held: Sequence[Image]) -> Iterator[Done]:
    """Yield the writes that went with their replica, but whose loss had been parked before."""
    known = [file(image).context for image in held]  # names that stand in it are in it
    for done in run.done:
        is_gone = done.operation.key == key and done.applied and done.stranded and not done.expired
        if is_gone and any(each.covers(Dot.parse(done.dot)) for each in known):
            yield done


def _has_ended(run: Run, key: str, image: Image) -> bool:
    """Return whether all that a parked loss knows of belongs to an item that was deleted for good.

    It stays parked, by name: a person may look at it, but nothing of it may come back.
    """
    mine = [done for done in run.done if done.operation.key == key]
    ended = {done.dot for done in mine if done.expired}
    heads = context_of(image).heads.items()
    own = [Dot(lineage, hlc) for lineage, hlc in heads if lineage.replica not in (ADOPTED, KEYED)]
    return bool(ended) and all(str(dot) in ended for dot in own)


def _together(current: Image | None, held: Sequence[Image]) -> Sequence[Image]:
    """Return an item and what of the parked losses it does not hold, by name."""
    if current is None:
        return held
    return [current, *(image for image in held if not includes(current, image))]


def _open_losses(run: Run) -> Iterator[Problem]:
    for region in sorted(run.open_rows):
        aside = {_conflict_id(document) for document in run.parked.get(region, ())}
        for conflict_id in run.open_rows[region]:
            if conflict_id not in aside:
                yield Problem("unresolved", "", f"{region}: loss {conflict_id} is still open")


def _incomplete_documents(parked: Sequence[Document]) -> Iterator[Problem]:
    for document in parked:
        event, change = document.get("event") or {}, _change(document)
        if not (event.get("lost") or event.get("images_ref") or change.get("SequenceNumber")):
            text = f"what was parked holds neither image nor record: {document.get('reason')}"
            yield Problem("incomplete", "", text)


def _change(document: Document) -> Document:
    record = document.get("record") or {}
    return dict(record.get("dynamodb") or {})


def _conflict_id(document: Document) -> str:
    return str((document.get("event") or {}).get("conflict_id", ""))


def _key_of(run: Run, document: Document) -> Any:
    event, change = document.get("event") or {}, _change(document)
    wire = (event.get("key") or change.get("Keys") or {}).get(run.plan.schema.key[0])
    return from_wire(wire) if wire else None


def _lost_image(document: Document) -> Image | None:
    event, change = document.get("event") or {}, _change(document)
    image = event.get("lost") or change.get("OldImage")
    try:
        if image:
            read(found := canonical_image(NEWER.read_image(image)))
            context_of(found)
            return found
    except ReconcilerError:
        pass
    return None
