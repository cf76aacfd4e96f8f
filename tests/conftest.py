"""How many random examples a run draws, and which tests share a process.

`--hypothesis-profile=thorough` draws many more examples.
"""

import gc

import pytest
from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "default", max_examples=60, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "thorough", max_examples=3_000, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a module's tests in one process, and all those that synthesise stacks."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group("infra" if folder == "infra" else str(item.path)))


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what the imports made: there is much of it."""
    gc.collect()
    gc.freeze()
