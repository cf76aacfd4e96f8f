"""One trace from the record to the write-back, as the X-Ray daemon hears of it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.traced_functions import DETECTING, RESOLVING, UNTRACED

ROOT = Path(__file__).parents[2]
LOSSES = 2
Document = dict[str, Any]


def trace_id(header: str) -> str:
    return header.partition(";")[0].removeprefix("Root=")


@pytest.fixture(scope="module")
def heard() -> tuple[list[Document], list[str | None]]:
    """Return the documents that the daemon was sent, and the headers of untraced losses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "worthless",
            "AWS_SECRET_ACCESS_KEY": "worthless",
            "LAMBDA_TASK_ROOT": str(ROOT),
            "RECONCILER_TRACING": "on",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.handlers.traced_functions"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        daemon.setblocking(False)
        documents: list[Document] = []
        while True:
            try:
                told = daemon.recv(65_536).decode()
            except BlockingIOError:
                return documents, json.loads(done.stdout.splitlines()[-1])
            documents.append(json.loads(told.split("\n", 1)[1]))


@pytest.fixture
def documents(heard: tuple[list[Document], list[str | None]]) -> list[Document]:
    return heard[0]


def losses(documents: list[Document]) -> list[Document]:
    return [each for each in documents if each["name"] == "loss"]


def resolutions(documents: list[Document]) -> list[Document]:
    """Return what is no part of Lambda's own segments: those of resolutions."""
    return [each for each in documents if "type" not in each]


def test_each_loss_is_named_in_the_trace_of_the_detectors_invocation(
    documents: list[Document],
) -> None:
    (invocation,) = (
        each
        for each in documents
        if each["name"] == "## handler" and each["trace_id"] == trace_id(DETECTING)
    )
    assert f"Parent={invocation['parent_id']}" in DETECTING
    found = losses(documents)
    assert len({each["annotations"]["conflict_id"] for each in found}) == LOSSES
    for each in found:
        assert each["trace_id"] == trace_id(DETECTING)
        assert each["parent_id"] == invocation["id"]
        assert each["annotations"]["role"] == "witness"  # the replica has another incarnation
        assert each["annotations"]["table"] == "parties"


def test_each_resolution_is_a_segment_below_its_loss_in_the_same_trace(
    documents: list[Document],
) -> None:
    by_loss = {each["annotations"]["conflict_id"]: each for each in losses(documents)}
    found = resolutions(documents)
    assert len(found) == len(by_loss) == LOSSES
    for each in found:
        loss = by_loss[each["annotations"]["conflict_id"]]
        assert (each["trace_id"], each["parent_id"]) == (loss["trace_id"], loss["id"])
        assert each["name"] == "parties-resolve-us-east-1"
        assert each["annotations"] == {**loss["annotations"], "outcome": "WriteBacks"}


def test_a_resolution_spans_its_write_back(documents: list[Document]) -> None:
    put = next(each for each in documents if each.get("aws", {}).get("operation") == "PutItem")
    assert put["trace_id"] == trace_id(RESOLVING)
    for each in resolutions(documents):
        assert each["start_time"] <= put["start_time"] <= put["end_time"] <= each["end_time"]


def test_what_is_not_sampled_or_cannot_be_read_is_resolved_all_the_same_and_not_traced(
    heard: tuple[list[Document], list[str | None]],
) -> None:
    documents, headers = heard
    assert headers == [None] * len(UNTRACED)
    assert {each["trace_id"] for each in documents} == {trace_id(DETECTING), trace_id(RESOLVING)}
    assert len(resolutions(documents)) == LOSSES


def test_a_trace_holds_no_answer_of_a_function_and_nothing_of_an_item(
    documents: list[Document],
) -> None:
    told = json.dumps(documents)
    assert "batchItemFailures" not in told
    assert not any(value in told for value in ("Ada", "Bob", "balance"))
