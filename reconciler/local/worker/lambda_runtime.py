"""Invoking a function as AWS Lambda does: by name, with an event and a context."""

import importlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.aws_model.stream_source import InvocationResult
from reconciler.local.errors import LocalCloudError
from reconciler.local.provision import ACCOUNT

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class LambdaContext:
    """What Lambda passes to a function beside its event.

    Source: AWS Lambda developer guide, "Using the Lambda context object to retrieve Python
    function information".
    """

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    log_group_name: str = "local"
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None
    _deadline: float = field(default_factory=lambda: time.monotonic() + _TIMEOUT_SECONDS)

    def get_remaining_time_in_millis(self) -> int:
        """Return how many milliseconds are left before the function would be stopped."""
        return max(0, round((self._deadline - time.monotonic()) * 1000))


class LambdaFunction:
    """A Lambda function of one region that lives in this process."""

    def __init__(self, handler: str, *, name: str, region: str) -> None:
        """Import the handler "module:attribute".

        Raises: LocalCloudError if there is no such handler; ImportError if its module fails.
        """
        module, _, attribute = handler.partition(":")
        run = getattr(importlib.import_module(module), attribute, None)
        if run is None:
            raise LocalCloudError(f"there is no handler {handler!r}: write module:attribute")
        self._run: Callable[[Mapping[str, Any], LambdaContext], object] = run
        self._name = name
        self.arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"

    def invoke(self, event: Mapping[str, Any]) -> InvocationResult:
        """Call the handler; whatever it raises is the outcome of the invocation, as in Lambda."""
        context = LambdaContext(self._name, self.arn, str(uuid.uuid4()))
        try:
            answer = self._run(event, context)
        except Exception as error:
            logger.exception("%s raised", self._name)
            return InvocationResult(context.aws_request_id, error=repr(error))
        return InvocationResult(context.aws_request_id, answer=answer)
