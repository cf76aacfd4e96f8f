"""A function on a schedule: when it runs, and what it is given."""

from typing import Any

from reconciler.aws_model.stream_source import InvocationResult
from reconciler.local.worker.lambda_runtime import LambdaFunction
from reconciler.local.worker.schedule import ScheduledFunction

EVENTS: list[dict[str, Any]] = []


def handler(event: dict[str, Any], context: object) -> None:
    EVENTS.append(event)
    raise ValueError("it is tried again all the same")


def load() -> LambdaFunction:
    return LambdaFunction(f"{__name__}:handler", name="gauge", region="eu-west-1")


def test_a_function_that_is_due_is_invoked_again_and_again_even_if_it_fails() -> None:
    EVENTS.clear()
    schedule = ScheduledFunction(load, region="eu-west-1", seconds=0)

    assert [schedule.poll(), schedule.poll()] == [False, False]

    assert [event["detail-type"] for event in EVENTS] == ["Scheduled Event"] * 2
    assert {event["region"] for event in EVENTS} == {"eu-west-1"}


def test_nothing_is_loaded_before_the_first_interval_is_over() -> None:
    def never() -> LambdaFunction:
        raise AssertionError("not yet")

    assert ScheduledFunction(never, region="eu-west-1", seconds=3600).poll() is False


def test_a_function_is_loaded_once() -> None:
    loaded: list[InvocationResult | None] = []

    def counted() -> LambdaFunction:
        loaded.append(None)
        return load()

    schedule = ScheduledFunction(counted, region="eu-west-1", seconds=0)
    schedule.poll()
    schedule.poll()

    assert len(loaded) == 1
