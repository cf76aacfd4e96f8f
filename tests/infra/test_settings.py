"""The settings of a deployment: what is wrong is named."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.artefact import ROOT
from infra.settings import read_settings
from reconciler.errors import InvalidInput
from tests.infra.stacks import PLAIN, REGIONS

PRIVATE = f"network_cidrs.{REGIONS[0]}: private addresses"


def networks(*cidrs: str) -> dict[str, Any]:
    return {"network": True, "network_cidrs": dict(zip(REGIONS, cidrs, strict=True))}


INDEX = {"name": "by-owner", "partition_key": {"name": "owner"}}


def refusal(**changed: Any) -> str:
    with pytest.raises(InvalidInput) as refused:
        read_settings(json.dumps({**PLAIN, **changed}))
    return str(refused.value)


def test_settings_need_a_table_regions_and_a_partition_key() -> None:
    settings = read_settings(json.dumps(PLAIN))

    assert settings.owner == "us-east-1"
    assert settings.makes_keys


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"tabel": "parties"}, "tabel: "),
        ({"table": "has blanks"}, "table: "),
        ({"suffix": "Dev"}, "suffix: "),
        ({"suffix": "production1"}, "suffix: "),
        ({"regions": ["eu-west-1"]}, "regions: "),
        ({"regions": ["eu-west-1", "Ireland"]}, "Ireland"),
        ({"regions": ["eu-west-1", "eu-west-1"]}, "named twice"),
        ({"partition_key": {"name": "id", "type": "BOOL"}}, "partition_key.type: "),
        ({"snap_start": True, "provisioned_concurrency": 1}, "one of them"),
        ({"table_keys": {r: f"arn:aws:kms:{r}:{1:012}:key/k" for r in REGIONS}}, "existing_table"),
        ({"existing_table": True, "table_keys": {"eu-west-1": "alias/x"}}, "table_keys.eu-west-1"),
        ({"existing_table": True, "indexes": []}, "indexes: an existing_table has its own"),
        ({"provisioned_concurrency": 9, "detect_concurrency": 8}, "provisioned_concurrency: "),
        ({"resolve_concurrency": 3}, "resolve_concurrency: "),
        ({"resolve_concurrency": 4_000}, "resolve_concurrency: "),
        (
            {"regions": ["eu-wst-1", "us-east-1"]},
            "regions.0: AWS has no region eu-wst-1; did you mean eu-west-1?",
        ),
        ({"regions": ["us-east-1", "us-north-7"]}, "regions.1: AWS has no region us-north-7; did"),
        ({"regions": ["us-east-1", "xx-far-9"]}, "regions.1: AWS has no region xx-far-9"),
        ({"regions": ["us-iso-east-1", "us-isob-east-1"]}, "regions: a table has replicas in one"),
        (
            {"regions": ["eu-west-1", "cn-north-1"]},
            "regions: a table has replicas in one partition",
        ),
        (
            {"table": "t" * 250, "suffix": "production"},
            "suffix: the table's name and it are longer",
        ),
        ({"partition_key": {"name": "_rec"}}, "partition_key: names that begin with _rec"),
        ({"indexes": [INDEX | {"name": "_rec_by"}]}, "indexes.0.name: names that begin with _rec"),
        ({"indexes": [INDEX, INDEX]}, "indexes: two are named by-owner"),
        ({"indexes": [INDEX] * 21}, "indexes: "),
        (
            {"indexes": [INDEX | {"sort_key": {"name": "id", "type": "N"}}]},
            "indexes.0.sort_key: id is of type N here and of S in partition_key",
        ),
        ({"sort_key": {"name": "id"}}, "sort_key: id is the partition key, too"),
        ({"custom_types": ["a-b"]}, "custom_types: 'a-b' is no module's name"),
        ({"custom_types": ["a.class"]}, "custom_types: 'a.class' is no module's name"),
        ({"custom_types": ["shop." + "m" * 2_000]}, "custom_types: the names are longer than"),
        ({"tags": {"aws:x": "y"}}, "tags.aws:x: "),
        ({"tags": {"team\n": "crm"}}, "tags.team\\n: letters, digits, blanks and"),
        ({"tags": {"team": "crm\n"}}, "tags.team: letters, digits, blanks and"),
        ({"tags": {"team": "crm;sales"}}, "tags.team: letters, digits, blanks and"),
        ({"tags": {"team": ""}}, "tags.team: a value of 1 to 256 characters"),
        ({"tags": {"team": "crm", "Team": "crm"}}, "tags: Team and team are one name to IAM"),
        ({"detect_concurrency": 4_000}, "detect_concurrency: 4000 of the 900 that can be reserved"),
        (
            {"detect_concurrency": 500, "resolve_concurrency": 500},
            "detect_concurrency and resolve_concurrency: 1000 of the 900",
        ),
        ({"provisioned_concurrency": 400_000}, "provisioned_concurrency: 800000 of the 900"),
        (
            {"account_concurrency": 10, "detect_concurrency": 1},
            "detect_concurrency: 1 of the 0 that can be reserved",
        ),
        ({"account_concurrency": 0}, "account_concurrency: "),
        ({"suffix": "s3alias"}, "suffix: S3 keeps bucket names that end in -s3alias"),
        ({"table": "xn--parties"}, "table: S3 keeps bucket names that begin with xn--"),
        (
            {
                "existing_table": True,
                "table_keys": {r: f"arn:aws-cn:kms:{r}:{1:012}:key/k" for r in REGIONS},
            },
            f"table_keys.{REGIONS[0]}: the key is one of partition aws-cn",
        ),
        (
            {
                "existing_table": True,
                "table_keys": {r: f"arn:aws:kms:{r}:{1:012}:key/mrk 1" for r in REGIONS},
            },
            f"table_keys.{REGIONS[0]}: ",
        ),
        ({"runbook": "https://wiki/\x07"}, "runbook: "),
        ({"tags": {f"t{n}": "" for n in range(51)}}, "tags: AWS takes 50"),
        (
            networks("8.8.0.0/16", "10.1.0.0/16", "10.2.0.0/16"),
            PRIVATE,
        ),
        (
            networks("169.254.0.0/16", "10.1.0.0/16", "10.2.0.0/16"),
            PRIVATE,
        ),
        (
            {
                "existing_table": True,
                "table_keys": dict.fromkeys(REGIONS, f"arn:aws:kms:us-west-2:{1:012}:key/k"),
            },
            f"table_keys.{REGIONS[0]}: the key is one of us-west-2",
        ),
        ({"stream_lookup": 0}, "stream_lookup: "),
        ({"ttl_attribute": "id"}, "ttl_attribute: a deleted item cannot expire by its key"),
        (
            {
                "ttl_attribute": "until",
                "indexes": [{"name": "due", "partition_key": {"name": "until", "type": "S"}}],
            },
            "ttl_attribute: index due has it as a key that is no number",
        ),
        (
            {"existing_table": True, "ttl_attribute": "_rec_ttl"},
            "ttl_attribute: names that begin with _rec are the library's",
        ),
        (
            {"version_attributes": {"version": "id"}},
            "version_attributes.version: 'id' is of the key, which never changes",
        ),
        (
            {"version_attributes": {"version": "_rec"}},
            "version_attributes.version: an attribute without a comma",
        ),
        ({"version_attributes": {"region": "r"}}, "version_attributes.version: is missing"),
        (
            {"version_attributes": {"version": "a", "regoin": "b"}},
            "version_attributes.regoin: there is no such setting; did you mean region?",
        ),
        (
            {"version_attributes": {"version": "a", "region": "a"}},
            "version_attributes: one attribute has two roles",
        ),
        (
            {"version_attributes": {"version": "a", "written_at": "b"}},
            "version_attributes: written_at: only beside region",
        ),
        ({"version_attributes": ["a", "b"]}, "version_attributes: attributes by their roles"),
        ({"redrive_minutes": 1}, "redrive_minutes: "),
        ({"redrive_minutes": 1_441}, "redrive_minutes: "),
        ({"runbook": "wiki/reconciler"}, "runbook: "),
        ({"runbook": "https://wiki/reconciler#alarms"}, "runbook: "),
        ({"copies": {"eu-west-3": "eu-west-1"}}, "copies.eu-west-3: it is none of the regions"),
        ({"copies": {"eu-west-1": "eu-west-1"}}, "copies.eu-west-1: copies go to another region"),
        (
            {"copies": {"eu-west-1": "eu-west-77"}},
            "copies.eu-west-1: AWS has no region eu-west-77; did you mean eu-west-",
        ),
        (
            {"copies": {"eu-west-1": "cn-north-1"}},
            "copies.eu-west-1: S3 copies nothing from one partition to another",
        ),
        ({"copies": ["eu-west-1"]}, "copies: the name of an AWS region"),
        ({"network_cidrs": dict.fromkeys(REGIONS, "10.1.0.0/16")}, "only with network"),
        ({"network": True, "network_cidrs": {"eu-west-1": "10.1.0.0/16"}}, "name all regions' or"),
        (
            networks("10.1.0.0/16", "10.2.0.0/16", "10.1.2.0/24"),
            "us-east-1 and ap-southeast-1 over",
        ),
        (networks("10.0.0.0/8", "11.0.0.0/16", "12.0.0.0/16"), "us-east-1: from /16 to /24"),
        (networks("10.1.0.1/16", "10.2.0.0/16", "10.3.0.0/16"), "network_cidrs.us-east-1: "),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], named: str) -> None:
    assert named in refusal(**changed)


def test_keys_of_an_existing_table_are_given_for_all_regions_or_for_none() -> None:
    keys = {"eu-west-1": "arn:aws:kms:eu-west-1:123456789012:key/mrk-1"}

    assert "name all of them" in refusal(existing_table=True, table_keys=keys)


def synthesise(folder: Path, **context: str) -> subprocess.CompletedProcess[str]:
    """Run what `cdk` runs, where it runs it, in this environment."""
    program = json.loads((ROOT / "infra" / "cdk.json").read_text())["app"]
    context_and_place = {
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(folder / "out"),
    }
    return subprocess.run(
        ["sh", "-c", program.replace("../.venv/bin/python", sys.executable)],  # noqa: S607 (any sh)
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT / "infra",
        env={**os.environ, **context_and_place},
    )


def test_without_settings_the_program_says_how_to_name_them(tmp_path: Path) -> None:
    done = synthesise(tmp_path)

    assert done.returncode == 1
    assert "-c settings=FILE" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_wrong_settings_the_program_names_the_field(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({**PLAIN, "regions": []}))

    done = synthesise(tmp_path, settings=str(tmp_path / "settings.json"))

    assert done.returncode == 1
    assert done.stderr.startswith("settings: regions: ")


def test_settings_that_an_editor_of_windows_saved_are_read_as_others_are(tmp_path: Path) -> None:
    wrong = json.dumps({**PLAIN, "regions": []})
    (tmp_path / "settings.json").write_text(wrong, encoding="utf-8-sig")

    done = synthesise(tmp_path, settings=str(tmp_path / "settings.json"))

    assert done.stderr.startswith("settings: regions: ")


def test_the_example_in_the_readme_is_valid() -> None:
    text = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)

    assert read_settings(example).table == "parties"


def test_all_mistakes_are_named_at_once() -> None:
    said = refusal(tags={"aws:x": ""}, custom_types=["a-b"], sort_key={"name": "_rec"})
    for path in ("tags.aws:x: ", "custom_types: ", "sort_key: "):
        assert path in said


def test_a_field_that_is_wrong_hides_no_mistake_of_others() -> None:
    said = refusal(
        suffix="Dev",
        tags={"aws:x": "y"},
        custom_types=["a.class"],
        indexes=[INDEX, {**INDEX, "sort_key": {"name": "id", "type": "N"}}],
        snap_start=True,
        provisioned_concurrency=1,
        tabel="parties",
    )
    for path in (
        *("suffix: ", "tags.aws:x: ", "custom_types: ", "indexes.1.sort_key: "),
        *("indexes: two are named", "snap_start and provisioned_concurrency: ", "tabel: "),
    ):
        assert path in said


def test_what_is_missing_or_wrong_in_itself_is_not_compared_with_others() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_settings(json.dumps({"custom_types": ["a-b"], "network_cidrs": {"eu-west-1": "?"}}))
    said = str(refused.value)
    for path in ("table: is missing", "regions: is missing", "partition_key: is missing"):
        assert path in said
    assert "custom_types: 'a-b'" in said
    assert "network_cidrs.eu-west-1: " in said
    assert "only with network" not in said


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": {"aws:x": "y"}},
        {"regions": []},
        {"suffix": "Dev"},
        {"folds": "perhaps"},
        {"partition_key": {"name": "id", "type": "BOOL"}},
        {"partition_key": "id"},
        {"indexes": [{"name": "x"}]},
        {"redrive_minutes": "soon"},
        {"network": True, "network_cidrs": {"eu-west-1": 5}},
        {"tags": {"team": 5}},
        {"outside_writes": "maybe"},
        {"outside_writers": "accept"},
        {"\x1b[2J": 1},
    ],
    ids=str,
)
def test_a_refusal_is_a_sentence_of_ours_that_begins_with_the_path(changed: dict[str, Any]) -> None:
    said = refusal(**changed)
    assert re.match(r"settings: [\w.:\\\[]+: \S", said), said
    assert said.isprintable()
    for foreign in ("Value error", "Input should", "Field required", "pattern", "validation"):
        assert foreign not in said


def test_a_name_that_is_nearly_a_settings_is_told_which() -> None:
    assert "tabel: there is no such setting; did you mean table?" in refusal(tabel="x")
    nearly = {"name": "by-owner", "partitionkey": {"name": "owner"}}
    assert "indexes.0.partitionkey: there is no such setting; did you mean partition_key?" in (
        refusal(indexes=[nearly])
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"table": "\\ud800"}', "[" * 100_000])
def test_what_is_no_json_object_is_one_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^settings: the file must hold one JSON object"):
        read_settings(text)


def test_an_account_whose_quota_was_raised_may_reserve_more() -> None:
    given = {**PLAIN, "detect_concurrency": 4_000, "account_concurrency": 10_000}
    assert read_settings(json.dumps(given)).detect_concurrency == 4_000


@pytest.mark.parametrize("region", ["eu-central-2", "cn-north-1", "us-gov-west-1", "mx-central-1"])
def test_every_region_that_the_sdk_knows_is_taken(region: str) -> None:
    said = refusal(regions=[region], tabel="")
    assert "no region" not in said


def test_an_index_on_the_tables_own_key_is_taken() -> None:
    index = {**INDEX, "sort_key": {"name": "id"}}
    assert read_settings(json.dumps({**PLAIN, "indexes": [index]})).indexes[0].sort_key
