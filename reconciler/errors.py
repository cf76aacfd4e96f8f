"""Every error the reconciler raises, as one small tree.

    ReconcilerError
    ├── InvalidInput          park   the caller's value, edit, key or schema; names field and fix
    │   ├── ItemTooLarge      park   the image would pass DynamoDB's 400 KB
    │   ├── KeyExpired        park   an idempotency key that is too old, or of the future
    │   └── KeyReused         park   an idempotency key that stands for something else here
    ├── Undecodable           park   an image or event that this release cannot read
    │   ├── NotOurs           park   an event that no detector of this deployment made
    │   └── UnknownWireVersion retry  written by a newer release: the work waits for that one
    ├── TypeMismatch          park   two images disagree about an attribute's type
    ├── MergeFunctionFailed   park   a custom attribute's function gave no answer that can be kept
    ├── ClockAhead            park   a stamp from the far future takes part in a conflict
    ├── ItemGone              park   the item a loss belongs to does not exist any more
    ├── ItemRecreated         park   a loss of an item that was deleted for good and created anew
    ├── VersionClosed         park   written around the library on a version that is folded since
    ├── HistoryUnknown        retry  what became of an item since a loss is in no ledger row yet
    ├── Contention            retry  other writers kept winning; nothing was written
    ├── OutcomeUnknown        park   the write may have been applied; it must not be repeated
    ├── Unavailable           retry  a service refused or did not answer; nothing is lost
    ├── RecordsExpired        park   the stream no longer holds the records that were set aside
    ├── EvidenceExpired       park   the evidence bucket does not hold a document any more
    ├── UnsupportedStream     park   the stream does not carry both images
    └── LocalCloudError       park   the regions on this machine (in reconciler.local.errors)

`MALFORMED` is what Python raises over input that has not the form expected; `reason_of` is the text
of a failure that is kept in rows and queues.

`disposition` is what a stage does with the failure: "retry" leaves the work where it is, "park"
sets it aside, whole, for a person or a redrive. `evidence` is what is needed to understand it.
"""

from typing import Any, ClassVar, Literal

NOT_LOGGED_IN = "NoCredentials"  # evidence `code` of an Unavailable that no further try can mend
MOST_REASON = 500  # characters: a reason must never be what does not fit a row or a message
MALFORMED = (
    *(KeyError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError),
    RecursionError,
)


class ReconcilerError(Exception):
    """The base of every error here, which is never raised itself."""

    disposition: ClassVar[Literal["retry", "park"]] = "park"

    def __init__(self, message: str, **evidence: Any) -> None:
        super().__init__(message)
        self.evidence = evidence


class InvalidInput(ReconcilerError):
    """A value, edit, key or schema that cannot be accepted; says which field and what to do."""


class ItemTooLarge(InvalidInput):
    """The image would exceed DynamoDB's limit of 400 KB; nothing was written."""


class KeyExpired(InvalidInput):
    """An idempotency key older than its lifetime, or made in the future; nothing was written.

    HAZARD if one that is too old were tried: what is forgotten of keys would answer for a write
    that was never made.
    """


class KeyReused(InvalidInput):
    """An idempotency key that was used with another payload; or two regions took one each."""


class Undecodable(ReconcilerError):
    """An image or an event whose reconciler metadata cannot be read."""


class NotOurs(Undecodable):
    """An event that no detector of this deployment made; whose parts do not belong together."""


class UnknownWireVersion(Undecodable):
    """The metadata was written by a newer release of the reconciler.

    A release is deployed to one process after the other. What only the newer one can read stays
    where it is until it is there: parking every change of that time would bury the real trouble.
    """

    disposition = "retry"


class TypeMismatch(ReconcilerError):
    """An attribute has one type in one image and another type in the other image or schema."""


class MergeFunctionFailed(ReconcilerError):
    """The function of a custom attribute is not registered, or gave no answer that can be kept."""


class ClockAhead(ReconcilerError):
    """A conflict in which a stamp lies further in the future than clocks may drift."""


class ItemGone(ReconcilerError):
    """A loss whose item, tombstone included, has been removed from the table."""


class ItemRecreated(ReconcilerError):
    """A loss whose item was deleted for good; the item of that key was created anew since."""


class VersionClosed(ReconcilerError):
    """What was done around the library to a version of an item that others have folded since."""


class HistoryUnknown(ReconcilerError):
    """A loss whose item the current one does not know, and no ledger row says what happened.

    The detector may only be behind, so the loss waits for its rows, for an hour.
    """

    disposition = "retry"


class Contention(ReconcilerError):
    """The bounded attempts of a conditional write were used up; nothing was written."""

    disposition = "retry"


class OutcomeUnknown(ReconcilerError):
    """The answer to a write was lost and the item has moved on since.

    If it was applied, the reconciler brings it back; repeating it could count it twice.
    """


class Unavailable(ReconcilerError):
    """A service refused or did not answer; the work stays where it is and is tried again."""

    disposition = "retry"


class RecordsExpired(ReconcilerError):
    """Records that were set aside by name only are gone from their stream, or the stream is."""


class EvidenceExpired(ReconcilerError):
    """A document that the evidence bucket does not hold any more: what was in it is gone."""


class UnsupportedStream(ReconcilerError):
    """The stream's view type hides an image: a lost write could not be seen, let alone repaired."""


def reason_of(problem: BaseException) -> str:
    """Return why something failed, for a row or a queue: one line, of bounded length.

    What Python says of malformed input quotes it, so of such an error only the name is told.
    """
    name = type(problem).__name__
    return bounded(f"{name}: {problem}" if isinstance(problem, ReconcilerError) else name)


def bounded(text: str) -> str:
    """Return `text` as one line of at most 500 characters that any screen and row can take."""
    cut = text if len(text) <= MOST_REASON else text[: MOST_REASON - 3] + "..."
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
    return line if len(line) <= MOST_REASON else line[: MOST_REASON - 3] + "..."
