"""What the functions are told through their environment, read once, at the first invocation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
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
    outside_writes: Literal["accept", "restore"]
    folds: bool
    custom_types: tuple[str, ...]


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings; InvalidInput names every variable that is missing or wrong."""
    problems = [f"{name} is not set" for name in _REQUIRED.values() if not environment.get(name)]
    policy = environment.get("RECONCILER_OUTSIDE_WRITES", "accept")
    if policy not in ("accept", "restore"):
        problems.append(f"RECONCILER_OUTSIDE_WRITES is {policy!r}; it is 'accept' or 'restore'")
    folds = environment.get("RECONCILER_FOLDS", "on")
    if folds not in ("on", "off"):
        problems.append(f"RECONCILER_FOLDS is {folds!r}; it is 'on' or 'off'")
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
        outside_writes="restore" if policy == "restore" else "accept",
        folds=folds == "on",
        custom_types=custom_types,
    )


def import_custom_types(modules: Sequence[str]) -> None:
    """Import the modules, which registers their merge functions; InvalidInput names a bad one."""
    for name in modules:
        try:
            import_module(name)
        except Exception as problem:
            raise InvalidInput(
                f"RECONCILER_CUSTOM_TYPES: {name!r} cannot be imported"
                f" ({type(problem).__name__}: {problem}); package it with the functions"
            ) from problem
