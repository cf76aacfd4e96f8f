"""Who may do what is as it was when it was last read by a person."""

from tests.infra.security import SNAPSHOT, document


def test_the_security_relevant_part_of_the_templates_is_the_one_that_was_read() -> None:
    assert document() == SNAPSHOT.read_text()
