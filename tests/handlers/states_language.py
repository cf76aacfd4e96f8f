"""An interpreter of the Amazon States Language, as far as the project's state machines use it.

States run until one waits for its token or the execution ends; time is virtual. What it
does not know it refuses, so a definition that uses more fails here instead of passing unseen.
Source: Amazon States Language (states-language.net).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

_FIELDS = {
    "Task": {"Resource", "Parameters", "ResultSelector", "ResultPath", "TimeoutSeconds", "Retry"}
    | {"Catch", "Next"},
    "Choice": {"Choices", "Default"},
    "Pass": {"Parameters", "Next", "End"},
    "Map": {"Label", "ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCount", "ItemProcessor"}
    | {"ResultPath", "Next"},
    "Wait": {"Seconds", "Next"},
    "Succeed": set(),
    "Fail": {"Error", "Cause", "CausePath"},
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda value, given: value == given,
    "BooleanEquals": lambda value, given: value is given,
    "NumericEquals": lambda value, given: value == given,
    "NumericLessThanEquals": lambda value, given: value <= given,
}


class TokenRefused(Exception):
    """The token belongs to no task that waits: TaskTimedOut, to whoever sends it."""


class Execution:
    """One execution; `invoke` is the function behind every task. `seen` are the states entered, and
    `data` is what the last one made.

    services: what other tasks call, by the end of their resource; `paused` hears of each wait.
    """

    def __init__(
        self,
        definition: Mapping[str, Any],
        data: str,
        invoke: Callable[[Any], Any],
        *,
        name: str = "",
        services: Mapping[str, Callable[[Any], Any]] | None = None,
        paused: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._states = definition["States"]
        self._invoke = invoke
        self._name, self._services, self._paused = name, services or {}, paused
        self.data = json.loads(data)
        self._waited = 0
        self.state = definition["StartAt"]
        self.status, self.error, self.token = "RUNNING", "", ""
        self.cause = ""
        self.seen: list[str] = []
        self.inner: list[Execution] = []  # of a map's items
        self._run()

    def succeed(self, token: str, output: str) -> None:
        """Be told what SendTaskSuccess is."""
        if not self.token or token != self.token:
            raise TokenRefused(token)
        self._result(self._states[self.state], json.loads(output))
        self._run()

    def pass_seconds(self, seconds: int) -> None:
        """Let time pass while a task waits for its token."""
        self._waited += seconds
        if self.token and self._waited >= self._states[self.state]["TimeoutSeconds"]:
            self._failed(self._states[self.state], "States.Timeout", "")
            self._run()

    def _run(self) -> None:
        while self.status == "RUNNING" and not self.token:
            state = self._states[self.state]
            unknown = state.keys() - _FIELDS[state["Type"]] - {"Type"}
            assert not unknown, f"{self.state}: {unknown} is not interpreted"
            self.seen.append(self.state)
            assert len(self.seen) < 1_000, "it goes round without end"
            match state["Type"]:
                case "Succeed":
                    self.status = "SUCCEEDED"
                case "Fail":
                    self.status, self.error = "FAILED", state["Error"]
                    path = state.get("CausePath")
                    self.cause = self._value(path, "") if path else state["Cause"]
                case "Wait":
                    self._paused(state["Seconds"])
                    self.state = state["Next"]
                case "Pass":
                    self.data = self._filled(state["Parameters"], "")
                    if state.get("End"):
                        self.status = "SUCCEEDED"
                    else:
                        self.state = state["Next"]
                case "Map":
                    self._map(state)
                case "Choice":
                    self.state = (
                        next(filter(None, map(self._chosen, state["Choices"])), "")
                        or (state["Default"])
                    )
                case "Task":
                    self._task(state)

    def _chosen(self, rule: Mapping[str, Any]) -> str:
        ((name, given),) = ((k, v) for k, v in rule.items() if k not in ("Variable", "Next"))
        fits = _COMPARISONS[name](self._value(rule["Variable"], ""), given)
        return str(rule["Next"]) if fits else ""

    def _map(self, state: Mapping[str, Any]) -> None:
        """Run an execution for each item, one after the other, until one fails."""
        assert state["ToleratedFailureCount"] == 0
        assert self._value(state["MaxConcurrencyPath"], "") > 0
        inner, results = state["ItemProcessor"], []
        for item in self._value(state["ItemsPath"], ""):
            each = Execution(inner, json.dumps(item), self._invoke)
            self.inner.append(each)
            if each.status == "FAILED":
                self.status, self.error = "FAILED", "States.ExceedToleratedFailureThreshold"
                return
            results.append(each.data)
        self._placed(state["ResultPath"], results, state["Next"])

    def _task(self, state: Mapping[str, Any]) -> None:
        waits = state["Resource"].endswith(".waitForTaskToken")
        token = f"AQCk/+={len(self.seen)}" if waits else ""
        asked, called = self._filled(state["Parameters"], token), self._invoke
        if "lambda:invoke" in state["Resource"]:
            asked = asked["Payload"]
        else:
            called = self._services[state["Resource"].rpartition(":::")[2]]
        tries = [retrier["MaxAttempts"] for retrier in state["Retry"]]
        while True:
            try:
                answer = json.loads(json.dumps(called(json.loads(json.dumps(asked)))))
            except Exception as problem:  # Lambda names the error after the exception's class
                error, cause = type(problem).__name__, json.dumps({"errorMessage": str(problem)})
                retrier = self._matching(state["Retry"], error)
                if retrier is not None and tries[retrier] > 0:
                    tries[retrier] -= 1
                    continue
                self._failed(state, error, cause)
                return
            break
        if waits:
            self.token, self._waited = token, 0
        else:
            self._result(state, {"Payload": answer})

    def _result(self, state: Mapping[str, Any], result: Any) -> None:
        if "ResultSelector" in state:
            whole, self.data = self.data, result
            result, self.data = self._filled(state["ResultSelector"], ""), whole
        self._placed(state.get("ResultPath", "$"), result, state["Next"])

    def _failed(self, state: Mapping[str, Any], error: str, cause: str) -> None:
        catcher = self._matching(state.get("Catch", []), error)
        if catcher is None:
            self.status, self.error, self.token = "FAILED", error, ""
            return
        caught = state["Catch"][catcher]
        self._placed(caught["ResultPath"], {"Error": error, "Cause": cause}, caught["Next"])

    def _placed(self, path: str | None, result: Any, following: str) -> None:
        self.state, self.token = following, ""
        if path is None:
            return
        if path == "$":
            self.data = result
            return
        assert path.startswith("$.")
        assert "." not in path[2:], path
        self.data = {**self.data, path[2:]: result}

    @staticmethod
    def _matching(rules: list[dict[str, Any]], error: str) -> int | None:
        named = ({error}, {"States.ALL"})
        fits = (
            n for n, rule in enumerate(rules) if any(e <= {*rule["ErrorEquals"]} for e in named)
        )
        return next(fits, None)

    def _filled(self, template: Any, token: str) -> Any:
        if not isinstance(template, dict):
            return template
        return {
            name.removesuffix(".$"): self._value(value, token)
            if name.endswith(".$")
            else self._filled(value, token)
            for name, value in template.items()
        }

    def _value(self, path: str, token: str) -> Any:
        if path == "$$.Task.Token":
            assert token, "only a task that waits has a token"
            return token
        if path == "$$.Execution.Name":
            return self._name
        if path.startswith("States.MathAdd(") and path.endswith(")"):
            first, second = path[len("States.MathAdd(") : -1].split(", ")
            return self._value(first, token) + int(second)
        assert path.startswith("$")
        assert "(" not in path, path
        value = self.data
        for name in path.split(".")[1:]:
            value = value[name]
        return value
