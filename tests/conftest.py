"""How many random examples a run draws, and which tests a quick run leaves out.

`--hypothesis-profile=quick` draws few examples, `--hypothesis-profile=thorough` many;
`-m "not slow"` leaves out what is marked as slow and the modules that are listed here.
"""

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
for _name, _examples in {"quick": 8, "default": 60, "thorough": 3_000}.items():
    settings.register_profile(
        _name, max_examples=_examples, deadline=None, suppress_health_check=_SLOW_IS_FINE
    )
settings.load_profile("default")

_HERE = Path(__file__).parent
# Single tests elsewhere carry the mark themselves.
SLOW = (
    "cli/test_doctor.py",  # whole clouds, of processes, and commands against them
    "cli/test_failover.py",
    "cli/test_local.py",
    "cli/test_replication.py",
    "demo",
    "drills/failover/test_on_this_machine.py",
    "local/server/test_dynamodb.py",
    "local/server/test_metric_delivery.py",
    "local/server/test_process.py",
    "local/server/test_replicas.py",
    "local/test_bulk_load.py",
    "local/test_cloud.py",
    "local/test_documented_answers.py",
    "local/test_doors.py",
    "local/test_operations_of_a_public_suite.py",
    "local/test_outages.py",
    "local/test_storm.py",
    "local/test_whole_tables.py",
    "local/worker/test_process.py",
    "test_readme.py",
    "handlers/test_runtime_client.py",  # a process for each test
    "infra",  # synthesis: importing the CDK alone takes seconds
    "simulation/test_sabotage.py",  # searches through many seeds
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import slow modules if no slow test is wanted."""
    wanted = config.getoption("markexpr") != "not slow"
    return None if wanted or not is_slow(collection_path) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of slow modules."""
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what the imports made: there is much of it."""
    gc.collect()
    gc.freeze()


def is_slow(path: Path) -> bool:
    """Return whether all tests of a file are listed here."""
    return any(path.is_relative_to(_HERE / slow) for slow in SLOW)
