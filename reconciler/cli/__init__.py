"""The console command `reconciler`: each command is a module here, a few lines over the library."""

import sys

try:
    import typer

    from reconciler.cli import (
        conflicts,
        demo,
        doctor,
        drill,
        failover,
        metrics,
        redrive,
        replication,
        simulate,
    )
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}: the command needs the extra `local`: pip install '.[local]'")

from reconciler.errors import ReconcilerError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.command("demo")(demo.command)
app.command("simulate")(simulate.command)
app.command("drill")(drill.command)
app.command("failover-drill")(failover.command)
app.command("doctor")(doctor.command)
app.command("metrics")(metrics.command)
app.command("verify-replication")(replication.command)
app.command("redrive")(redrive.command)
app.add_typer(conflicts.app, name="conflicts")


@app.callback()
def reconciler() -> None:
    """Ends silent write loss in DynamoDB global tables."""


def main() -> None:
    """Run the command; errors are sentences, not tracebacks."""
    try:
        app()
    except ReconcilerError as problem:
        sys.exit(f"reconciler: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
