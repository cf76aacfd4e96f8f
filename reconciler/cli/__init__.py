"""The console command `reconciler`: each command is a module here, a few lines over the library.

Only the command that is asked for is imported, because all of them take a second. What is not
installed is named with the extra that brings it.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated

from reconciler import __version__
from reconciler.errors import InvalidInput, ReconcilerError
from reconciler.text.plain_text import shown_lines

try:
    import typer
except ModuleNotFoundError as missing:
    if sys.argv[1:] == ["--version"]:
        print(__version__)  # noqa: T201 (the library alone is installed, and that is no error)
        sys.exit()
    sys.exit(f"{missing}: the command needs the extra `cli`: pip install '.[cli]'")

COMMANDS = {
    "demo": "demo",
    "local": "local",
    "simulate": "simulate",
    "drill": "drill",
    "failover-drill": "failover",
    "guests-drill": "guests",
    "migration-drill": "migration",
    "doctor": "doctor",
    "metrics": "metrics",
    "verify-replication": "replication",
    "redrive": "redrive",
    "adopt": "adopt",
    "sweep": "sweep",
    "conflicts": "conflicts",
    "jobs": "jobs",
}


def commands(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line, as far as these arguments need it: one command, or all for help."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(reconciler)
    asked = arguments[0] if arguments else ""
    wanted = [asked] if asked in COMMANDS else [] if asked == "--version" else [*COMMANDS]
    for name in wanted:
        module = import_module(f"reconciler.cli.{COMMANDS[name]}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(module.command)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


_Version = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=_print_version, help="print the version, and end"
    ),
]


def reconciler(version: _Version = False) -> None:
    """Ends silent write loss in DynamoDB global tables."""


def main() -> None:
    """Run the command; errors are sentences, not tracebacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A character that the terminal or pipe cannot carry is shown as its escape.
            stream.reconfigure(errors="backslashreplace")
    try:
        commands(sys.argv[1:])()
    except ReconcilerError as problem:
        print(f"reconciler: {_told(problem)}", file=sys.stderr)  # noqa: T201 (its last words)
        sys.exit(2 if isinstance(problem, InvalidInput) else 1)  # 2: what was asked is wrong
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left must not fail when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing}: the command needs the extra `cli`: pip install '.[cli]'")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as problem:
        if not _is_of_the_sdk(problem):
            raise
        sys.exit(f"reconciler: AWS: {_told(problem)}")


def _told(problem: Exception) -> str:
    # What a process of ours said before it ended has lines; whose text else has some forges none.
    return shown_lines(problem).replace("\n", "\n    ")


def _is_of_the_sdk(problem: Exception) -> bool:
    # Told by name: not every command needs the SDK, and importing it takes a while.
    return any(each.__module__ == "botocore.exceptions" for each in type(problem).__mro__)
