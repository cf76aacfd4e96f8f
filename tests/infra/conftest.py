"""The deployments that most tests look at."""

import pytest

from tests.infra.stacks import Stacks, synthesised


@pytest.fixture(scope="session")
def three() -> Stacks:
    return synthesised("three")


@pytest.fixture(scope="session")
def options() -> Stacks:
    return synthesised("options")
