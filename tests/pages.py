"""How a test reads a page: its tags, and what it would load."""

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta"}


class Tags(HTMLParser):
    """Follows a page's tags; fails on one that is closed wrongly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def stands_alone(text: str) -> None:
    """Fail if the page is not well-formed, or needs anything but itself."""
    tags = Tags(text)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe", "object"} & tags.names.keys()
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert "url(" not in text
    targets = [value for name, value in tags.attributes if name in {"href", "src"}]
    assert all(str(target).startswith("#op") for target in targets)
