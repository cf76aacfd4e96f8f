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
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)
        client.cache_clear()
