"""The process that answers every AWS call of the local cloud, on loopback only.

It is moto's server application behind a thin WSGI layer, in which some requests take turns. It is
started by `cloud` with a listening socket, and ends with its parent.
"""

import hmac
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from random import Random
from threading import Lock, Thread
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from reconciler.aws_model.replication import Lag, Replication
from reconciler.local.control_client import TOKEN_HEADER, TOKEN_VARIABLE
from reconciler.local.lifeline import end_with_parent
from reconciler.local.server import signed_region
from reconciler.local.server.answers import Answer, document
from reconciler.local.server.control import PREFIX, Control
from reconciler.local.server.dynamodb import DynamoDb
from reconciler.local.server.limits import lift_moto_s_limit
from reconciler.local.server.metric_delivery import MetricDelivery, WSGIApplication
from reconciler.local.server.metric_queries import answer_metric_queries
from reconciler.local.server.moto_speed import hurry_moto
from reconciler.local.server.partiql import insert_in_batches
from reconciler.local.server.replicas import GlobalTables
from reconciler.local.server.taking_away import make_nothing_of_nothing

# The X-Amz-Target of table, stream, queue and event bus requests; S3 needs no turn.
_TAKING_TURNS = ("DynamoDB", "AmazonSQS.", "AWSEvents.")

_LONG_POLL_PAUSE_SECONDS = 0.05

_TOKEN = "HTTP_" + TOKEN_HEADER.upper().replace("-", "_")  # as WSGI names a header


class MotoDispatcher(DomainDispatcherApplication):
    """moto's dispatcher, remembering its choices: each one lists moto's directory anew."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._chosen: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the name of the service behind a host name."""
        if host not in self._chosen:
            self._chosen[host] = super().get_backend_for_host(host)
        return self._chosen[host]


class LocalCloudApplication:
    """The WSGI layer: our own surface, and the turns that moto's requests take."""

    def __init__(self, tables: GlobalTables, moto: WSGIApplication, token: str) -> None:
        """`token` opens the control surface."""
        self._token = token
        self._tables = tables
        self._dynamodb = DynamoDb(tables)
        self._messaging = Lock()
        self._control = Control(tables, self._messaging)
        self._moto = moto

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one HTTP request."""
        if refused := self._refusal(environ):
            start_response(refused.status, refused.headers)
            return [refused.body]
        path: str = environ["PATH_INFO"]
        target: str = environ.get("HTTP_X_AMZ_TARGET", "")
        if not path.startswith(PREFIX) and not target.startswith(_TAKING_TURNS):
            return self._moto(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if path.startswith(PREFIX):
            answer = self._command(path.removeprefix(PREFIX), body)
        elif target.startswith("DynamoDB"):
            answer = self._tables.run_client_request(
                lambda: self._dynamodb.answer(
                    target, environ, body, lambda: self._ask_moto(environ, body)
                )
            )
        elif target == "AmazonSQS.ReceiveMessage":
            answer = self._receive(environ, body)
        else:
            with self._messaging:
                answer = self._ask_moto(environ, body)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _refusal(self, environ: dict[str, Any]) -> Answer | None:
        """Refuse pages of a browser, control calls without a token, and regions of elsewhere."""
        if "HTTP_ORIGIN" in environ:
            return document(403, {"error": "pages of a browser may not call the local cloud"})
        given = environ.get(_TOKEN, "").encode()
        if environ["PATH_INFO"].startswith(PREFIX) and not hmac.compare_digest(
            given, self._token.encode()
        ):
            return document(403, {"error": "control calls need the token of this cloud's start"})
        return signed_region.refusal(environ, self._tables.replication.regions)

    def _command(self, command: str, body: bytes) -> Answer:
        return document(*self._control.answer(command, json.loads(body or b"{}")))

    def _receive(self, environ: dict[str, Any], body: bytes) -> Answer:
        """Poll for the caller, so that waiting for a message keeps nobody from sending it."""
        request = json.loads(body)
        give_up = time.monotonic() + request.pop("WaitTimeSeconds", 0)
        body = json.dumps(request).encode()
        while True:
            with self._messaging:
                answer = self._ask_moto(dict(environ), body)
            if b'"Messages"' in answer.body or time.monotonic() >= give_up:
                return answer
            time.sleep(_LONG_POLL_PAUSE_SECONDS)

    def _ask_moto(self, environ: dict[str, Any], body: bytes) -> Answer:
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        started: list[Any] = []
        chunks = self._moto(environ, lambda status, headers, *_: started.extend((status, headers)))
        return Answer(started[0], started[1], b"".join(chunks))


class _QuietHandler(MotoRequestHandler):
    """Serves one connection; answers leave at once and requests are not logged."""

    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: polling would fill the log with lines that nobody reads."""


def main() -> None:
    """Serve until told to stop; the settings are one JSON argument written by `cloud`."""
    settings = json.loads(sys.argv[1])
    parent = os.getppid()
    stop = end_with_parent()
    replication = Replication(
        settings["regions"], Lag(*settings["lag_ms"]), Random(settings["seed"]), skew_ms={}
    )
    tables = GlobalTables(replication)
    answer_metric_queries()
    lift_moto_s_limit()
    hurry_moto()
    insert_in_batches()
    make_nothing_of_nothing()
    logs = {region: Path(name) for region, name in settings["logs"].items()}
    server = make_server(
        "127.0.0.1",
        settings["port"],
        LocalCloudApplication(
            tables, MetricDelivery(MotoDispatcher(), logs), os.environ[TOKEN_VARIABLE]
        ),
        threaded=True,
        request_handler=_QuietHandler,
        fd=settings["socket"],
    )
    Thread(target=server.serve_forever, daemon=True).start()
    tables.replicate(stop.is_set)
    if os.getppid() != parent:
        # The parent was killed: nobody else will remove its directory.
        shutil.rmtree(settings["directory"], ignore_errors=True)


if __name__ == "__main__":
    main()
