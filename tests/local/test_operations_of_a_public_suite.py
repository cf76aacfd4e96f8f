"""The operations that ScyllaDB's Alternator tests perform, on an instrumented client.

Each is made on a plain client, too, in the same cloud, and all that callers see of it is compared.
Where we answer otherwise, a story says so, and `WHY` says why: once the answers are alike again, or
differ in another way, its test fails.
Source: scylladb/scylladb, test/alternator: which operations, with what, and what is looked at.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.local.operations.batches import BATCHES
from tests.local.operations.conditions import CONDITIONS
from tests.local.operations.empties import EMPTIES
from tests.local.operations.filters import FILTERS
from tests.local.operations.legacy import LEGACY
from tests.local.operations.nested import NESTED
from tests.local.operations.numbers import NUMBERS
from tests.local.operations.queries import QUERIES
from tests.local.operations.reads_together import READS_TOGETHER
from tests.local.operations.returned import RETURNED
from tests.local.operations.steps import Story
from tests.local.operations.transactions import TRANSACTIONS
from tests.local.operations.twins import OURS, PLAIN, Twins
from tests.local.operations.updates import UPDATES
from tests.local.operations.writes import WRITES
from tests.local.operations.wrong_updates import WRONG_UPDATES
from tests.local.support import EU, US

# The transactions first: for each, the server here copies all that is there.
STORIES = [
    *(*TRANSACTIONS, *READS_TOGETHER, *BATCHES, *QUERIES, *FILTERS, *LEGACY),
    *(*UPDATES, *WRONG_UPDATES, *NESTED, *CONDITIONS, *RETURNED, *NUMBERS, *EMPTIES, *WRITES),
]


class Difference(NamedTuple):
    """Why answers differ, and whether two that do differ in this way."""

    because: str
    shows: Callable[[Any, Any], bool]


def refused(*texts: str) -> Callable[[Any, Any], bool]:
    """Return whether ours is an error of the library's that says one of these."""

    def shows(ours: Any, _: Any) -> bool:
        return "Error" not in ours and any(text in str(ours) for text in texts)

    return shows


def without(name: str) -> Callable[[Any, Any], bool]:
    """Return whether answers are alike but for this part, which only one has, or each its own."""
    return lambda ours, plain: {**ours, name: 0} == {**plain, name: 0}


def elsewhere(ours: Any, plain: Any) -> bool:
    """Return whether a page ends at another item."""
    return bool(ours["LastEvaluatedKey"] != plain["LastEvaluatedKey"])


WHY = {
    "legacy": Difference(
        "Expected and AttributeUpdates are refused before they are sent, as is an update that says"
        " nothing: they cannot be named",
        refused(
            "is not known on a table of the library's", "only an UpdateExpression can be named"
        ),
    ),
    "unreadable": Difference(
        "an update whose expression cannot be read is refused before it is sent, as InvalidInput",
        refused("UpdateExpression: "),
    ),
    "key": Difference("so is one that changes the key", refused("is part of the key")),
    "value": Difference(
        "so is a value that DynamoDB does not hold, such as an empty set or a number beyond 1E+126",
        refused("is not in wire format", "not a value such as"),
    ),
    "type": Difference(
        "so is what an attribute's type cannot hold",
        refused("counter_pn takes", "a counter_pn", "expected a set"),
    ),
    "size": Difference("so is an item that is too large", refused("ItemTooLarge")),
    "deep": Difference(
        "an item may nest some levels less, which the metadata takes", refused("nested deeper than")
    ),
    "malformed": Difference(
        "a part of a batch or of a transaction that is no action, or several, is refused before it"
        " is sent; the server here carries one of them out, or breaks down",
        refused("each of its parts is one"),
    ),
    "lax": Difference(
        "DynamoDB refuses it, and so do we; the server here takes it",
        lambda ours, _: ours.get("Error", {}).get("Code") == "ValidationException",
    ),
    "map": Difference(
        "a map_or without fields is none, so there is no path to a field of it",
        lambda ours, plain: "document path" in str(ours) or "'m': {}" in str(plain),
    ),
    "capacity": Difference(
        "a batch is written by other calls, and does not say what it cost",
        without("ConsumedCapacity"),
    ),
    "token": Difference(
        "a token that does not tell when it was made is not answered again: see calls/README.md",
        lambda ours, _: "IdempotentParameterMismatch" in str(ours),
    ),
    "scanned": Difference(
        "what a filter leaves out is counted, and so is what is left of deleted items",
        without("ScannedCount"),
    ),
    "filtered page": Difference(
        "the same holds for the Limit of a page, which DynamoDB counts before it filters", elsewhere
    ),
    "page": Difference(
        "a page that is full may have another one behind it, which shows nothing",
        without("LastEvaluatedKey"),
    ),
}


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    with LocalCloud([TableSpec("parties", "id")], regions=(US, EU)) as cloud:
        yield Twins(cloud)


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_what_a_caller_sees_is_what_a_plain_client_shows(twins: Twins, story: Story) -> None:
    told = twins.played(story)
    steps = [*story.steps, "what stands there in the end"]
    found = [
        each for each in zip(told[OURS], told[PLAIN], steps, strict=False) if each[0] != each[1]
    ]

    assert not any("Internal Server Error" in str(each) for each in told[PLAIN])
    if not story.differs:
        assert found == []
    else:
        assert found, "it differs no more"
        ours, plain, _ = found[0]
        assert WHY[story.differs].shows(ours, plain), found[0]


def test_every_difference_is_one_of_a_story_and_every_story_has_its_own_name() -> None:
    assert {story.differs for story in STORIES} - {""} == WHY.keys()
    assert [name for name, times in Counter(map(str, STORIES)).items() if times > 1] == []
