"""The templates as cfn-lint and cdk-nag see them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.aws_s3 import CfnBucket

from infra.app import Deployment
from tests.infra.stacks import REGIONS, SCENES, synthesised

OWNER = REGIONS[0]

# "DependsOn is redundant": CDK says an order out loud that a reference says too.
IGNORED = "W3005"


def lint(*files: Path) -> list[str]:
    program = Path(sys.executable).parent / "cfn-lint"
    command = [str(program), "--format", "json", "--ignore-checks", IGNORED]
    done = subprocess.run(
        [*command, "--", *map(str, files)], capture_output=True, text=True, check=False
    )
    return [f"{m['Rule']['Id']} {m['Message']}" for m in json.loads(done.stdout)]


def test_cfn_lint_finds_nothing() -> None:
    """Templates of a region's like those of another are the same but for names: one is enough."""
    files = [path for scene in SCENES for path in synthesised(scene).files if OWNER in path.name]
    files += [path for path in synthesised("options").files if OWNER not in path.name]

    assert {path.name.split("-")[1] for path in files} >= {"key", "table", "reconciler"}
    assert lint(*files) == []


def test_cfn_lint_would_find_something(tmp_path: Path) -> None:
    wrong = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Dely": 1}}}}
    (tmp_path / "wrong.template.json").write_text(json.dumps(wrong))

    assert any("Dely" in found for found in lint(tmp_path / "wrong.template.json"))


@pytest.mark.parametrize("scene", SCENES)
def test_every_finding_of_cdk_nag_is_acknowledged_with_its_reason(scene: str) -> None:
    report = json.loads((synthesised(scene).folder / "out" / "validation-report.json").read_text())

    assert report["pluginReports"] == []


def test_any_other_finding_of_cdk_nag_stops_the_synthesis_of_a_deployment(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    app = App(outdir=str(tmp_path / "out"))
    Deployment(app, synthesised("existing").settings, tmp_path / "code", None)
    CfnBucket(Stack(app, "Open"), "Bucket")

    with pytest.raises(RuntimeError, match="Open/Bucket"):
        app.synth()
