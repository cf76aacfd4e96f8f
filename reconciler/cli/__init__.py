"""The console command `reconciler`: each command is a module here, a few lines over the library.

Behaviour: only the command that is asked for is imported, because all of them take a second.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}: the command needs the extra `local`: pip install '.[local]'")

from reconciler.errors import ReconcilerError

COMMANDS = {
    "demo": "demo",
    "simulate": "simulate",
    "drill": "drill",
    "failover-drill": "failover",
    "doctor": "doctor",
    "metrics": "metrics",
    "verify-replication": "replication",
    "redrive": "redrive",
    "conflicts": "conflicts",
}


def commands(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line, as far as these arguments need it: one command, or all for help."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(reconciler)
    asked = arguments[0] if arguments else ""
    for name in [asked] if asked in COMMANDS else COMMANDS:
        module = import_module(f"reconciler.cli.{COMMANDS[name]}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(module.command)
    return app


def reconciler() -> None:
    """Ends silent write loss in DynamoDB global tables."""


def main() -> None:
    """Run the command; errors are sentences, not tracebacks."""
    try:
        commands(sys.argv[1:])()
    except ReconcilerError as problem:
        sys.exit(f"reconciler: {problem}")
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing}: the command needs the extra `local`: pip install '.[local]'")
    except KeyboardInterrupt:
        sys.exit(130)
