"""A storm of conflicts drains, and loses nothing; `storm` runs larger ones by hand."""

from tests.local.storm import storm


def test_a_storm_of_conflicts_drains_without_loss() -> None:
    outcome = storm(60)

    assert outcome.wrong == []
    assert outcome.unresolved == 0
    assert outcome.messages >= 60
