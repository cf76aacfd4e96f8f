"""Time-to-live takes what has expired, and nothing that is no time or long past."""

from typing import Any

import pytest

from reconciler.aws_model.expiry import has_passed

NOW_S = 1_700_000_000
YEAR_S = 365 * 86_400


@pytest.mark.parametrize("value", [NOW_S, NOW_S - 1, NOW_S - 5 * YEAR_S + 1, f"{NOW_S}.5e0"])
def test_a_time_that_has_passed_takes_its_item(value: Any) -> None:
    assert has_passed({"N": str(value)}, NOW_S + 1)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"N": str(NOW_S + 1)},
        {"N": str(NOW_S - 6 * YEAR_S)},
        {"N": "1E+120"},
        {"N": "-1E+120"},
        {"S": str(NOW_S - 1)},
        {"M": {"N": {"N": str(NOW_S - 1)}}},
    ],
    ids=str,
)
def test_nothing_else_does(value: Any) -> None:
    assert not has_passed(value, NOW_S)
