"""Regions whose table has no reconciler, for commands that look at replication."""

import os
from collections.abc import Iterator

import pytest

from reconciler.aws.clients import client
from reconciler.deployment.names import Names
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec, create_ledger

LAG_MS = (200, 250)
PARTIES, VISITS = "parties", "visits"


@pytest.fixture(scope="session")
def plain_cloud() -> Iterator[LocalCloud]:
    """Three regions; table `visits` has a sort key, and table `parties` ledgers that stay empty."""
    tables = [TableSpec(PARTIES, "id"), TableSpec(VISITS, "pk", "sk")]
    with LocalCloud(tables, lag_ms=LAG_MS) as cloud:
        for region in cloud.regions:
            create_ledger(cloud.client("dynamodb", region), Names(PARTIES, region).ledger)
        yield cloud


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Put back what `--endpoint` changes: it holds for the rest of a command's process."""
    before = _of_the_process()
    yield
    if _of_the_process() != before:
        for name in _of_the_process():
            del os.environ[name]
        os.environ.update(before)
        client.cache_clear()


def _of_the_process() -> dict[str, str]:
    """Return the environment without what pytest itself notes there at every step of a test."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
