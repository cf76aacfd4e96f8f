"""Who may do what is as it was when it was last read by a person."""

from tests.golden import difference
from tests.golden.security import security
from tests.infra.stacks import synthesised


def test_the_security_relevant_part_of_the_templates_is_the_one_that_was_read() -> None:
    found = difference("security", security(synthesised("options")))
    assert not found, found
