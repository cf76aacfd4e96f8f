"""boto3 clients with explicit timeouts, and AWS's errors in our own tree.

A call that was certainly not carried out becomes `Unavailable`; a write whose answer was lost
becomes `OutcomeUnknown`. Source: DynamoDB guide, "Error handling with DynamoDB".
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from weakref import WeakSet

import boto3
import botocore.exceptions
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.loaders import Loader, create_loader
from botocore.parsers import ResponseParserError

from reconciler.errors import NOT_LOGGED_IN, InvalidInput, ItemTooLarge, OutcomeUnknown, Unavailable

_NOT_APPLIED = {
    "AccessDeniedException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ResourceNotFoundException",
    "ThrottlingException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
}
NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    # Of `aws login`, which not every release of the SDK knows.
    *([botocore.exceptions.LoginError] if hasattr(botocore.exceptions, "LoginError") else ()),
)
_LOG_IN = (
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in; a local cloud"
    " needs none: --endpoint URL, in Python reconciler.aws.clients.use_endpoint(URL)"
)
_LEADS_ELSEWHERE = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    *("AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
)
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)
INSTRUMENTED: "WeakSet[Any]" = WeakSet()  # clients whose calls are the library's already

ClientOf = Callable[[str, str], Any]  # a boto3 client by service and region
Note = Callable[..., object]  # `Telemetry.note`: told why something was not done


@cache
def client(service: str, region: str, *, attempts: int = 4, read_seconds: int = 5) -> Any:
    """Return the shared client of a service in a region; `attempts` bounds the SDK's own tries.

    `read_seconds` is how long each of them waits for an answer.
    Unavailable if there are no credentials: one look for them tells, and no call is tried without.
    """
    retries = {"mode": "adaptive", "total_max_attempts": attempts}
    config = Config(retries=retries, connect_timeout=2, read_timeout=read_seconds)  # type: ignore[arg-type]  # stubs want a TypedDict
    try:
        # Of its own, for clients are made in several threads; what is only read they share.
        own = botocore.session.get_session()
        own.register_component("data_loader", _loader(own.get_config_variable("data_path")))
        if own.get_credentials() is None:  # looked for once: the client to be made takes these
            raise NoCredentialsError
        session = boto3.session.Session(botocore_session=own)
        return session.client(service, region_name=region, config=config)
    except NO_CREDENTIALS as error:
        raise no_credentials(error) from None


@cache
def _loader(data_path: str | None) -> Loader:
    """Return the one reader of the SDK's descriptions of services: to parse one takes longest."""
    return create_loader(data_path)


def no_credentials(error: Exception, call: str = "") -> Unavailable:
    """Return the error that says why there are no credentials, and what to do."""
    # What a role's endpoint did not give it may give the next moment; the rest takes a person.
    code = "" if isinstance(error, CredentialRetrievalError) else NOT_LOGGED_IN
    told = f"{call}: " if call else ""
    return Unavailable(f"{told}no AWS credentials: {error}; {_LOG_IN}", call=call, code=code)


def use_endpoint(address: str) -> None:
    """Let every client that this process makes from now on talk to a local cloud, and to it alone.

    No key, profile, other endpoint or proxy of the environment takes part.
    """
    for name in [name for name in os.environ if name.startswith(_LEADS_ELSEWHERE)]:
        del os.environ[name]
    os.environ.update(endpoint_environment(address))
    client.cache_clear()


def endpoint_environment(address: str) -> dict[str, str]:
    """Return the variables that make an SDK talk to a local cloud at this address.

    The cloud asks for keys and looks at none. Source: SDKs guide, "Service-specific endpoints".
    """
    keys = dict.fromkeys(
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "local"
    )
    return {
        **keys,
        "AWS_ENDPOINT_URL": address,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


@contextmanager
def translated(call: str) -> Iterator[None]:
    """Raise AWS's and the network's errors as errors of the reconciler."""
    try:
        yield
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        message = f"{call}: {code}: {error.response['Error'].get('Message')}"
        if code == "ValidationException":
            if "size" in message:
                raise ItemTooLarge(message, call=call, code=code) from None
            raise InvalidInput(message, call=call, code=code) from None
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 500)
        certain = code in _NOT_APPLIED or status < 500
        raise (Unavailable if certain else OutcomeUnknown)(message, call=call, code=code) from None
    except ParamValidationError as error:
        raise InvalidInput(f"{call}: {error}", call=call) from None
    except NO_CREDENTIALS as error:
        raise no_credentials(error, call) from None
    except _NEVER_SENT as error:
        told = f"{call}: {error}; check the region's name and the network"
        raise Unavailable(told, call=call) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise OutcomeUnknown(f"{call}: {error}", call=call) from None


@contextmanager
def idempotent(call: str) -> Iterator[None]:
    """Like `translated`, for calls that may simply be made again when their answer is lost."""
    try:
        with translated(call):
            yield
    except OutcomeUnknown as problem:
        raise Unavailable(str(problem), **problem.evidence) from None


def pages(client_: Any, call: str, **parameters: Any) -> Iterator[Any]:
    """Yield the answers to a call that reads, page after page, each asked for when it is wanted."""
    with idempotent(call):
        yield from client_.get_paginator(xform_name(call)).paginate(**parameters)
