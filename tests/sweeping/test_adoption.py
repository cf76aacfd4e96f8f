"""Adoption of a whole table: what is stamped, what is left, and that no write is lost by it."""

from typing import Any

import pytest

from reconciler.deployment.names import home_of
from reconciler.errors import Unavailable
from reconciler.item.adoption import adopted
from reconciler.item.image import read
from reconciler.item.metadata import METADATA, NAMES, is_managed
from reconciler.sweeping.adoption import ROUNDS, Adopter
from reconciler.sweeping.walk import Budget, Walk
from reconciler.values.wire import Image, to_json
from tests.builders import assign, increment, written
from tests.fakes import AnswerLost
from tests.named import named_on
from tests.sweeping.replicas import SCHEMA, Run


def plain(name: str = "p1", **more: Any) -> Image:
    return {"id": {"S": name}, "email": {"S": "ada"}, "balance": {"N": "100"}, **more}


def adopt(run: Run, *, execute: bool = True, writes: float = 1_000_000) -> dict[str, int]:
    adopter = Adopter(
        run.wholes,
        SCHEMA,
        run.tally,
        run.time,
        execute=execute,
        reads=run.reads,
        writes=Budget(writes, run.time),
    )
    adopter.adopt(Walk(run.eu.whole, 2, run.reads, lambda _: None))
    return run.counts()


@pytest.fixture
def run() -> Run:
    return Run()


def test_items_are_stamped_in_one_region_whoever_runs(run: Run) -> None:
    assert home_of(["us-east-1", "eu-west-1"]) == home_of(["eu-west-1", "us-east-1"])
    run.both(*(plain(f"p{number}") for number in range(7)))

    assert adopt(run) == {"stamped": 7}

    for number in range(7):
        key: Image = {"id": {"S": f"p{number}"}}
        assert run.eu.item(f"p{number}") == adopted(plain(f"p{number}"), key, SCHEMA.spec)
    assert "stamp" not in run.us.whole.names()


def test_a_dry_run_says_the_same_and_writes_nothing(run: Run) -> None:
    run.both(plain("p1"), plain("p2"))
    assert adopt(run, execute=False) == {"stamped": 2}
    assert run.eu.item() == plain()


def test_a_second_run_passes_over_what_is_stamped_and_reads_it_nowhere_else(run: Run) -> None:
    run.both(plain("p1"), plain("p2"))
    adopt(run)
    again = Run()
    again.eu, again.us = run.eu, run.us
    before = run.us.whole.names().count("images")

    assert adopt(again) == {"managed already": 2}
    assert run.us.whole.names().count("images") == before


def test_a_run_that_is_killed_is_started_again_and_goes_on(run: Run) -> None:
    run.both(*(plain(f"p{number}") for number in range(6)))

    def killed() -> None:
        raise KeyboardInterrupt

    run.eu.whole.faults.extend([None, None, killed])
    with pytest.raises(KeyboardInterrupt):
        adopt(run)
    done = sum(is_managed(run.eu.item(f"p{number}")) for number in range(6))
    assert 0 < done < 6
    run.eu.whole.faults.clear()
    _replicated(run)

    again = Run()
    again.eu, again.us = run.eu, run.us

    assert adopt(again) == {"managed already": done, "stamped": 6 - done}


def test_an_item_that_is_written_between_look_and_stamp_is_looked_at_again(run: Run) -> None:
    """The stamp of the earlier image would call the write one that was made on top of it."""
    run.both(plain())
    newer = plain(balance={"N": "105"})
    run.eu.whole.faults.append(lambda: run.both(newer))

    assert adopt(run) == {"stamped": 1}
    assert run.eu.item() == adopted(newer, {"id": {"S": "p1"}}, SCHEMA.spec)


def test_an_amount_that_came_since_refuses_the_stamp_though_it_was_not_there(run: Run) -> None:
    before = {name: value for name, value in plain().items() if name != "balance"}
    run.both(before)
    run.eu.whole.faults.append(lambda: run.both(plain()))

    assert adopt(run) == {"stamped": 1}
    assert run.eu.item() == adopted(plain(), {"id": {"S": "p1"}}, SCHEMA.spec)


def test_a_deleted_item_is_not_brought_back_by_a_stamp(run: Run) -> None:
    run.both(plain())

    def deleted() -> None:
        run.eu.store.items.clear()
        run.us.store.items.clear()

    run.eu.whole.faults.append(deleted)

    assert adopt(run) == {"deleted meanwhile": 1}
    assert run.eu.item() is None


