"""What commands print: whole lines of text, whatever items, queues and AWS answer."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from reconciler.cli import conflicts, doctor, metrics, redrive
from reconciler.cli.terminal import bars, console, grid, print_json, say_line
from reconciler.doctor import CheckResult
from reconciler.errors import Unavailable
from tests.aws.conftest import clients, credentials, one_server
from tests.builders import assign, written
from tests.cli.test_conflicts import cloud, place, record
from tests.cli.test_redrive import region
from tests.conflicts import loss
from tests.redrive.desk import a_loss, told
from tests.redrive.region import Region

__all__ = ["clients", "cloud", "credentials", "one_server", "region"]

HOSTILE = "x\x1b]0;owned\x07\x1b[2J\r\nus-east-1: 0 losses\x9b2J\u202e\x7f"
HERE = ("--table", "parties", "--region", "us-east-1")


def run(command: Any, *arguments: str) -> str:
    """Run a command; return all that it printed, which must be text on lines of our own."""
    app = command
    if not isinstance(command, typer.Typer):
        app = typer.Typer()
        app.command()(command)
    done = CliRunner().invoke(app, arguments)
    printed = done.stdout + done.stderr
    assert printed.replace("\n", "").isprintable(), printed
    assert not any(line == "us-east-1: 0 losses" for line in printed.splitlines())
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return printed


def test_what_items_hold_reaches_no_terminal_through_the_feed(cloud: None) -> None:
    key = {"id": {"S": HOSTILE}}
    image = written(assign(HOSTILE, HOSTILE)) | key
    place(image)
    record(loss(image, image, reason=HOSTILE, key=key))
    other = written(assign(HOSTILE, "other")) | key
    place(other)

    for words in (["list"], ["show", "c1"], ["export"]):
        assert "owned" in run(conflicts.app, *words, *HERE)
    for words in (["list"], ["show", "c1"]):
        document = run(conflicts.app, *words, *HERE, "--json")
        assert document.rstrip("\n").isascii()
        assert HOSTILE in json.dumps(json.loads(document), ensure_ascii=False).replace(
            json.dumps(HOSTILE, ensure_ascii=False)[1:-1], HOSTILE
        )
    decided = run(conflicts.app, "resolve", "c1", *HERE, "--take", "all=lost", "--why", HOSTILE)
    assert "--execute" in decided


def test_what_letters_hold_reaches_no_terminal_through_a_redrive(region: Region) -> None:
    region.send("parties-resolve-dlq-us-east-1", told(a_loss(key={"id": {"S": HOSTILE}})))
    region.send("parties-resolve-dlq-us-east-1", told(a_loss(conflict_id=HOSTILE)))
    region.send("parties-parked-us-east-1", HOSTILE.replace("\x1b", "").replace("\x07", ""))
    for arguments in ((), ("--json",), ("--execute",)):
        run(redrive.command, *HERE, *arguments)


def test_why_a_letter_or_a_region_is_left_reaches_no_terminal(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    region.send("parties-resolve-dlq-us-east-1", told(a_loss()))

    def refuse(*_: object, **__: object) -> None:
        raise Unavailable(HOSTILE)

    monkeypatch.setattr("reconciler.redrive.redriver.Redriver.redrive", refuse)
    assert "owned" in run(redrive.command, *HERE)


def test_what_aws_answers_reaches_no_terminal_through_the_doctor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finding = CheckResult("queue-parties", "us-east-1", "problem", HOSTILE, f"{HOSTILE}\ndo it")
    monkeypatch.setattr(doctor, "inspect", lambda *_, **__: ["seen"])
    monkeypatch.setattr(doctor, "examine", lambda _: [finding])
    assert "owned" in run(doctor.command, *HERE)
    assert "owned" in run(doctor.command, *HERE, "--json")


def test_what_aws_answers_reaches_no_terminal_and_no_page_through_the_metrics(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "metrics.html"
    answered: Any = ({}, {"us-east-1": HOSTILE})
    monkeypatch.setattr(metrics, "read_metrics", lambda *_: answered)
    for options in (("--json",), ("--page", str(page))):
        assert "owned" in run(metrics.command, *HERE, *options)
    assert page.read_text(encoding="utf-8").replace("\n", "").isprintable()


def test_an_error_s_text_reaches_no_terminal() -> None:
    program = (
        "import sys; from reconciler import cli; from reconciler.errors import Unavailable\n"
        f"def fail(_): raise Unavailable({HOSTILE!r})\n"
        "cli.commands = fail; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    first, *others = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert first.startswith("reconciler: x")
    assert all(line.startswith("    ") for line in others)
    assert "".join([first, *others]).isprintable()


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_check_s_name_is_whole_on_its_line_and_words_are_not_broken(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "queue-parties-witness-dlq-us-east-1-blue"
    found = f"{name} is " + "so " * 40 + "and parties-resolve-dlq-us-east-1-blue too"
    findings = [
        CheckResult("table", "us-east-1", "ok", "fine"),
        CheckResult(name, "us-east-1", "warning", found, "aws sqs " + "x" * 200),
    ]
    monkeypatch.setattr(doctor, "inspect", lambda *_, **__: ["seen"])
    monkeypatch.setattr(doctor, "examine", lambda _: findings)
    narrow = Console(width=width, force_terminal=True, no_color=True, highlight=False)
    monkeypatch.setattr(doctor, "console", lambda: narrow)

    lines = re.sub(r"\x1b\[[0-9;]*m", "", run_raw(doctor.command, *HERE)).splitlines()

    assert "  ok       table  fine" in lines
    assert f"  warning  {name}" in lines
    start = lines.index(f"  warning  {name}") + 1
    wrapped = [line for line in lines[start:] if line.startswith(" " * 11)]
    assert " ".join(map(str.strip, wrapped)) == found
    assert max(map(len, wrapped)) <= max(width, 11 + len(name))
    assert lines[-1] == "    aws sqs " + "x" * 200


def run_raw(command: Any, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments).stdout


def test_in_a_pipe_a_finding_is_one_line_and_no_table_has_a_frame(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    finding = CheckResult("ledger", "us-east-1", "ok", "word " * 40 + "end")
    monkeypatch.setattr(doctor, "inspect", lambda *_, **__: ["seen"])
    monkeypatch.setattr(doctor, "examine", lambda _: [finding])
    assert f"  ok       ledger  {finding.found}\n" in run(doctor.command, *HERE)

    piped = console()
    table = grid(piped, "region", "verdict", title="Writes")
    table.add_row("us-east-1", "word " * 40 + "end")
    piped.print(table)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[-1].split() == ["us-east-1", *("word " * 40 + "end").split()]
    assert "".join(lines).isascii()


def test_where_no_utf_8_can_be_written_charts_are_ascii() -> None:
    ascii_only = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert bars(ascii_only, "▁▂▃▄▅▆▇█·") == "_-~:=+*#."
    utf_8 = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert bars(utf_8, "▁█·") == "▁█·"


def test_a_line_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    say_line(Console(width=20), "word " * 30 + "[bold]")
    assert capsys.readouterr().out == "word " * 30 + "[bold]\n"


def test_a_json_document_is_ascii_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    value = ["é", "👩", "\x7f", "\x9b", "\u202e"]
    print_json(json.dumps(value, ensure_ascii=False))
    printed = capsys.readouterr().out
    assert printed.rstrip("\n").isascii()
    assert json.loads(printed) == value


def test_a_line_of_our_own_is_not_broken_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # counts as a terminal
    monkeypatch.setenv("COLUMNS", "40")
    told = console()
    told.file = io.StringIO()
    told.print("reconciler conflicts resolve --table parties --region us-east-1 -- c1")
    assert told.file.getvalue().count("\n") == 1
