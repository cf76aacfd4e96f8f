"""The process that is the HTTP door of one region: a port on loopback, and the real handler.

One request at a time, as one execution environment of Lambda works. It is started by `doors` with
the environment of the door's function and a listening socket, and ends with its parent.
HAZARD if pages of a browser came through: on this machine everybody is a caller who may write. So
what names an origin is refused, and what came by a name that only somebody's resolver leads here.
"""

import json
import sys
from collections.abc import Callable, Iterable
from threading import Lock, Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from reconciler.api.answers import Refused
from reconciler.local.gateway.payload import event_of, failed, response_of
from reconciler.local.lifeline import end_with_parent
from reconciler.local.worker.lambda_runtime import LambdaFunction

_HERE = ("127.0.0.1", "localhost")


class Gateway:
    """The WSGI application: each request is one invocation of the function."""

    def __init__(self, function: LambdaFunction) -> None:
        self._function = function
        self._turn = Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one HTTP request."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        event = event_of(request)  # all of the request is read, whatever becomes of it
        if "Origin" in request.headers or request.host.partition(":")[0] not in _HERE:
            refused = Refused("forbidden", "pages of a browser may not call the local cloud")
            answer = refused.answer()
            headers = {**answer.headers, "Content-Type": "application/json"}
            return response_of(
                {"statusCode": answer.status, "headers": headers, "body": answer.body}
            )
        with self._turn:
            result = self._function.invoke(event)
        return failed() if result.error else response_of(result.answer)


class _QuietHandler(WSGIRequestHandler):
    """Serves one connection; answers leave at once and requests are not logged."""

    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the function logs what there is to say."""


def main() -> None:
    """Serve until told to stop; the settings are one JSON argument written by `doors`."""
    settings = json.loads(sys.argv[1])
    stop = end_with_parent()
    function = LambdaFunction(
        settings["handler"], name=settings["function"], region=settings["region"]
    )
    server = make_server(
        "127.0.0.1",
        settings["port"],
        Gateway(function),
        threaded=True,
        request_handler=_QuietHandler,
        fd=settings["socket"],
    )
    Thread(target=server.serve_forever, daemon=True).start()
    stop.wait()


if __name__ == "__main__":
    main()
