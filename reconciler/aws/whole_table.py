"""A table in all its regions, for whoever goes through the whole of it."""

from collections.abc import Sequence

from reconciler.aws.region import Region
from reconciler.deployment.names import Names
from reconciler.errors import InvalidInput, Unavailable
from reconciler.ports import TableFacts


class Table:
    """A table in all its regions; InvalidInput if it has more of them than are named.

    HAZARD if one were left out: nobody would see what it shows.
    """

    def __init__(self, name: str, regions: Sequence[str], suffix: str) -> None:
        self.name = name
        self.regions = {each: Region(Names(name, each, suffix)) for each in regions}
        facts = {each: self._facts(each) for each in regions}
        for each, told in facts.items():
            if missing := sorted(told.elsewhere - {*regions}):
                raise InvalidInput(
                    f"{name} is in {', '.join(missing)}, too, says {each}: name all its regions"
                )
        self.key = facts[regions[0]].key
        self.items = {each: told.items for each, told in facts.items()}

    def _facts(self, region: str) -> TableFacts:
        try:
            return self.regions[region].whole.facts()
        except Unavailable as problem:
            raise Unavailable(f"{region}: {problem}") from None
