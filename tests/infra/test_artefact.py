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

from infra.artefact import IN_THE_RUNTIME, ROOT, package
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import function_environment
from reconciler.errors import InvalidInput
from tests.handlers.streams import batch, clean

SITE = Path(sysconfig.get_paths()["purelib"])
MOST_BYTES = 30_000_000
ELF_MACHINE_AARCH64 = 183
HANDLERS = ("approve", "detect", "gauge", "redrive", "resolve")


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
    assert ours & {"cli", "demo", "doctor", "drills", "local", "simulation", "__pycache__"} == set()


def test_its_packages_have_the_versions_that_were_tested(artefact: Path) -> None:
    packaged = dict(
        path.name.removesuffix(".dist-info").rsplit("-", 1) for path in artefact.glob("*.dist-info")
    )

    assert {"pydantic", "pydantic_core", "aws_lambda_powertools"} <= set(packaged)
    assert packaged == {name: version(name) for name in packaged}


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
    done = run(program, code, runtime, AWS_REGION="us-east-1", **told)

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


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="shop_that_closed"):
        package(tmp_path / "code", [tmp_path / "shop_that_closed"])
