"""Counts as people read them: "1 loss", "2 losses", "1,000 writes"."""


def count_in_words(count: int, noun: str) -> str:
    """Return how many of something there are; `noun` is what one of it is called."""
    several = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else several}"
