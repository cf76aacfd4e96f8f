"""Edits of several items in one transaction, made again on newer images until it is done."""

from collections.abc import Sequence
from functools import partial

from reconciler.client.keyed import Keyed
from reconciler.client.writer import Change, Key, Writer, Written
from reconciler.errors import InvalidInput, OutcomeUnknown
from reconciler.ports import Replacement, Superseded

MOST_ITEMS = 100  # of a transaction in DynamoDB


def transacted(
    writer: Writer, changes: Sequence[tuple[Key, Change]], keyed: Keyed
) -> list[Written]:
    """Edit several items, all of them or none; those that show the key already are left alone."""
    with keyed.as_in_doubt():
        return _transacted(writer, changes, keyed)


def _transacted(
    writer: Writer, changes: Sequence[tuple[Key, Change]], keyed: Keyed
) -> list[Written]:
    names = [writer.name(key) for key, _ in changes]
    images = [writer.fetch(key) for key, _ in changes]
    for attempt in range(writer.sender.retries.attempts):
        writes: dict[int, Replacement] = {}
        repeated = [keyed.is_done(image) for image in images]
        for index, (key, change) in enumerate(changes):
            if repeated[index]:
                continue
            editor = writer.editor(key, images[index])
            change(editor)
            edits = editor.finished()
            if edits or keyed.is_unspent(images[index]):
                image = writer.next(key, images[index], edits, keyed)
                writes[index] = Replacement(image, images[index])
        refusals = None
        if writes:
            sent = [changes[index][0] for index in writes]
            refusals = _sent(writer, sent, [*writes.values()], keyed)
        if refusals is None:
            for index, write in writes.items():
                writer.memory.keep(names[index], write.image)
                images[index] = write.image
            return list(map(Written, images, repeated))
        for index, refusal in zip(writes, refusals, strict=True):
            if refusal is not None:
                images[index] = refusal.current
        writer.sender.pause(attempt)
    raise keyed.doubt or writer.sender.contention(f"one of {len(names)} items")


def _sent(
    writer: Writer, keys: Sequence[Key], writes: Sequence[Replacement], keyed: Keyed
) -> Sequence[Superseded | None] | None:
    keyed.check()
    try:
        return writer.sender.answered(partial(writer.store.put_all, tuple(writes)), *writes)[0]
    except OutcomeUnknown as problem:
        keyed.note_doubt(problem)
        return [Superseded(writer.fetch(key)) for key in keys]


def check_items(writer: Writer, changes: Sequence[tuple[Key, Change]]) -> None:
    """Refuse a transaction of no items, of too many, or of one item twice."""
    names = [writer.name(key) for key, _ in changes]
    if len(set(names)) < len(names) or not 1 <= len(names) <= MOST_ITEMS:
        raise InvalidInput(f"a transaction edits 1 to {MOST_ITEMS} items, each of them once")
