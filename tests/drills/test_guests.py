"""Guests fit into a table in use, or the table says why not."""

import pytest

from reconciler.drills.guests import Host
from reconciler.errors import InvalidInput


def test_a_guest_has_the_key_that_the_table_asks_for() -> None:
    assert Host("t", {"pk": "S"}).key("probe") == {"pk": "probe"}
    for kind, value in (("S", "guest"), ("N", 0), ("B", b"guest")):
        host = Host("t", {"pk": "S", "sk": kind})
        assert host.key("probe") == {"pk": "probe", "sk": value}


def test_the_tombstones_of_guests_go_after_a_day() -> None:
    schema = Host("parties", {"pk": "S", "sk": "N"}).schema({"tags": "set_aw"})

    assert schema.tombstone_retention_days == 1
    assert schema.key == ("pk", "sk")


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        (Host("parties", {"pk": "N"}), "--table parties: its partition key pk has the type N"),
        (
            Host("parties", {"pk": "S"}, indexed=frozenset({"tags", "email"})),
            "its keys and indexes use tags, which",
        ),
        (Host("parties", {"tags": "S"}), "its keys and indexes use tags, which"),
    ],
)
def test_a_table_that_cannot_have_guests_is_refused_with_the_reason(
    host: Host, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        host.schema({"tags": "set_aw"})
