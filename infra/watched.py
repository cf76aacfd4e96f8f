"""What is watched in a region, for its alarms and its dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.settings import Settings
from infra.subscribers import tells
from reconciler.deployment.approval import APPROVAL
from reconciler.deployment.names import (
    DEAD_LETTERS,
    HUB_LETTERS,
    INGEST_LETTERS,
    WORKED_QUEUES,
    Names,
)
from reconciler.deployment.wiring import GAUGE_MINUTES


@dataclass(frozen=True)
class Watched:
    """What the alarms and the dashboard of one region look at.

    others: the other regions. functions: by the part of their names that tells them apart, with the
    minutes after which a schedule runs each again; None if its events do. api: the id of the
    HTTP API, if there is one. stream_source: that of the detector's event source. has_hub: whether
    callbacks are told of parties. copied: the buckets that S3 copies, by what their names are told
    apart by, each with that of its copies.
    """

    names: Names
    others: Sequence[str]
    functions: Mapping[str, int | None]
    api: str
    stream_source: str
    has_hub: bool
    copied: Mapping[str, str]

    @property
    def letters(self) -> Sequence[str]:
        """What the names of the dead-letter queues are told apart by."""
        return (*DEAD_LETTERS, *([INGEST_LETTERS] if "ingest" in self.functions else []))

    @property
    def queues(self) -> Sequence[str]:
        """What the names of all queues are told apart by."""
        ingest = ["ingest"] if "ingest" in self.functions else []
        return (*WORKED_QUEUES, *ingest, *self.letters, *([HUB_LETTERS] if self.has_hub else []))


def watched(settings: Settings, region: str, stream_source: str = "", api: str = "") -> Watched:
    """Return what is watched in a region; its alarms' names do not depend on the ids."""
    others = [each for each in settings.regions if each != region]
    functions: dict[str, int | None] = {"detect": None, "resolve": None, "gauge": GAUGE_MINUTES}
    if settings.api:
        functions["api"] = None
    if settings.appsync:
        functions["appsync"] = None
    if settings.workflow:
        functions["workflow"] = None
    if settings.adoption_in(region):
        functions["adopt"] = None
    if settings.redrive_minutes:
        functions["redrive"] = settings.redrive_minutes
    if settings.approval:
        functions["approve"] = APPROVAL.sweep_minutes
    if settings.ingest_schema:
        functions["ingest"] = None
    names, peer = settings.names(region), settings.copies.get(region)
    copied = {each: names.copy_of(each, peer) for each in settings.copied} if peer else {}
    return Watched(names, others, functions, api, stream_source, tells(settings), copied)
