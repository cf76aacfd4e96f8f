"""How a local cloud starts, settles and stops."""

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.local.cloud import LocalCloud
from reconciler.local.errors import LocalCloudError, ServerSilent
from reconciler.local.provision import TableSpec
from tests.local.support import EU, HANDLERS, US, eventually, log_lines, put

TABLE = "parties"
TWO = (US, EU)


def small(**settings: Any) -> LocalCloud:
    return LocalCloud([TableSpec(TABLE, "id")], regions=TWO, **settings)


def piped(**settings: Any) -> LocalCloud:
    handlers = {"detect": f"{HANDLERS}:detect", "resolve": f"{HANDLERS}:resolve"}
    return small(**{"reconciled": TABLE, **handlers, **settings})


def alive(pids: Sequence[int]) -> list[int]:
    """Return which processes are still running; one that ended and was not awaited is not."""
    return [pid for pid in pids if _state(pid) not in ("", "Z", "X")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def directories(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("reconciler-*"))


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"regions": [US]}, "two to five"),
        ({"regions": [US, US]}, "two to five"),
        ({"regions": ["a", "b", "c", "d", "e", "f"]}, "two to five"),
        ({"regions": [US, "eu-west-77"]}, "AWS has no region eu-west-77"),
        ({"reconciled": "other"}, "other"),
        ({"lag_ms": (9, 3)}, "lag"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_starts(
    settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LocalCloudError, match=complaint):
        LocalCloud([TableSpec(TABLE, "id")], **settings)


def test_what_a_child_used_of_the_processor_is_known_even_once_it_is_gone() -> None:
    with small() as cloud:
        server = cloud.children[0]
        assert server.cpu_seconds() > 0.1
    assert server.cpu_seconds() == 0


def test_leaving_ends_every_process_and_removes_every_file(tmp_path: Path) -> None:
    with piped() as cloud:
        pids = [child.pid for child in cloud.children]
        assert len(alive(pids)) == 3
        assert len(directories(tmp_path)) == 1

    assert alive(pids) == []
    assert directories(tmp_path) == []


def test_an_exception_inside_leaves_nothing_behind(tmp_path: Path) -> None:
    pids: list[int] = []

    def fail_inside() -> None:
        with small() as cloud:
            pids.extend(child.pid for child in cloud.children)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_inside()

    assert alive(pids) == []
    assert directories(tmp_path) == []


def test_a_second_start_on_the_same_port_finds_nothing_of_the_first() -> None:
    with small() as first:
        put(first, US, TABLE, id="1")
        port = first.port
    with small(port=port) as second:
        assert second.port == port
        assert second.scan(TABLE, US) == []


def test_a_taken_port_is_replaced_by_another_and_the_change_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with caplog.at_level(logging.WARNING), small(port=taken) as cloud:
            assert cloud.port != taken
            assert f"port {taken} is taken, using port {cloud.port}" in caplog.text


def test_a_handler_that_does_not_exist_is_reported_with_the_log_of_the_worker(
    tmp_path: Path,
) -> None:
    with pytest.raises(LocalCloudError, match=r"(?s)worker-.*ended.*no_such_module"):
        piped(detect="no_such_module:handler").__enter__()

    assert directories(tmp_path) == []


def test_settling_names_what_is_still_busy() -> None:
    with small() as cloud:
        cloud.isolate(US)
        put(cloud, US, TABLE, id="1")

        with pytest.raises(
            LocalCloudError, match=r"1 change under way from us-east-1 to eu-west-1 \(link cut\)"
        ):
            cloud.settle(patience_seconds=0.2)


def kill_worker(cloud: LocalCloud) -> None:
    """Kill the worker of the first region, and wait until that was seen."""
    worker = cloud.children[1]
    os.kill(worker.pid, signal.SIGKILL)
    eventually(lambda: worker.status is not None)


def test_a_worker_that_dies_is_started_again_and_told_and_goes_on_where_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with piped() as cloud:
        kill_worker(cloud)
        put(cloud, US, TABLE, id="1")
        put(cloud, US, TABLE, id="1", name="changed")

        cloud.settle()

        assert any('"changed"' in line for line in log_lines(cloud, US))
    assert "worker-us-east-1 ended with status -9: started again, 1 of 3" in caplog.text


def test_a_worker_that_dies_again_and_again_is_given_up_and_settling_says_so() -> None:
    with piped() as cloud:
        cloud.isolate(US)
        for _ in range(4):
            kill_worker(cloud)
            await_revival(cloud)
        put(cloud, US, TABLE, id="1")

        with pytest.raises(LocalCloudError, match="worker-us-east-1 ended with status -9"):
            cloud.settle()
        assert US not in cloud.status()["workers"]


def await_revival(cloud: LocalCloud) -> None:
    eventually(lambda: cloud.children[1].status is None or is_given_up(cloud))


def is_given_up(cloud: LocalCloud) -> bool:
    try:
        cloud.check()
    except LocalCloudError:
        return True
    return False


def test_a_server_that_does_not_answer_ends_settling_in_an_error_of_the_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reconciler.local.control_client._TIMEOUT_SECONDS", 0.2)
    with small() as cloud:
        server = cloud.children[0].pid
        os.kill(server, signal.SIGSTOP)
        try:
            with pytest.raises(LocalCloudError, match="the server did not answer `status`"):
                cloud.settle(patience_seconds=0.5)
            with pytest.raises(ServerSilent, match="the server did not answer `heal`"):
                cloud.heal()
        finally:
            os.kill(server, signal.SIGCONT)
        cloud.settle()


PARENT = f"""
import sys, tempfile, time
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
tempfile.tempdir = sys.argv[1]
with LocalCloud([TableSpec("t", "id")], regions=("us-east-1", "eu-west-1"), reconciled="t",
                detect="{HANDLERS}:detect", resolve="{HANDLERS}:resolve") as cloud:
    print(*(child.pid for child in cloud.children), flush=True)
    time.sleep(60)
"""


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(alive(pids)) == 3

        parent.kill()

        assert eventually(lambda: not alive(pids))
        assert eventually(lambda: not directories(tmp_path))


def test_a_child_ends_on_sigterm() -> None:
    with piped() as cloud:
        pids = [child.pid for child in cloud.children]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)

        assert eventually(lambda: not alive(pids))
