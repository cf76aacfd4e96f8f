"""What the functions are told through their environment, read once, at the first invocation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.errors import InvalidInput

_REQUIRED = {
    "table": "RECONCILER_TABLE",
    "ledger_table": "RECONCILER_LEDGER_TABLE",
    "bus": "RECONCILER_BUS",
    "parked_queue_url": "RECONCILER_PARKED_QUEUE_URL",
    "evidence_bucket": "RECONCILER_EVIDENCE_BUCKET",
    "region": "AWS_REGION",
}


@dataclass(frozen=True)
class Settings:
    """The environment, typed. `custom_types` are the modules that register merge functions."""

    table: str
    ledger_table: str
    bus: str
    parked_queue_url: str
    evidence_bucket: str
    region: str
    suffix: str
    outside_writes: Literal["accept", "restore"]
    folds: bool
    custom_types: tuple[str, ...]
    pauses: bool


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings; InvalidInput names every variable that is missing or wrong."""
    problems = [f"{name} is not set" for name in _REQUIRED.values() if not environment.get(name)]
    policy = environment.get("RECONCILER_OUTSIDE_WRITES", "accept")
    if policy not in ("accept", "restore"):
        problems.append(f"RECONCILER_OUTSIDE_WRITES is {policy!r}; it is 'accept' or 'restore'")
    switches = {
        name: environment.get(name, default)
        for name, default in (("RECONCILER_FOLDS", "on"), ("RECONCILER_PAUSE_LOOPS", "off"))
    }
    problems += [
        f"{name} is {value!r}; it is 'on' or 'off'"
        for name, value in switches.items()
        if value not in ("on", "off")
    ]
    listed = environment.get("RECONCILER_CUSTOM_TYPES", "")
    custom_types = tuple(name.strip() for name in listed.split(",")) if listed.strip() else ()
    problems += [
        f"RECONCILER_CUSTOM_TYPES names {name!r}; it lists module names, such as 'shop.merging'"
        for name in custom_types
        if not all(part.isidentifier() for part in name.split("."))
    ]
    if problems:
        raise InvalidInput("environment: " + "; ".join(problems))
    return Settings(
        **{field: environment[name] for field, name in _REQUIRED.items()},
        suffix=environment.get("RECONCILER_SUFFIX", ""),
        outside_writes="restore" if policy == "restore" else "accept",
        folds=switches["RECONCILER_FOLDS"] == "on",
        custom_types=custom_types,
        pauses=switches["RECONCILER_PAUSE_LOOPS"] == "on",
    )


def read_redrive_limits(environment: Mapping[str, str]) -> tuple[int, int]:
    """Return the most messages of one run, and after how many receives a message is escalated."""
    known = {"RECONCILER_REDRIVE_MOST": "100", "RECONCILER_REDRIVE_ATTEMPTS": "5"}
    texts = {name: environment.get(name, default) for name, default in known.items()}
    for name, text in texts.items():
        if not text.isdecimal() or int(text) == 0:
            raise InvalidInput(f"environment: {name} is {text!r}; it is a number from 1 on")
    most, attempts = map(int, texts.values())
    return most, attempts
