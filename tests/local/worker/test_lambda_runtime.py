"""Invoking a function by name."""

import sys
from types import ModuleType
from typing import Any

import pytest

from reconciler.local.errors import LocalCloudError
from reconciler.local.worker.lambda_runtime import LambdaContext, LambdaFunction


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("handlers_of_this_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def function(module: ModuleType, handler: Any) -> LambdaFunction:
    module.handler = handler  # type: ignore[attr-defined]
    return LambdaFunction(
        f"{module.__name__}:handler", name="parties-detect-eu-west-1", region="eu-west-1"
    )


def test_an_invocation_ends_in_what_the_handler_returns(module: ModuleType) -> None:
    outcome = function(module, lambda event, _: {"seen": event}).invoke({"Records": []})

    assert outcome.answer == {"seen": {"Records": []}}
    assert outcome.error is None


def test_an_invocation_ends_in_what_the_handler_raises(module: ModuleType) -> None:
    outcome = function(module, lambda event, _: event["absent"]).invoke({})

    assert outcome.error == "KeyError('absent')"


def test_the_context_names_the_function_and_counts_down(module: ModuleType) -> None:
    contexts: list[LambdaContext] = []
    run = function(module, lambda _, context: contexts.append(context))
    first, second = run.invoke({}), run.invoke({})

    context = contexts[0]
    assert context.function_name == "parties-detect-eu-west-1"
    assert context.invoked_function_arn.endswith(
        ":eu-west-1:123456789012:function:parties-detect-eu-west-1"
    )
    assert context.memory_limit_in_mb > 0
    assert 0 < context.get_remaining_time_in_millis() <= 30_000
    assert context.aws_request_id == first.request_id
    assert first.request_id != second.request_id


@pytest.mark.parametrize("handler", ["handlers_of_this_test", "handlers_of_this_test:absent"])
def test_a_handler_that_cannot_be_found_is_named(module: ModuleType, handler: str) -> None:
    with pytest.raises(LocalCloudError, match=handler):
        LambdaFunction(handler, name="parties-detect-eu-west-1", region="eu-west-1")
