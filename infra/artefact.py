"""The functions' code, packaged: this project's part that runs in Lambda, and what it imports.

It holds wheels for Lambda's Python 3.13 on arm64, whatever this machine is, in the versions that
this environment has, so that what is deployed is what was tested. Nothing is built, and every
source has its bytecode beside it. Two checkouts make the same bytes.
Limit: bytecode needs a Python 3.13 on this machine; without one, functions start more slowly.
Source: Lambda guide, "Working with .zip file archives for Python", "Python runtimes"; Python
library reference, `compileall` (an unchecked pyc is used without a look at its source).
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path
from tempfile import NamedTemporaryFile

from reconciler.errors import InvalidInput, ReconcilerError, Unavailable

ROOT = Path(__file__).resolve().parent.parent
ARTEFACT = ROOT / "build" / "lambda"
WHEELS = ROOT / "build" / "wheels"
PYTHON = "3.13"
MACHINES = ("manylinux_2_28_aarch64", "manylinux2014_aarch64")
IN_THE_RUNTIME = ("boto3", "botocore", "dateutil", "s3transfer", "six.py", "urllib3")
_THEIR_WHEELS = ("boto3", "botocore", "python_dateutil", "s3transfer", "six", "urllib3")
_ON_A_PERSONS_MACHINE = (
    "aws_model",
    "cli",
    "demo",
    "doctor",
    "drills",
    "local",
    "metrics",
    "simulation",
)
_UNWANTED = ("__pycache__", "*.pyc", "*.pyi", "*-stubs", "bin")
# What pip notes about an installation: the hashes of its scripts depend on where it is.
_ABOUT_THE_INSTALLATION = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
NO_BYTECODE = (
    f"There is no Python {PYTHON} on this machine, so the package has no bytecode: each cold start"
    " compiles every module that it imports, which about doubles the time of the imports."
)
_IN_LAMBDA = "/var/task"  # where the artefact lies when it runs


def package(target: Path, extra: Sequence[Path] = ()) -> int:
    """Build the artefact in the folder `target`, anew; return its size in bytes, unzipped.

    extra: packages or modules of the user's, such as those of RECONCILER_CUSTOM_TYPES. There is
    bytecode in it if `interpreter` finds a Python that makes it.
    Raises: InvalidInput if one of them is not there; Unavailable if pip finds no wheels.
    """
    for path in extra:
        if not path.exists():
            raise InvalidInput(f"{path}: there is no such package or module")
    shutil.rmtree(target, ignore_errors=True)
    _install(target)
    for wheel in _THEIR_WHEELS:
        _remove(*target.glob(f"{wheel}-*.dist-info"))
    _remove(*(target / name for name in IN_THE_RUNTIME))
    for pattern in _UNWANTED:
        _remove(*target.rglob(pattern))
    for name in _ABOUT_THE_INSTALLATION:
        _remove(*target.glob(f"*.dist-info/{name}"))
    for path in (ROOT / "reconciler", ROOT / "handlers", *extra):
        _copy(path, target)
    _remove(*(target / "reconciler" / name for name in _ON_A_PERSONS_MACHINE))
    if python := interpreter():
        _compile(target, python)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def _install(target: Path) -> None:
    """Unpack the wheels, fetched from the index only if they are not here yet."""
    here = ["--no-index", f"--find-links={WHEELS}"]
    unpack = ["install", "--no-compile", f"--target={target}", *here]
    if _pip(*unpack):
        problem = _pip("download", f"--dest={WHEELS}") or _pip(*unpack)
        if problem:
            raise Unavailable(f"pip: {problem}")


def _pip(command: str, *options: str) -> str:
    """Run pip for the functions' dependencies; return what it complains of, if it fails."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    machines = [f"--platform={machine}" for machine in MACHINES]
    wheels = ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}", *machines]
    with NamedTemporaryFile("w", suffix=".txt") as versions:
        versions.writelines(f"{each.name}=={each.version}\n" for each in distributions())
        versions.flush()
        run = [sys.executable, "-m", "pip", command, "--quiet", f"--constraint={versions.name}"]
        wanted = project["project"]["dependencies"]
        ingest = project["project"]["optional-dependencies"]["ingest"]
        command_line = [*run, *wheels, *options, *wanted, *ingest]
        done = subprocess.run(command_line, check=False, capture_output=True, text=True)  # noqa: S603 (pip)
    return done.stderr.strip() or "failed" if done.returncode else ""


def interpreter() -> str | None:
    """Return a Python of this machine that makes the runtime's bytecode, None if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places = [*sorted(pyenv.glob(f"versions/{PYTHON}*/bin/python{PYTHON}"))]
    candidates = [sys.executable, shutil.which(f"python{PYTHON}"), *map(str, places)]
    return next((each for each in candidates if each and _is_the_runtimes(each)), None)


def _is_the_runtimes(python: str) -> bool:
    # Run, not only looked for: a shim of pyenv is there also for what is not in use.
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        told = subprocess.run([python, "-c", ask], check=False, capture_output=True, text=True)  # noqa: S603 (a Python)
    except OSError:
        return False
    return told.stdout.strip() == PYTHON


def _compile(target: Path, python: str) -> None:
    """Put bytecode beside every source; one that is none, such as a template, stays without."""
    paths = [f"-s{target}", f"-p{_IN_LAMBDA}"]
    command = [python, "-I", "-m", "compileall", "-qq", "--invalidation-mode=unchecked-hash"]
    subprocess.run([*command, *paths, str(target)], check=False, capture_output=True)  # noqa: S603 (a Python)


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", "README.md")
        shutil.copytree(path, target / path.name, ignore=ignored)
    else:
        shutil.copy2(path, target / path.name)


def _remove(*paths: Path) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> None:
    """Build the artefact where the stacks take it from; say its size."""
    try:
        size = package(ARTEFACT, [Path(each) for each in arguments])
    except ReconcilerError as problem:
        sys.exit(str(problem))
    print(f"{ARTEFACT.relative_to(ROOT)}: {size / 1e6:.1f} MB unzipped")  # noqa: T201 (a command)
    if interpreter() is None:
        print(NO_BYTECODE)  # noqa: T201 (a command)


if __name__ == "__main__":
    main(sys.argv[1:])
