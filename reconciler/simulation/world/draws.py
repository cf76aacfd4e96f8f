"""Randomness that depends on what it is about, not on how much was drawn before it.

A draw is a pure function of the seed, its purpose, what it is about, and how often that
was drawn. So a run with one operation or fault less draws the same for all the others: a failing
schedule shrinks without turning into another schedule.
"""

from hashlib import blake2b
from random import Random


class Draws:
    """All chance of one run."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._times: dict[tuple[str, str], int] = {}

    def chance(self, purpose: str, about: str) -> float:
        """Return a number in [0, 1), another one each time."""
        name = (purpose, about)
        turn = self._times[name] = self._times.get(name, 0) + 1
        text = f"{self._seed}/{purpose}/{about}/{turn}"
        return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") / (1 << 48)

    def between(self, purpose: str, about: str, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`, both included."""
        return least + int(self.chance(purpose, about) * (most - least + 1))


class Keyed(Random):
    """`Draws` for one purpose in the form of a Random; set `about` before each use."""

    def __init__(self, draws: Draws, purpose: str) -> None:
        super().__init__(0)
        self._draws = draws
        self._purpose = purpose
        self.about = ""

    def random(self) -> float:
        """Return a number in [0, 1); every other method of Random draws from here."""
        return self._draws.chance(self._purpose, self.about)
