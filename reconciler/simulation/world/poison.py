"""Records at which the detector's code fails: a defect that one item in many brings to light.

Whether a record is poison is drawn once; the code fails whenever it looks into its old
metadata, as long as the fault reigns. Then, as after the release of a fix, it can be read.
"""

from typing import Any

from reconciler.item.metadata import METADATA
from reconciler.ports import Record
from reconciler.simulation.plan import faults
from reconciler.simulation.world.setting import Setting


class Bug(Exception):
    """What the code raises at a record that is poison to it."""


class Poison(dict[str, Any]):
    """Metadata that nobody can look into."""

    def __getitem__(self, name: str) -> Any:
        raise Bug(name)


class Poisoner:
    """Makes some records poison, each of them whenever it is read while the fault reigns."""

    def __init__(self, setting: Setting, region: str) -> None:
        self._setting = setting
        self._region = region
        self._drawn: dict[str, bool] = {}

    def view(self, record: Record) -> Record:
        """Return a record as the detector meets it."""
        weather = self._setting.weather
        old = record["dynamodb"].get("OldImage", {})
        if not weather.reigns(faults.POISON, self._region) or METADATA not in old:
            return record
        number = str(record["dynamodb"]["SequenceNumber"])
        if number not in self._drawn:
            self._drawn[number] = weather.strikes(faults.POISON, self._region, number)
        if not self._drawn[number]:
            return record
        poison = {**old, METADATA: Poison(old[METADATA])}
        return {**record, "dynamodb": {**record["dynamodb"], "OldImage": poison}}
