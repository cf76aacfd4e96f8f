"""The loop that brings a merge into an item: bounded, conditional, into the newest image."""

from collections.abc import Callable

import pytest

from reconciler.errors import Contention
from reconciler.ports import Replacement, Superseded
from reconciler.resolution.write_back import ATTEMPTS, WriteBack, write_back
from reconciler.values.wire import Image

OLD: Image = {"n": {"N": "0"}}


def more(current: Image | None) -> Image | None:
    """Return the image after one more was merged into it."""
    return {"n": {"N": str(int((current or OLD)["n"]["N"]) + 1)}}


class Store:
    """One item; before each of the first `others` writes another writer replaces it."""

    def __init__(self, others: int = 0) -> None:
        self.image = OLD
        self.others = others
        self.writes: list[Image] = []

    def put(self, write: Replacement) -> Superseded | None:
        if self.others:
            self.others -= 1
            self.image = {"n": {"N": str(10 * (int(self.image["n"]["N"]) + 1))}}
        if write.replacing != self.image:
            return Superseded(self.image)
        self.image = write.image
        self.writes.append(write.image)
        return None


def counting() -> tuple[list[int], Callable[[], object]]:
    retries: list[int] = []
    return retries, lambda: retries.append(1)


def test_an_item_that_includes_everything_is_not_written() -> None:
    store = Store()
    assert write_back(OLD, lambda _: None, store.put) == WriteBack(OLD, OLD, is_written=False)
    assert store.writes == []


def test_a_merge_is_written_over_the_image_it_was_made_of() -> None:
    store, (retries, retrying) = Store(), counting()
    assert write_back(OLD, more, store.put, retrying) == WriteBack(OLD, more(OLD), is_written=True)
    assert (store.writes, retries) == ([more(OLD)], [])


def test_what_another_writer_made_of_the_item_is_merged_into_next() -> None:
    store, (retries, retrying) = Store(others=2), counting()
    step = write_back(OLD, more, store.put, retrying)
    theirs: Image = {"n": {"N": "110"}}
    assert step == WriteBack(theirs, more(theirs), is_written=True)
    assert (len(store.writes), len(retries)) == (1, 2)


def test_an_item_that_never_rests_is_given_up_unwritten() -> None:
    store, (retries, retrying) = Store(others=ATTEMPTS), counting()
    with pytest.raises(Contention, match=f"changed {ATTEMPTS} times"):
        write_back(OLD, more, store.put, retrying)
    assert (store.writes, len(retries)) == ([], ATTEMPTS - 1)


def test_a_lost_answer_means_what_the_caller_says() -> None:
    def unheard(write: Replacement) -> Superseded | None:
        raise Contention("it was not answered")

    with pytest.raises(Contention, match="not answered"):
        write_back(OLD, more, unheard)