def test_an_item_is_not_stamped_before_its_replicas_agree(run: Run) -> None:
    """The region that was behind took what it had for lost, and undid the newer value."""
    run.eu.put(plain(email={"S": "new"}))
    run.us.put(plain(email={"S": "old"}))
    run.while_waiting = [lambda: None, lambda: run.us.put(plain(email={"S": "new"}))]

    assert adopt(run) == {"stamped": 1}
    assert len(run.waits) == 2
    assert (read(run.eu.item()) or {})["email"] == "new"


def test_an_item_whose_replicas_never_agree_is_left_and_named(run: Run) -> None:
    run.eu.put(plain(), plain("p2"))
    run.us.put(plain(email={"S": "old"}))

    assert adopt(run) == {"left: it changes, or replicas differ": 2}
    assert len(run.waits) == ROUNDS
    assert [key for key, _, _ in run.said] == ['{"id":{"S":"p1"}}', '{"id":{"S":"p2"}}']
    assert not is_managed(run.eu.item())


def test_an_item_that_the_library_wrote_meanwhile_is_managed(run: Run) -> None:
    run.both(plain())
    run.eu.whole.faults.append(lambda: run.both(written(assign("name", "Ada"))))
    assert adopt(run) == {"managed already": 1}


def test_named_writes_are_filed_with_the_item(run: Run) -> None:
    run.both(named_on(plain(), increment("balance", 5)))
    assert adopt(run) == {"stamped": 1}
    assert (run.eu.item() or {})[NAMES] == {"L": []}
    assert (read(run.eu.item()) or {})["balance"] == 105


def test_a_named_write_that_came_since_is_filed_too(run: Run) -> None:
    run.both(plain())
    newer = named_on(plain(), increment("balance", 5))
    run.eu.whole.faults.append(lambda: run.both(newer))
    assert adopt(run) == {"stamped": 1}
    assert (run.eu.item() or {})[NAMES] == {"L": []}


@pytest.mark.parametrize(
    ("image", "outcome"),
    [
        pytest.param(plain(blob={"S": "x" * 409_400}), "left: too large", id="too large"),
        pytest.param(
            {**plain(), **{f"a{n}": {"S": "x"} for n in range(120)}},
            "left: too large",
            id="too wide",
        ),
        pytest.param(plain(_rec={"S": "?"}), "left: cannot be read", id="unreadable"),
        pytest.param(
            {**named_on(plain(), assign("email", "eve")), "email": {"S": "raw"}},
            "left: others wrote beside its named writes",
            id="names",
        ),
    ],
)
def test_what_cannot_be_stamped_is_named_and_stops_nothing(
    run: Run, image: Image, outcome: str
) -> None:
    run.both(plain("p0"), image, plain("p2"))

    assert adopt(run) == {"stamped": 2, outcome: 1}
    assert [(key, ending) for key, ending, _ in run.said] == [('{"id":{"S":"p1"}}', outcome)]
    assert run.eu.item() == image


@pytest.mark.parametrize("applied", [True, False])
def test_a_stamp_whose_answer_is_lost_is_looked_at_again(run: Run, applied: bool) -> None:
    run.both(plain())
    run.eu.whole.faults.append(AnswerLost(applied))
    if applied:
        run.while_waiting = [lambda: _replicated(run)]
    assert adopt(run) == {"managed already" if applied else "stamped": 1}


def test_a_stamp_that_is_refused_each_time_leaves_the_item_with_the_reason(run: Run) -> None:
    run.both(plain())
    run.eu.whole.faults.extend([Unavailable("throttled")] * (ROUNDS + 1))
    assert adopt(run) == {"left: it changes, or replicas differ": 1}
    assert run.said[0][2] == "Unavailable: throttled"


def test_writes_go_no_faster_than_told(run: Run) -> None:
    run.both(*(plain(f"p{number}") for number in range(5)))
    started = run.now_ms
    adopt(run, writes=1)
    assert run.now_ms - started >= 4_000


def test_metadata_is_the_same_bytes_whichever_region_has_the_item(run: Run) -> None:
    stamps = {
        to_json((adopted(image, {"id": {"S": "p1"}}, SCHEMA.spec) or {})[METADATA])
        for image in (plain(), dict(reversed(plain().items())))
    }
    assert len(stamps) == 1


def _replicated(run: Run) -> None:
    run.us.store.items.update(run.eu.store.items)
