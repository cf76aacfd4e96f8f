"""Where the failure drill plays: two regions, edits that conflict, and what can be seen of them.

Both regions edit the same parties while they are cut off from each other, `here` first and `there`
later, so that last-writer-wins takes the edits of `here`, and its stream alone shows them. Retries
are few and timeouts short; all else is what is deployed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from reconciler.aws import connect
from reconciler.conflict.row import Row, State
from reconciler.deployment.names import Names
from reconciler.drills.accounting import lost_writes
from reconciler.drills.replica import as_bytes, parties
from reconciler.drills.workload import (
    RECONCILED,
    Acknowledged,
    PartyEdit,
    apply_reconciled,
    burst,
    first_edits,
    party_schema,
)
from reconciler.item.metadata import METADATA
from reconciler.local.cloud import (
    DEFAULT_REGIONS,
    LOCAL_HOME,
    LOCAL_STREAM,
    LOCAL_WITNESS,
    LocalCloud,
)
from reconciler.local.provision import TableSpec
from reconciler.local.worker.process import StreamFailures

SETTLE_SECONDS = 60
_EDITS = 24
_SEED = 4

_STREAM = replace(
    LOCAL_STREAM, batch_size=5, maximum_retry_attempts=2, bisect_batch_on_function_error=False
)
_IN_A_HURRY = {"visibility_timeout_seconds": 1, "maximum_receive_count": 2}
_HOME = replace(LOCAL_HOME, **_IN_A_HURRY)
_WITNESS = replace(LOCAL_WITNESS, **_IN_A_HURRY)


def open_cloud(stream_failures: StreamFailures) -> LocalCloud:
    """Return the drill's cloud, not started."""
    return LocalCloud(
        tables=[TableSpec(RECONCILED, "id")],
        reconciled=RECONCILED,
        regions=DEFAULT_REGIONS[:2],
        lag_ms=(20, 80),
        stream=_STREAM,
        home=_HOME,
        witness=_WITNESS,
        stream_failures=stream_failures,
    )


class Stage:
    """A running cloud of two regions: the writes of `here` are lost, those of `there` win."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.here, self.there = cloud.regions
        self._tables = {
            region: connect(
                party_schema(), region=region, dynamodb=cloud.client("dynamodb", region)
            )
            for region in cloud.regions
        }

    @contextmanager
    def bad_release(self, **handlers: str) -> Iterator[None]:
        """Inside the context `here` runs a bad release of detect or resolve, then the good one."""
        self.cloud.stop_worker(self.here)
        self.cloud.start_worker(self.here, **handlers)
        yield
        self.cloud.stop_worker(self.here)
        self.cloud.start_worker(self.here)

    def conflict(
        self, name: str, halfway: Callable[[], object] = lambda: None
    ) -> list[Acknowledged]:
        """Let both regions edit the parties of a scene, cut off from each other, and settle.

        `halfway` is called between the edits of `here`.
        """
        planned = [_of_scene(edit, name) for edit in burst(_EDITS, self._regions, Random(_SEED))]
        parties = {edit.party for edit in planned}
        first = (_of_scene(edit, name) for edit in first_edits(self.here))
        done = [self.write(edit) for edit in first if edit.party in parties]
        self.settle()
        self.cloud.partition(self.here, self.there)
        mine = [edit for edit in planned if edit.region == self.here]
        half = len(mine) // 2
        done += map(self.write, mine[:half])
        halfway()
        done += map(self.write, mine[half:])
        done += [self.write(edit) for edit in planned if edit.region == self.there]
        self.cloud.heal()
        self.settle()
        return done

    def write(self, edit: PartyEdit) -> Acknowledged:
        """Make an edit through the library; it is acknowledged when this returns."""
        return apply_reconciled(self._tables[edit.region], edit)

    def overwrite(self, party: str, metadata: Mapping[str, Any]) -> None:
        """Put a party around the library, with metadata that is not ours."""
        item = {"id": {"S": party}, METADATA: metadata}
        self.cloud.client("dynamodb", self.here).put_item(TableName=RECONCILED, Item=item)

    def settle(self) -> None:
        """Wait until nothing is under way."""
        self.cloud.settle(SETTLE_SECONDS)

    def missing(self, history: Sequence[Acknowledged]) -> list[Acknowledged]:
        """Return the acknowledged writes of a history that are missing, or count twice."""
        names = {done.edit.party for done in history}
        images = self.cloud.scan(RECONCILED, self.here)
        wanted = [image for image in images if image["id"]["S"] in names]
        return lost_writes(history, parties(wanted))

    def replicas_identical(self) -> bool:
        """Return whether both regions hold the same items, byte by byte."""
        replicas = [self.cloud.scan(RECONCILED, region) for region in self._regions]
        return len({as_bytes(replica) for replica in replicas}) == 1

    def rows(self, state: State) -> list[Row]:
        """Return the ledger rows in a state, of both regions."""
        rows = [
            Row.of(image)
            for region in self._regions
            for image in self.cloud.scan(Names(RECONCILED, region).ledger, region)
        ]
        return [row for row in rows if row.state is state]

    def letters(self) -> dict[str, list[str]]:
        """Return the bodies in each dead-letter queue, parked ones included, by region/queue."""
        return {
            f"{region}/{queue}": self.cloud.bodies(region, queue)
            for region in self._regions
            for queue in Names(RECONCILED, region).dead_letter_queues()
        }

    def waiting(self) -> Counter[str]:
        """Return how many messages, hidden ones too, each dead-letter queue holds."""
        return Counter({queue: len(bodies) for queue, bodies in self.letters().items()})

    @property
    def _regions(self) -> Sequence[str]:
        return self.cloud.regions


def _of_scene(edit: PartyEdit, name: str) -> PartyEdit:
    return replace(edit, party=f"{edit.party}-{name}")
