"""A status in words."""

from typing import Any

from reconciler.local.status import unfinished_work


def status(pending: int = 0, unhandled: int = 0, depth: int = 0) -> dict[str, Any]:
    link = {"source": "a", "destination": "b", "pending": pending, "cut": False}
    return {
        "links": [link],
        "unhandled": {"a": unhandled},
        "queues": {"a": {"work": depth, "parked": 9}},
    }


def test_a_cloud_at_rest_has_nothing_unfinished_whatever_is_parked() -> None:
    assert unfinished_work(status(), [("a", "work")]) == []


def test_everything_under_way_is_named() -> None:
    assert unfinished_work(status(1, 2, 3), [("a", "work")]) == [
        "1 change under way from a to b",
        "2 stream records not handled in a",
        "3 messages in queue work of a",
    ]
