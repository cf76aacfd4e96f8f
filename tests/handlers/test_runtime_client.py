"""The functions under Lambda's own runtime client, in a process of their own.

A small server on loopback stands for the Runtime API; AWS's endpoints are a closed port, so nothing
can leave the machine. Source: Lambda guide, "Using the Lambda runtime API for custom runtimes".
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest

from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from tests.handlers.door import SIGNED
from tests.handlers.door import event as request
from tests.handlers.streams import batch, clean, lost, record

NAMES = Names("parties", "us-east-1")
ROOT = Path(__file__).parents[2]
SECONDS = 60


class RuntimeApi:
    """Gives out one event, then lets the runtime wait; keeps what it posts as (path, body)."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.posted: Queue[tuple[str, Any]] = Queue()
        self._event: str | None = json.dumps(event)
        self._closed = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                event, api._event = api._event, None
                if event is None:
                    api._closed.wait()
                    return
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
                self.send_header("Lambda-Runtime-Deadline-Ms", "32503680000000")
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:a:b:c:d:e")
                self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a9")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event.encode())))
                self.end_headers()
                self.wfile.write(event.encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.posted.put((self.path, json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        return Handler


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as bound:  # bound and not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def environment(closed_port: int) -> dict[str, str]:
    nowhere = f"http://127.0.0.1:{closed_port}"
    return {
        **function_environment(NAMES, parked_queue_url=f"{nowhere}/parked"),
        "PATH": os.environ["PATH"],
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "worthless",
        "AWS_SECRET_ACCESS_KEY": "worthless",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": nowhere,
        "AWS_LAMBDA_FUNCTION_NAME": "detect",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "LAMBDA_TASK_ROOT": str(ROOT),
    }


def invoke(handler: str, event: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    """Return what the runtime posts for the event, as (path, body), and what it printed."""
    api = RuntimeApi(event)
    process = subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", handler],
        cwd=ROOT,
        env={**environment, "AWS_LAMBDA_RUNTIME_API": api.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        path, body = api.posted.get(timeout=SECONDS)
    finally:
        process.kill()
        printed, _ = process.communicate()
        api.close()
    return path, body, printed


RESPONSE = "/2018-06-01/runtime/invocation/request-1/response"
ERROR = "/2018-06-01/runtime/invocation/request-1/error"


def test_a_clean_record_is_answered_with_no_failures(environment: dict[str, str]) -> None:
    path, body, printed = invoke("handlers.detect.handler", batch(clean(1)), environment)
    assert (path, body) == (RESPONSE, {"batchItemFailures": []})
    assert '"Records":[1.0]' in printed


def test_a_loss_is_answered_with_its_record_when_nothing_can_be_reached(
    environment: dict[str, str],
) -> None:
    path, body, _ = invoke("handlers.detect.handler", batch(clean(1), lost(2)), environment)
    failures = [{"itemIdentifier": f"{2:021d}"}]
    assert (path, body) == (RESPONSE, {"batchItemFailures": failures})


def test_a_message_is_answered_with_its_id_when_nothing_can_be_reached(
    environment: dict[str, str],
) -> None:
    event = batch({"messageId": "m1", "body": "not json"})
    path, body, _ = invoke("handlers.resolve.handler", event, environment)
    failures = [{"itemIdentifier": "m1"}]
    assert (path, body) == (RESPONSE, {"batchItemFailures": failures})


def test_the_door_answers_that_it_is_alive_and_unhealthy_when_nothing_can_be_reached(
    environment: dict[str, str],
) -> None:
    schema = json.dumps({"table": NAMES.table, "key": ["id"]})
    told = {"RECONCILER_SCHEMA": schema, "RECONCILER_API_AUTHORIZER": "iam"}
    for path_asked, status in (("/health/live", 200), ("/health", 503), ("/items/p1", 503)):
        asked = request("GET", path_asked, authorizer=SIGNED)
        path, body, _ = invoke("handlers.api.handler", asked, environment | told)
        assert (path, body["statusCode"]) == (RESPONSE, status)
        assert body["headers"]["Content-Type"] == "application/json"


def test_a_stream_that_hides_an_image_fails_the_invocation(environment: dict[str, str]) -> None:
    keys_only = batch(record(1, {}, {}, StreamViewType="KEYS_ONLY"))
    path, body, _ = invoke("handlers.detect.handler", keys_only, environment)
    assert path == ERROR
    assert body["errorType"] == "UnsupportedStream"


@pytest.mark.parametrize("strategy", ["LOG_ERROR", "IGNORE_ERROR", "RUNTIME_ERROR"])
def test_tracing_never_costs_a_batch(environment: dict[str, str], strategy: str) -> None:
    traced = {
        **environment,
        "RECONCILER_TRACING": "on",
        "AWS_XRAY_CONTEXT_MISSING": strategy,
    }
    path, body, _ = invoke("handlers.detect.handler", batch(clean(1)), traced)
    assert (path, body) == (RESPONSE, {"batchItemFailures": []})


# Importing


def python(code: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["handlers.detect", "handlers.resolve"])
def test_importing_a_function_reads_no_settings_makes_no_client_and_leaves_tracing_out(
    name: str,
) -> None:
    code = f"""
import sys
import boto3.session
made = []
boto3.session.Session.__init__ = lambda *_, **__: made.append("session")
import {name} as function
print(made, "aws_xray_sdk" in sys.modules, function._function.cache_info().misses)
"""
    bare = {"PATH": os.environ["PATH"]}  # no settings, no region: importing needs none of them
    assert python(code, bare) == "[] False 0"


def test_without_tracing_an_invocation_leaves_its_packages_out(
    environment: dict[str, str],
) -> None:
    code = """
import sys
from handlers.detect import handler
handler({"Records": []}, None)
print("aws_xray_sdk" in sys.modules)
"""
    assert python(code, environment).splitlines()[-1] == "False"


def test_with_tracing_on_an_invocation_outside_lambda_works(environment: dict[str, str]) -> None:
    code = """
from handlers.detect import handler
print(handler({"Records": []}, None))
"""
    traced = {
        **{name: value for name, value in environment.items() if "LAMBDA" not in name},
        "RECONCILER_TRACING": "on",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    }
    assert python(code, traced).splitlines()[-1] == "{'batchItemFailures': []}"
