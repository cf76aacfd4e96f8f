"""One X-Ray trace from the record to the write-back.

Each loss is a subsegment of the detector's invocation; its event carries the header through
EventBridge and SQS to the resolver, so searching for a `conflict_id` finds all of it. No answer and
no error of a function is in a trace; segments of AWS calls have names of tables and objects, and
what AWS said of a call that failed.
Limit: sampling is decided where the trace begins. An event that is replayed from the archive has no
trace; one that a redrive sends is of the redrive's.
Source: EventBridge guide, "Integration with AWS X-Ray"; X-Ray guide, "Amazon SQS and AWS X-Ray",
"Segment documents"; aws/aws-xray-sdk-node issue 208 (segments of other traces, sent from Lambda).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from handlers.settings import function_settings
from reconciler.conflict.event import ConflictEvent, Event

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def traced(handler: Handler) -> Handler:
    """Return the handler, traced by X-Ray if the environment says so when it is first called."""

    @cache
    def wrapped() -> Handler:
        if not function_settings().tracing:
            return handler
        from aws_lambda_powertools import Tracer  # noqa: PLC0415 (costs 0.4 s, so only when on)

        tracer = Tracer()
        # Neither answers nor errors: what they say may quote an item.
        traced_handler: Handler = tracer.capture_lambda_handler(
            handler, capture_response=False, capture_error=False
        )
        return traced_handler

    def entry(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return wrapped()(event, context)

    return entry


def trace_loss(event: Event) -> str:
    """Name a loss in this invocation's trace; return the header that its event travels with.

    "" if the invocation is not traced, and for a certificate, which is no loss.
    """
    if not function_settings().tracing or not isinstance(event, ConflictEvent):
        return ""
    core = _sdk()
    with core.xray_recorder.in_subsegment("loss") as loss:
        _annotate(loss, event)
    if not loss.sampled:
        return ""
    header = core.models.trace_header.TraceHeader(loss.trace_id, loss.id, sampled=True)
    return str(header.to_header_str())


@contextmanager
def resolution(
    name: str, losses: Sequence[tuple[str, ConflictEvent]], outcomes: Mapping[str, str]
) -> Iterator[None]:
    """Wrap the resolution of losses; each is a segment `name` in the trace of its header.

    `outcomes` says, at the end, what became of a loss by its conflict_id: one that it does not name
    comes back.
    """
    started = time.time()
    try:
        yield
    finally:
        for header, event in losses if function_settings().tracing else ():
            outcome = outcomes.get(event.conflict_id, "comes back")
            _send_segment(name, header, event, started, outcome)


def _send_segment(
    name: str, header: str, event: ConflictEvent, started: float, outcome: str
) -> None:
    trace = _sdk().models.trace_header.TraceHeader.from_header_str(header)
    if trace.sampled != 1 or not trace.root or not trace.parent:
        return
    recorder = _recorder()
    segment = recorder.begin_segment(name, trace.root, trace.parent, sampling=1)
    segment.start_time = started
    segment.origin = "AWS::Lambda::Function"  # the same node of the map as Lambda's own segment
    _annotate(segment, event)
    segment.put_annotation("outcome", outcome)
    recorder.end_segment()


def _annotate(entity: Any, event: ConflictEvent) -> None:
    for name in ("conflict_id", "table", "role"):
        entity.put_annotation(name, getattr(event, name))


def _sdk() -> Any:
    from aws_xray_sdk import core  # noqa: PLC0415 (costs 0.3 s, so only when on)

    return core


@cache
def _recorder() -> Any:
    """Return a recorder whose segments are its own, not Lambda's."""
    core = _sdk()
    recorder = core.AWSXRayRecorder()
    recorder.configure(context=core.context.Context())
    return recorder
