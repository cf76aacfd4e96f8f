"""What CloudWatch reads out of a function's log: documents in embedded metric format."""

from collections.abc import Callable
from typing import Any

import pytest

from handlers.observability import Observability
from tests.handlers.conftest import Context, documents

Measured = Callable[[Observability], None]
pytestmark = pytest.mark.filterwarnings("error")  # as Powertools warns of an empty document


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the service, as a deployment does: Powertools would make it a dimension."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "reconciler")


@pytest.fixture
def sent(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that measures, one invocation after the other, and returns documents."""

    def send(*invocations: Measured, table: str = "parties") -> list[dict[str, Any]]:
        observability = Observability("detect", table, "us-east-1")
        for measure in invocations:
            with observability.invocation(Context()):
                measure(observability)
        return documents(capsys.readouterr().out)

    return send


def shape(document: dict[str, Any]) -> tuple[list[list[str]], dict[str, str]]:
    """Return the dimension sets of a document, and the unit of each metric."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return directive["Dimensions"], {each["Name"]: each["Unit"] for each in directive["Metrics"]}


def test_the_dimensions_are_table_and_region_and_no_other(sent: Any) -> None:
    (document,) = sent(lambda told: told.count("Records", 3))
    assert shape(document) == ([["table", "region"]], {"Records": "Count"})
    named = (document["table"], document["region"], document["Records"])
    assert named == ("parties", "us-east-1", [3.0])
    assert "service" not in document


def test_a_kind_is_a_document_of_its_own_beside_the_metric_of_all_kinds(sent: Any) -> None:
    def measure(told: Observability) -> None:
        told.count("Conflicts", kind="after-home")
        told.count("Conflicts", 2, kind="concurrent-home")
        told.count("OutsideWrites", kind="deletes")

    of_all, *of_kinds = sent(measure)

    assert (of_all["Conflicts"], of_all["OutsideWrites"]) == ([3.0], [1.0])
    assert "kind" not in of_all
    assert {each["kind"]: each.get("Conflicts") for each in of_kinds} == {
        "after-home": [1.0],
        "concurrent-home": [2.0],
        "deletes": None,
    }
    for each in of_kinds:
        assert shape(each)[0] == [["table", "region", "kind"]]
        assert (each["table"], each["region"]) == ("parties", "us-east-1")


def test_measurements_of_one_metric_are_values_of_one_document_in_the_unit_of_its_name(
    sent: Any,
) -> None:
    def measure(told: Observability) -> None:
        for value in (5, 0, 70):
            told.measure("LossToRepair_ms", value)
        told.measure("Metadata_bytes", 312)
        told.measure("Lineages", 2)

    (document,) = sent(measure)

    assert document["LossToRepair_ms"] == [5.0, 0.0, 70.0]
    units = {"LossToRepair_ms": "Milliseconds", "Metadata_bytes": "Bytes", "Lineages": "Count"}
    assert shape(document)[1] == units


@pytest.mark.parametrize("number", [99, 100, 101, 250])
def test_of_any_number_of_measurements_none_is_missing_and_none_is_sent_twice(
    sent: Any, number: int
) -> None:
    def measure(told: Observability) -> None:
        for value in range(number):
            told.measure("LossToRepair_ms", value)

    found = sent(measure)
    assert [value for each in found for value in each["LossToRepair_ms"]] == list(range(number))
    assert max(len(each["LossToRepair_ms"]) for each in found) <= 100


def test_an_invocation_that_measures_nothing_sends_nothing(sent: Any) -> None:
    assert sent(lambda _: None) == []


def test_each_invocation_begins_at_nothing(sent: Any) -> None:
    first = len(sent(lambda told: told.count("Conflicts", kind="after-home")))
    documents = sent(
        lambda told: told.count("Conflicts", kind="after-home"),
        lambda told: told.count("Records"),
    )
    (later,) = documents[first:]
    assert "Conflicts" not in later
    assert "kind" not in later


def test_two_tables_in_one_process_do_not_share_what_they_measure(sent: Any) -> None:
    """Powertools' `Metrics` keeps one state for all its instances."""
    other = Observability("detect", "orders", "us-east-1")
    other.measure("Lineages", 9)
    (document,) = sent(lambda told: told.measure("Lineages", 1))
    assert (document["table"], document["Lineages"]) == ("parties", [1.0])


def test_the_last_word_on_a_loss_is_kept_until_the_next_invocation() -> None:
    told = Observability("resolve", "parties", "us-east-1")
    with told.invocation(Context()):
        told.note("paused")
        told.note("WriteBacks", conflict_id="c1")
        assert told.outcomes == {"c1": "WriteBacks"}
    with told.invocation(Context()):
        assert told.outcomes == {}
