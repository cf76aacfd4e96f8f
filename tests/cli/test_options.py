"""The options that several commands share: spelt alike everywhere, and checked at the door."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from reconciler.aws.clients import client
from reconciler.cli import commands
from reconciler.cli.options import AllRegions, Endpoint, LedgerRegion, MetricsPage, Regions
from tests.aws.conftest import credentials

__all__ = ["credentials"]

US, EU = "us-east-1", "eu-west-1"
app = typer.Typer()


@app.command()
def all_regions(regions: AllRegions) -> None:
    typer.echo(regions)


@app.command()
def some_regions(regions: Regions) -> None:
    typer.echo(regions)


@app.command()
def one_region(region: LedgerRegion) -> None:
    typer.echo(region)


@app.command()
def at(endpoint: Endpoint = None) -> None:
    typer.echo(endpoint)


@app.command()
def drawn(page: MetricsPage = None) -> None:
    typer.echo(page)


def run(*arguments: str, **environment: str) -> Result:
    own = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    return CliRunner().invoke(app, arguments, env={**own, "COLUMNS": "200", **environment})


def refused(*arguments: str) -> str:
    """Return what is said to options that are refused, with exit code 2 and no traceback."""
    told = run(*arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert "Traceback" not in told.stderr
    return " ".join(told.stderr.split())


@pytest.mark.parametrize("command", ["all-regions", "some-regions"])
@pytest.mark.parametrize(
    "given",
    [
        ("--region", f"{US},{EU}"),
        ("--regions", f"{US}, {EU}"),
        ("--region", US, "--region", EU),
        ("--region", f"{US},{EU}", "--regions", f"{EU},{US}"),
    ],
)
def test_regions_are_named_with_commas_or_one_by_one_and_count_once(
    command: str, given: tuple[str, ...]
) -> None:
    assert run(command, *given).stdout == f"['{US}', '{EU}']\n"


@pytest.mark.parametrize("command", ["all-regions", "some-regions", "one-region"])
@pytest.mark.parametrize("name", ["", "us-east-1,", "mars", "us-east", "us-east-1;eu-west-1"])
def test_a_name_that_is_no_region_is_refused(command: str, name: str) -> None:
    said = refused(command, "--region", name)

    assert "is not an AWS region name such as 'eu-west-1'" in said
    assert "--region" in said


def test_a_command_of_one_region_takes_one() -> None:
    assert "not an AWS region name" in refused("one-region", "--region", f"{US},{EU}")


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_environments_region_is_taken_where_one_is_enough(variable: str) -> None:
    given = {variable: EU}

    assert run("some-regions", **given).stdout == f"['{EU}']\n"
    assert run("one-region", **given).stdout == f"{EU}\n"
    assert run("all-regions", **given).exit_code == 2


@pytest.mark.parametrize("address", ["127.0.0.1:4777", "http://", "ftp://host", "nowhere", ""])
def test_an_endpoint_that_is_no_address_is_refused(address: str) -> None:
    assert "is no address such as http://127.0.0.1:4777" in refused("at", "--endpoint", address)


def test_an_endpoint_is_where_clients_lead_and_nothing_of_the_environment_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "worth-something")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")

    assert run("at", "--endpoint", "http://127.0.0.1:9").exit_code == 0

    made = client("dynamodb", US)
    assert made.meta.endpoint_url == "http://127.0.0.1:9"
    assert made._request_signer._credentials.access_key == "local"


def test_a_page_goes_where_it_can_be_written(tmp_path: Path) -> None:
    assert run("drawn", "--page", str(tmp_path / "page.html")).exit_code == 0
    assert "there is no folder /absent that can be written to" in refused(
        "drawn", "--page", "/absent/page.html"
    )


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for each, found in command.commands.items():
            yield from leaves(found, f"{name} {each}".strip())
    else:
        yield name, command


COMMANDS = dict(leaves(typer.main.get_command(commands(()))))
OF_A_TABLE = {
    name
    for name in COMMANDS
    if name not in ("demo", "drill", "guests-drill", "local", "migration-drill", "simulate")
}
OF_ONE_REGION = {"conflicts show", "conflicts resolve", "jobs show", "jobs retry"}


def options(name: str) -> dict[str, Any]:
    return {spelt: each for each in COMMANDS[name].params for spelt in each.opts}


@pytest.mark.parametrize("name", sorted(OF_A_TABLE))
def test_every_command_for_a_table_takes_its_regions_suffix_and_endpoint(name: str) -> None:
    assert {"--table", "--region", "--suffix", "--endpoint"} <= options(name).keys()


@pytest.mark.parametrize("name", sorted(OF_A_TABLE - OF_ONE_REGION))
def test_both_spellings_are_one_option(name: str) -> None:
    assert options(name)["--region"] is options(name)["--regions"]


def test_an_option_is_described_alike_in_every_command() -> None:
    shared = ("--table", "--suffix", "--endpoint", "--json", "--execute")
    for spelt in shared:
        told = {options(name)[spelt].help for name in COMMANDS if spelt in options(name)}
        assert len(told) == 1


def test_clients_of_a_former_address_are_not_used_after_another_is_named(
    credentials: None,
) -> None:
    before = client("dynamodb", US)
    assert run("at", "--endpoint", "http://127.0.0.1:4788").exit_code == 0
    assert client("dynamodb", US) is not before
    assert client("dynamodb", US).meta.endpoint_url == "http://127.0.0.1:4788"
