"""The environment of the functions, and the user's modules that it names."""

from pathlib import Path

import pytest

from handlers.settings import read_settings
from reconciler.crdt import custom
from reconciler.errors import InvalidInput

ENVIRONMENT = {
    "RECONCILER_TABLE": "parties",
    "RECONCILER_LEDGER_TABLE": "ledger",
    "RECONCILER_BUS": "bus",
    "RECONCILER_PARKED_QUEUE_URL": "http://queue",
    "RECONCILER_EVIDENCE_BUCKET": "evidence",
    "AWS_REGION": "us-east-1",
}


@pytest.mark.parametrize(
    ("listed", "modules"),
    [
        ({}, ()),
        ({"RECONCILER_CUSTOM_TYPES": " "}, ()),
        ({"RECONCILER_CUSTOM_TYPES": "colours"}, ("colours",)),
        ({"RECONCILER_CUSTOM_TYPES": "colours, shop.merging"}, ("colours", "shop.merging")),
    ],
)
def test_the_modules_of_custom_types_are_listed_with_commas(
    listed: dict[str, str], modules: tuple[str, ...]
) -> None:
    assert read_settings(ENVIRONMENT | listed).custom_types == modules


@pytest.mark.parametrize("bad", ["", "a b", "1st", "shop..merging", "shop/merging.py", "a.class"])
def test_what_is_no_module_name_is_named(bad: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_settings(ENVIRONMENT | {"RECONCILER_CUSTOM_TYPES": f"colours,{bad}"})
    expected = (
        f"environment: RECONCILER_CUSTOM_TYPES names {bad!r};"
        " it lists module names, such as 'shop.merging'"
    )
    assert str(caught.value) == expected


def test_the_listed_modules_register_their_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "from reconciler.crdt import custom\ncustom.function('imported by a test')(max)\n"
    (tmp_path / "registering.py").write_text(source)

    custom.load(("registering",))

    with pytest.raises(InvalidInput, match="another merge function"):
        custom.function("imported by a test")(min)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (None, "ModuleNotFoundError: No module named 'failing'"),
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(
    source: str | None, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    if source:
        (tmp_path / "failing.py").write_text(source)
    with pytest.raises(InvalidInput, match=f"'failing' cannot be imported .{cause}"):
        custom.load(("failing",))


@pytest.mark.parametrize(
    ("said", "pauses"),
    [
        ({}, False),
        ({"RECONCILER_PAUSE_LOOPS": "off"}, False),
        ({"RECONCILER_PAUSE_LOOPS": "on"}, True),
    ],
)
def test_loops_are_paused_only_where_a_deployment_says_so(
    said: dict[str, str], pauses: bool
) -> None:
    assert read_settings(ENVIRONMENT | said).pauses is pauses


def test_all_mistakes_are_told_at_once_each_with_its_variable_and_the_fix() -> None:
    wrong = {
        "RECONCILER_BUS": "",
        "RECONCILER_OUTSIDE_WRITES": "ignore",
        "RECONCILER_OUTSIDE_WRITERS": "some",
        "RECONCILER_FOLDS": "",
        "RECONCILER_CUSTOM_TYPES": "shop.merging, a b, 1st",
        "RECONCILER_REDRIVE_MOST": "0",
        "RECONCILER_REDRIVE_ATTEMPTS": "many",
    }
    environment = {name: each for name, each in ENVIRONMENT.items() if name != "AWS_REGION"}
    with pytest.raises(InvalidInput) as caught:
        read_settings(environment | wrong)
    assert str(caught.value).removeprefix("environment: ").split("; ") == [
        "RECONCILER_BUS is not set",
        "AWS_REGION is not set",
        *("RECONCILER_OUTSIDE_WRITES is 'ignore'", "it is 'accept' or 'restore'"),
        *("RECONCILER_OUTSIDE_WRITERS is 'some'", "it is 'expected' or 'none'"),
        *("RECONCILER_FOLDS is ''", "it is 'on' or 'off'"),
        *("RECONCILER_CUSTOM_TYPES names 'a b'", "it lists module names, such as 'shop.merging'"),
        *("RECONCILER_CUSTOM_TYPES names '1st'", "it lists module names, such as 'shop.merging'"),
        *("RECONCILER_REDRIVE_MOST is '0'", "it is a number from 1 on"),
        *("RECONCILER_REDRIVE_ATTEMPTS is 'many'", "it is a number from 1 on"),
    ]


def test_what_is_not_said_has_its_default_and_other_variables_are_nobodys_business() -> None:
    settings = read_settings(ENVIRONMENT | {"PATH": "/bin"})
    assert (settings.suffix, settings.outside_writes, settings.custom_types) == ("", "accept", ())
    assert settings.outside_writers == "expected"
    assert (settings.folds, settings.pauses, settings.tracing) == (True, False, False)
    assert (settings.redrive_most, settings.redrive_attempts) == (100, 5)


@pytest.mark.parametrize(("said", "tracing"), [("on", True), ("off", False), ("", False)])
def test_tracing_is_on_only_if_the_environment_says_on(said: str, tracing: bool) -> None:
    assert read_settings(ENVIRONMENT | {"RECONCILER_TRACING": said}).tracing is tracing


def test_the_attributes_of_a_version_are_told_by_their_roles() -> None:
    variable = "RECONCILER_VERSION_ATTRIBUTES"
    told = {variable: "version=Version,region=LastUpdatedRegion"}
    policy = read_settings(ENVIRONMENT | told).detector_policy()
    assert policy.version_attributes == ("Version", "LastUpdatedRegion")
    assert read_settings(ENVIRONMENT | {variable: ""}).detector_policy().version_attributes == ()
    with pytest.raises(InvalidInput, match=f"{variable} is 'Version,Region'; it names attributes"):
        read_settings(ENVIRONMENT | {variable: "Version,Region"})


def test_a_switch_that_is_neither_on_nor_off_is_named() -> None:
    with pytest.raises(InvalidInput, match="RECONCILER_PAUSE_LOOPS is 'yes'; it is 'on' or 'off'"):
        read_settings(ENVIRONMENT | {"RECONCILER_PAUSE_LOOPS": "yes"})


def test_detectors_have_the_policy_that_the_environment_says() -> None:
    said = {"RECONCILER_OUTSIDE_WRITES": "restore", "RECONCILER_OUTSIDE_WRITERS": "none"}
    policy = read_settings(ENVIRONMENT | said | {"RECONCILER_FOLDS": "off"}).detector_policy()
    assert (policy.table, policy.region) == (ENVIRONMENT["RECONCILER_TABLE"], policy.region)
    assert (policy.outside_writes, policy.outside_writers, policy.folds) == (
        "restore",
        "none",
        False,
    )
