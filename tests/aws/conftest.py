"""One region of AWS in this process, with credentials that are worth nothing."""

from collections.abc import Iterator
from functools import cache

import pytest
from moto import mock_aws

from reconciler.aws.clients import client
from reconciler.local.server.moto_speed import hurry_moto
from reconciler.local.server.partiql import insert_in_batches
from reconciler.local.server.taking_away import make_nothing_of_nothing

REGION = "us-east-1"
_hurry_moto_once = cache(hurry_moto)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "worthless")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def clients() -> Iterator[None]:
    """Make clients once a module, of descriptions of AWS that are read once: both take long."""
    _hurry_moto_once()
    insert_in_batches()
    make_nothing_of_nothing()
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask queues without waiting: here they are on one server, and what is there is found."""
    monkeypatch.setattr("reconciler.aws.dead_letters._WAIT_SECONDS", 0)


@pytest.fixture
def aws(credentials: None, clients: None) -> Iterator[None]:
    with mock_aws():
        yield
