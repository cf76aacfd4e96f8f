"""The attributes of the items' own version, by their roles: every mistake is told, at once."""

import pytest

from reconciler.deployment.versions import EXAMPLE, VersionAttributes, parse_versions
from reconciler.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        (EXAMPLE, ("Version", "LastUpdatedRegion", "Timestamp")),
        ("region = where , version = a=b", ("a=b", "where")),
        ("version=Version", ("Version",)),
    ],
)
def test_roles_may_be_said_in_any_order_and_are_told_in_one(
    text: str, ordered: tuple[str, ...]
) -> None:
    found = parse_versions(text)
    assert found is not None
    assert found.ordered() == ordered
    assert parse_versions(found.text()) == found


def test_nothing_said_is_no_version() -> None:
    assert parse_versions(" ") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Version,Region",
            ["'Version' names no role", "'Region' names no role", "version: is mis"],
        ),
        ("version=,regoin=r", ["version: an attribute", "regoin: there is no such role"]),
        ("version=_rec,version=b", ["version: is said twice", "version: an attribute"]),
        ("version=a,written_at=a", ["one attribute has two roles", "written_at: only beside"]),
    ],
)
def test_all_mistakes_are_told_at_once(text: str, told: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_versions(text)
    assert all(each in str(refused.value) for each in told)


def test_an_attribute_that_the_line_of_text_could_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        VersionAttributes(version="a,b", region=None, written_at=None)
