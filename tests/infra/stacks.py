"""Deployments to test, each synthesised once, and their templates with references resolved."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws_cdk import App

from infra.app import Deployment, stack_name
from infra.settings import Settings
from reconciler.api.tmf632.party import ATTRIBUTES as PARTY

ACCOUNT = "123456789012"
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"]
ELSEWHERE = "us-west-2"  # a region without a replica
PLAIN = {"table": "parties", "regions": REGIONS, "partition_key": {"name": "id"}}
CALLBACK = {
    "url": "https://crm.example.org/listener",
    "header": "x-api-key",
    "secret": "crm/listener",
}
SCENES: dict[str, dict[str, Any]] = {
    "three": PLAIN,
    "options": {
        **PLAIN,
        "regions": REGIONS[:2],
        "sort_key": {"name": "version", "type": "N"},
        "indexes": [{"name": "by-email", "partition_key": {"name": "email"}}],
        "contributor_insights": True,
        "tags": {"team": "crm"},
        "tracing": True,
        "detect_concurrency": 20,
        "resolve_concurrency": 10,
        "snap_start": True,
        "redrive_minutes": 15,
        "stream_lookup": 2,
        "outside_writes": "restore",
        "outside_writers": "none",
        "folds": False,
        "pause_loops": True,
        "api": {
            "table_schema": {"attributes": {"loyalty": "counter_pn"}},
            "authorizer": "jwt",
            "issuer": "https://login.example/",
            "audience": ["crm"],
            "scope_prefix": "parties/",
            "rate": 200,
            "burst": 100,
            "concurrency": 50,
            "keys_required": True,
            "domain": {
                "name": "api.parties.example",
                "hosted_zone": "Z0123456789AB",
                "firewall": True,
                "rate": 1_000,
            },
        },
        "custom_types": ["shop.merging", "shop.pricing"],
        "writers": {"crm": [], "by-tenant": ["${aws:PrincipalTag/tenant}", "shared-*"]},
        "runbook": "https://wiki.example/reconciler",
        "network": True,
        "approval": True,
        "ingest_schema": {"key": ["id", "version"], "attributes": {"loyalty": "counter_pn"}},
        "appsync": {
            "table_schema": {"attributes": {"loyalty": "counter_pn"}},
            "data_source_roles": [f"arn:aws:iam::{ACCOUNT}:role/parties-source"],
            "policy": "automerge",
        },
        "copies": dict(zip(REGIONS[:2], reversed(REGIONS[:2]), strict=True)),
        "drills": True,
    },
    "copies": {
        **PLAIN,
        "ingest_schema": {"key": ["id"], "attributes": {"loyalty": "counter_pn"}},
        "copies": {REGIONS[0]: ELSEWHERE, REGIONS[2]: ELSEWHERE},
    },
    "aws-owned": {
        **PLAIN,
        "regions": REGIONS[:2],
        "suffix": "dev",
        "encryption": "aws_owned",
        "ttl_attribute": "until",
        "version_attributes": {"version": "Version", "region": "LastUpdatedRegion"},
        "provisioned_concurrency": 2,
        "indexes": [
            {"name": "by-status", "partition_key": {"name": "status"}},
            {"name": "by-keys", "partition_key": {"name": "name"}, "projection": "KEYS_ONLY"},
        ],
        "api": {
            "table_schema": {"attributes": PARTY},
            "authorizer": "iam",
            "callbacks": [CALLBACK],
        },
        "approval": True,
        "workflow": {"table_schema": {"attributes": {"loyalty": "counter_pn"}}},
        "adoption": {"table_schema": {"attributes": {"loyalty": "counter_pn"}}},
    },
    "existing": {
        **PLAIN,
        "table": "Old_Parties",
        "regions": REGIONS[:2],
        "existing_table": True,
        "ttl_attribute": "until",
        "table_keys": {r: f"arn:aws:kms:{r}:{ACCOUNT}:key/mrk-1" for r in REGIONS[:2]},
    },
}


class Stacks:
    """A synthesised deployment."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = Settings.model_validate_json(json.dumps(settings))
        self._temporary = TemporaryDirectory(prefix="infra-")
        self.folder = Path(self._temporary.name)
        code = self.folder / "code"
        code.mkdir()
        (code / "placeholder.py").write_text("")
        app = App(outdir=str(self.folder / "out"))
        Deployment(app, self.settings, code, ACCOUNT)
        assembly = app.synth()
        self.after = {s.stack_name: [d.id for d in s.dependencies] for s in assembly.stacks}
        self.files = sorted((self.folder / "out").glob("*.template.json"))
        self._resolved: dict[str, dict[str, Any]] = {}

    def names(self) -> set[str]:
        return set(self.after)

    def templates(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in self.files:
            name = path.name.removesuffix(".template.json")
            yield name, self.template(name)

    def template(self, name: str) -> dict[str, Any]:
        """Return a stack's template, to read only: it is resolved once."""
        if name not in self._resolved:
            regions = {*self.settings.regions, *self.settings.copies.values()}
            [region] = [each for each in regions if each in name]
            raw = json.loads((self.folder / "out" / f"{name}.template.json").read_text())
            self._resolved[name] = _Resolver(raw["Resources"], region).value(raw)
        return self._resolved[name]

    def stack(self, part: str, region: str = REGIONS[1]) -> str:
        """Return the name of a region's stack."""
        return stack_name(self.settings.names(region), part)

    def all(self, part: str, kind: str, region: str = REGIONS[1]) -> dict[str, dict[str, Any]]:
        """Return the properties of a stack's resources of a kind, by logical id."""
        resources = self.template(self.stack(part, region))["Resources"]
        return {k: r["Properties"] for k, r in resources.items() if r["Type"] == kind}

    def one(self, part: str, kind: str, region: str = REGIONS[1], **having: Any) -> dict[str, Any]:
        """Return the properties of the one resource of a kind, or of the one that has these."""
        [found] = [
            each
            for each in self.all(part, kind, region).values()
            if all(each.get(name) == value for name, value in having.items())
        ]
        return found


@cache
def synthesised(scene: str) -> Stacks:
    return Stacks(SCENES[scene])


class _Resolver:
    """Replaces references by the names and ARNs that they will be."""

    def __init__(self, resources: dict[str, Any], region: str) -> None:
        self._resources = resources
        self._pseudo = {
            "AWS::Partition": "aws",
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": region,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            return self._ref(value["Ref"])
        if set(value) == {"Fn::GetAtt"}:
            return self._attribute(*value["Fn::GetAtt"])
        if set(value) == {"Fn::Join"}:
            between, parts = value["Fn::Join"]
            return between.join(map(str, self.value(parts)))
        if set(value) == {"Fn::ImportValue"}:
            return f"imported:{value['Fn::ImportValue']}"
        return {name: self.value(each) for name, each in value.items()}

    def _ref(self, name: str) -> str:
        if name in self._pseudo or name not in self._resources:
            return self._pseudo.get(name, f"parameter:{name}")
        kind, named = self._named(name)
        if kind == "AWS::SQS::Queue":
            region = self._pseudo["AWS::Region"]
            return f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{named}"
        if kind == "AWS::SNS::Topic":
            return f"arn:aws:sns:{self._pseudo['AWS::Region']}:{ACCOUNT}:{named}"
        if kind == "AWS::StepFunctions::StateMachine":
            return f"arn:aws:states:{self._pseudo['AWS::Region']}:{ACCOUNT}:stateMachine:{named}"
        return named

    def _attribute(self, name: str, attribute: str) -> str:
        kind, named = self._named(name)
        region = self._pseudo["AWS::Region"]
        forms = {
            "AWS::SQS::Queue": f"arn:aws:sqs:{region}:{ACCOUNT}:{named}",
            "AWS::S3::Bucket": f"arn:aws:s3:::{named}",
            "AWS::Lambda::Function": f"arn:aws:lambda:{region}:{ACCOUNT}:function:{named}",
            "AWS::Events::EventBus": f"arn:aws:events:{region}:{ACCOUNT}:event-bus/{named}",
            "Custom::AWS": f"looked-up:{attribute}",
        }
        return forms.get(kind, f"{name}.{attribute}")

    def _named(self, name: str) -> tuple[str, str]:
        resource = self._resources[name]
        kinds = ("Function", "Queue", "Bucket", "Table", "Topic", "StateMachine", "")
        named = [f"{kind}Name" for kind in kinds]
        properties = resource.get("Properties", {})
        found = next((str(properties[n]) for n in named if n in properties), "")
        return resource["Type"], found if found and not re.match(r"^\{", found) else name
