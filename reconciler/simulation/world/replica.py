"""One region's replica of the table: its items, and the records that their changes leave.

Every change leaves one record with both images, whether a client, the resolver,
replication or time-to-live made it; a write that changes nothing leaves none and is not replicated.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from reconciler.aws_model.expiry import has_passed
from reconciler.causality.context import INCARNATION_WIDTH, replica_id
from reconciler.deployment.tables import BOTH_IMAGES
from reconciler.item.image import read
from reconciler.item.metadata import (
    EXPIRY,
    NAMES,
    expiry_in,
    heads_in,
    is_managed,
    metadata_in,
)
from reconciler.item.schema import Schema
from reconciler.ports import Record
from reconciler.simulation.plan.faults import MINUTE
from reconciler.simulation.world.agenda import EPOCH_MS
from reconciler.simulation.world.causes import Origin, Outlived
from reconciler.simulation.world.setting import Setting
from reconciler.values.wire import Image


class SimulatedReplica:
    """The items of one region: written by its clients, by replication and by time-to-live.

    `send` replicates a write; `emit` takes each record with its item's key; `codes` are those of
    all replicas of the table, this one's too.
    """

    def __init__(
        self,
        setting: Setting,
        schema: Schema,
        region: str,
        *,
        send: Callable[[str, str, Image | None, Origin], object],
        emit: Callable[[str, Record], object],
    ) -> None:
        self.region = region
        self.code = replica_id(region)
        self.items: dict[str, Image] = {}
        self._setting = setting
        self._schema = schema
        self._send = send
        self._emit = emit
        self.codes: Callable[[], Sequence[str]] = lambda: [self.code]

    def key_of(self, name: str) -> dict[str, str]:
        """Return an item's key as plain values; the simulation names items by one text."""
        return dict.fromkeys(self._schema.key, name)

    def name_of(self, wires: Image) -> str:
        """Return the name of the item whose image or key this is."""
        return str(wires[self._schema.key[0]]["S"])

    def name_in(self, text: str) -> str:
        """Return the name of the item in an `item_key` of the ledger."""
        return self.name_of(json.loads(text))

    def origin_of(self, name: str) -> Origin:
        """Return where what is held under a key comes from."""
        return self._setting.causes.of(self.items.get(name))

    def write(self, name: str, image: Image, origin: Origin) -> None:
        """Carry out a write of this region and replicate it."""
        causes = self._setting.causes
        self._setting.lives.note_write(name, self.origin_of(name), origin)
        origin = causes.note_image(image, origin)
        if self._become(name, image, origin):
            self._send(self.region, name, image, origin)

    def remove(self, name: str, origin: Origin, *, by_ttl: bool = False) -> None:
        """Carry out a delete of this region and replicate it."""
        if self._become(name, None, origin, by_ttl=by_ttl):
            self._send(self.region, name, None, origin)

    def make_anew(self, source: "SimulatedReplica", number: int) -> None:
        """Become another replica, the region's `number`th: a copy of what `source` holds."""
        self.code = replica_id(self.region, f"{number:0{INCARNATION_WIDTH}d}")
        setting, before = self._setting, self.items
        self.items = dict(source.items)
        setting.causes.note_remade(self.region, self.items)
        setting.lives.note_remade(self.region, source.region)
        for name in sorted({*before, *self.items}):
            setting.journal.note(
                self.region,
                "copy",
                name,
                source=source.region,
                image=self.origin_of(name).label,
                token=setting.causes.name(self.items.get(name)),
                over=setting.causes.of(before.get(name)).label,
            )

    def arrive(self, name: str, image: Image | None, origin: Origin, source: str) -> None:
        """Take in what replication brought and what won against what is held here."""
        held = self.origin_of(name)
        over = held.label
        if (name in self.items or image) and self.items.get(name) != image:
            lives = self._setting.lives
            lives.note_arrival(name, self.region, held, origin, gone=image is None)
            if image is not None:
                self._note_outlived(name, held, origin)
        if self._become(name, image, origin):
            self._setting.journal.note(
                self.region,
                "replicate",
                name,
                source=source,
                image=origin.label,
                token=self._setting.causes.name(image),
                over=over,
                sent_ms=origin.at_ms,
            )

    def delete(self) -> None:
        """Let an operator delete all items for good, around the library; deleted ones, too.

        Tombstones whose time has come are left to time-to-live.
        """
        setting, causes = self._setting, self._setting.causes
        now_ms = setting.agenda.now_ms
        ends = {name: self._expiry_ms(name) for name in sorted(self.items)}
        for name in (n for n, at_ms in ends.items() if at_ms is None or at_ms > now_ms + MINUTE):
            before = self.origin_of(name)
            ended = causes.ever_held_anywhere(name)
            setting.lives.end(name, self.region, now_ms, ended)
            setting.journal.count("hard_deletes")
            setting.journal.note(self.region, "delete", name, image=before.label)
            origin = Origin(0, f"delete of {before.label}", self.region, now_ms)
            self._become(name, None, origin)
            self._send(self.region, name, None, origin)

    def expire(self) -> None:
        """Let time-to-live remove what is past its time."""
        now_s = self._setting.agenda.epoch_ms // 1000
        attribute = self._schema.ttl_attribute or EXPIRY
        for name, image in list(self.items.items()):
            if has_passed(image.get(attribute), now_s):
                before = self._setting.causes.of(image)
                origin = before._replace(
                    label=f"end of {before.label}", at_ms=self._setting.agenda.now_ms
                )
                self._setting.causes.note_end(name, before)
                self._setting.journal.count("expired")
                self._setting.journal.note(self.region, "expire", name, image=before.label)
                self._become(name, None, origin, by_ttl=True)
                self._send(self.region, name, None, origin)

    def _expiry_ms(self, name: str) -> int | None:
        """Return when time-to-live may remove a tombstone; None if there is none."""
        image = self.items.get(name)
        if image is None or read(image) is not None:
            return None
        expiry_s = expiry_in(metadata_in(image))
        return None if expiry_s is None else 1_000 * expiry_s - EPOCH_MS

    def _note_outlived(self, name: str, held: Origin, new: Origin) -> None:
        """Note that what replaces a tombstone knows nothing of it."""
        expiry_ms = self._expiry_ms(name)
        if expiry_ms is not None and not held.rests_on & new.rests_on:
            self._setting.causes.note_outlived(name, Outlived(held, new, expiry_ms))

    def _become(
        self, name: str, new: Image | None, origin: Origin, *, by_ttl: bool = False
    ) -> bool:
        old = self.items.get(name)
        if old is new or (old is not None and old == new):
            return False
        causes = self._setting.causes
        if new is None:
            del self.items[name]
        else:
            self._measure(new)
            self.items[name] = new
            causes.note_held(self.region, name, origin)
        self._emit(name, self._record(name, old, new, by_ttl=by_ttl))
        return True

    def _measure(self, image: Image) -> None:
        """Keep the greatest number of names that stand in an image, and of lineages that one
        replica has in a context."""
        names = image.get(NAMES, {"L": ()})["L"]
        self._setting.journal.note_greatest("names_most", len(names))
        if not is_managed(image):
            return
        lineages = heads_in(metadata_in(image))
        if len(lineages) > self._setting.journal.counts["lineages_most"]:
            replicas = Counter(lineage.partition(".")[0] for lineage in lineages)
            self._setting.journal.note_greatest("lineages_most", max(replicas.values()))

    def _record(self, name: str, old: Image | None, new: Image | None, *, by_ttl: bool) -> Record:
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": self._setting.agenda.epoch_ms // 1000,
            "Keys": {part: {"S": name} for part in self._schema.key},
            "StreamViewType": BOTH_IMAGES,
        }
        if old is not None:
            change["OldImage"] = old
        if new is not None:
            change["NewImage"] = new
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        record: dict[str, Any] = {"eventName": kind, "awsRegion": self.region, "dynamodb": change}
        if by_ttl:
            record["userIdentity"] = {
                "type": "Service",
                "principalId": "dynamodb.amazonaws.com",
            }
        return record
