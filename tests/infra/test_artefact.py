"""The functions' artefact: what is in it, for which machine, and that it can be imported.

It is made for Python 3.13 on arm64. To import it on this machine, its compiled modules are swapped
for those that this environment has of the same versions; all else is the artefact's. boto3, which
Lambda's runtime brings, is taken from this environment too, by links.
"""

import json
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

from infra import artefact as building
from infra.artefact import IN_THE_RUNTIME, NO_BYTECODE, ROOT, interpreter, main, package
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from reconciler.errors import InvalidInput
from tests.handlers.streams import batch, clean

SITE = Path(sysconfig.get_paths()["purelib"])
MOST_BYTES = 30_000_000
ELF_MACHINE_AARCH64 = 183
HANDLERS = ("approve", "detect", "gauge", "ingest", "redrive", "resolve")


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artefact")
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("BRIGHTEST = 1\n")
    package(folder / "code", [folder / "shop"])
    return folder / "code"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages that Lambda's runtime has."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in IN_THE_RUNTIME:
        (folder / name).symlink_to(SITE / name)
    return folder


def compiled(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.so"))


@pytest.fixture(scope="module")
def code(artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return for_this_machine(artefact, tmp_path_factory.mktemp("swapped") / "code")


def run(program: str, *path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program, isolated and without site: nothing of this environment is on its path."""
    lines = ["import sys", f"sys.path += {[str(each) for each in path]}", program]
    command = [sys.executable, "-I", "-S", "-B", "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def for_this_machine(artefact: Path, target: Path) -> Path:
    shutil.copytree(artefact, target)
    for module in compiled(target):
        stem = module.name.partition(".")[0]
        [ours] = (SITE / module.parent.relative_to(target)).glob(f"{stem}.*.so")
        module.unlink()
        shutil.copy2(ours, module.parent)
    return target


def test_its_compiled_modules_are_for_python_3_13_on_arm64(artefact: Path) -> None:
    modules = compiled(artefact)

    assert modules
    for module in modules:
        assert module.name.endswith(".cpython-313-aarch64-linux-gnu.so")
        assert struct.unpack_from("<H", module.read_bytes(), 18) == (ELF_MACHINE_AARCH64,)


def test_it_is_small(artefact: Path) -> None:
    files = [path for path in artefact.rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) < MOST_BYTES


def test_it_has_neither_what_the_runtime_has_nor_what_only_people_run(artefact: Path) -> None:
    found = {path.name for path in artefact.iterdir()}
    ours = {path.name for path in (artefact / "reconciler").iterdir()}

    assert (
        found & {*IN_THE_RUNTIME, "pytest", "moto", "aws_cdk", "typer", "tests", "infra"} == set()
    )
    assert ours & {"cli", "demo", "doctor", "drills", "local", "simulation"} == set()


def test_its_packages_have_the_versions_that_were_tested(artefact: Path) -> None:
    packaged = dict(
        path.name.removesuffix(".dist-info").rsplit("-", 1) for path in artefact.glob("*.dist-info")
    )

    assert {"pydantic", "pydantic_core", "aws_lambda_powertools"} <= set(packaged)
    assert packaged == {name: version(name) for name in packaged}


def test_it_reads_objects_that_are_compressed_with_zstd(code: Path, runtime: Path) -> None:
    program = (
        "from backports import zstd\n"
        "from reconciler.ingest.source import Packing\n"
        "from reconciler.ingest.unpacking import text_of\n"
        "packed = zstd.compress(b'one line')\n"
        "part = lambda start, most: packed[start : start + most]\n"
        "print(b''.join(text_of(part, len(packed), Packing.ZSTD, 0)).decode())"
    )
    done = run(program, code, runtime)
    assert (done.stdout, done.stderr) == ("one line\n", "")


def test_the_handlers_import_with_the_artefact_and_the_runtime_alone(
    code: Path, runtime: Path
) -> None:
    names = ", ".join(f"handlers.{name}" for name in HANDLERS)
    program = (
        f"import {names}, shop, aws_xray_sdk\n"
        "from aws_lambda_powertools import Tracer\n"
        "print(handlers.__file__, handlers.detect.handler.__name__)"
    )
    done = run(program, code, runtime)

    assert done.stderr == ""
    assert done.stdout.startswith(str(code))


def test_the_packaged_detector_answers_a_batch_and_measures_it(code: Path, runtime: Path) -> None:
    program = (
        f"from handlers.detect import handler\nprint(handler({batch(clean(1), clean(2))!r}, None))"
    )
    names = Names("parties", "us-east-1")
    told = function_environment(names, parked_queue_url="https://sqs/unused")
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}  # as in Lambda
    done = run(program, code, runtime, AWS_REGION="us-east-1", **keys, **told)

    metrics, answer = done.stdout.splitlines()
    assert answer == "{'batchItemFailures': []}"
    assert json.loads(metrics)["Records"] == [2]


def test_without_the_runtime_s_packages_the_handlers_do_not_import(code: Path) -> None:
    done = run("import handlers.detect", code)

    assert "No module named 'boto3'" in done.stderr


def test_the_script_s_environment_has_the_command_that_a_deployment_ends_with() -> None:
    script = (ROOT / "scripts" / "package").read_text(encoding="utf-8")
    extras = re.findall(r'/environment" (\S+)', script)

    assert extras == ["local,infra"]  # the doctor needs `local`


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


PYTHON_3_13 = struct.pack("<H", 3571) + b"\r\n"  # the magic number of all its releases
UNCHECKED = struct.pack("<I", 0b01)
needs_a_3_13 = pytest.mark.skipif(interpreter() is None, reason="no Python 3.13 on this machine")


@needs_a_3_13
def test_every_source_has_bytecode_that_python_3_13_takes_without_a_look_at_the_source(
    artefact: Path,
) -> None:
    bytecode_of = {
        path.parent.parent / f"{path.name.partition('.')[0]}.py": path.read_bytes()[:8]
        for path in artefact.rglob("*.pyc")
    }

    assert set(artefact.rglob("*.py")) == set(bytecode_of)
    assert set(bytecode_of.values()) == {PYTHON_3_13 + UNCHECKED}


@needs_a_3_13
def test_its_bytecode_bears_the_paths_that_it_has_in_lambda(artefact: Path) -> None:
    bytecode = (artefact / "handlers" / "__pycache__" / "detect.cpython-313.pyc").read_bytes()

    assert b"/var/task/handlers/detect.py" in bytecode
    assert str(artefact).encode() not in bytecode


@needs_a_3_13
def test_an_import_compiles_nothing_and_writes_nothing(artefact: Path, tmp_path: Path) -> None:
    code = shutil.copytree(artefact, tmp_path / "code")
    before = bytes_of(code)
    python = interpreter()
    assert python is not None
    program = f"import sys; sys.path.append({str(code)!r}); import reconciler.conflict.event"
    done = subprocess.run([python, "-I", "-S", "-c", program], check=False, capture_output=True)

    assert b"pydantic_core" in done.stderr or not done.stderr  # its module is for another machine
    assert bytes_of(code) == before


def test_without_a_python_3_13_there_is_no_bytecode_and_a_sentence_says_what_that_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(building, "interpreter", lambda: None)
    monkeypatch.setattr(building, "ARTEFACT", ROOT / "build" / tmp_path.name)
    try:
        main([])
        assert not list(building.ARTEFACT.rglob("*.pyc"))
    finally:
        shutil.rmtree(building.ARTEFACT)
    assert NO_BYTECODE in capsys.readouterr().out


def test_a_python_3_13_that_is_named_but_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    found = interpreter()

    assert found == (sys.executable if sys.version_info[:2] == (3, 13) else None)


@pytest.mark.slow
def test_two_checkouts_make_the_same_bytes(artefact: Path, tmp_path: Path) -> None:
    made = []
    for checkout in (tmp_path / "a", tmp_path / "further" / "down" / "b"):
        checkout.mkdir(parents=True)
        for name in ("reconciler", "handlers", "infra"):
            shutil.copytree(ROOT / name, checkout / name)
        shutil.copy2(ROOT / "pyproject.toml", checkout)
        (checkout / ".venv").symlink_to(sys.prefix)
        (checkout / "build").mkdir()
        (checkout / "build" / "wheels").symlink_to(building.WHEELS)
        command = [str(checkout / ".venv" / "bin" / "python"), "-m", "infra.artefact"]
        subprocess.run(command, cwd=checkout, env={"PYTHONPATH": str(checkout)}, check=True)
        made.append(bytes_of(checkout / "build" / "lambda"))
    one, other = made

    assert one
    assert {name for name in one | other if one.get(name) != other.get(name)} == set()


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="shop_that_closed"):
        package(tmp_path / "code", [tmp_path / "shop_that_closed"])
