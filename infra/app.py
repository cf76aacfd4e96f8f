"""The stacks of a deployment, and the program that `cdk` runs.

With keys of our own, first the key's stack, then its replica in each other region, then the
table's, then a reconciler in each region. For an existing table, the reconcilers alone. Buckets for
copies, where S3 is to keep some, come before the reconcilers. A firewall before the HTTP doors is a
stack beside them. Every rule of cdk-nag's AwsSolutions is checked at
each synthesis.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, Aws, Environment, Stack, Tags, Validations
from aws_cdk.aws_lambda import Code
from cdk_nag import AwsSolutionsChecks

from infra import lookup
from infra.acknowledged import acknowledge_stack
from infra.arns import Arns
from infra.artefact import ARTEFACT
from infra.copies import Copies
from infra.edge import EDGE_REGION, Edge
from infra.keys import replica_key, table_alias, table_key
from infra.pipeline import Reconciler, Replica
from infra.settings import Settings, read_settings
from infra.table import Table
from reconciler.deployment.names import Names
from reconciler.errors import InvalidInput, ReconcilerError


class Deployment:
    """The stacks of `settings`, added to an app; `artefact` is the folder with the functions."""

    def __init__(self, app: App, settings: Settings, artefact: Path, account: str | None) -> None:
        self._app, self._settings, self._account = app, settings, account
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        for name, value in settings.tags.items():
            Tags.of(app).add(name, value)
        self._keys: dict[str, str] = dict(settings.table_keys)
        before, keys = self._key_stacks() if settings.makes_keys else ([], {})
        if not settings.existing_table:
            before = [self._table_stack(before, keys)]
        peers = dict.fromkeys(settings.copies.values())
        copies = {peer: [self._copies_stack(peer)] for peer in peers}
        for region in settings.regions:
            there = copies.get(settings.copies.get(region, ""), [])
            self._reconciler_stack(region, artefact, [*before, *there])
        domain = settings.api.domain if settings.api else None
        if domain is not None and domain.firewall:
            Edge(self._stack("edge", EDGE_REGION), settings.names(EDGE_REGION), domain)

    def _stack(self, part: str, region: str) -> Stack:
        stack = Stack(
            self._app,
            stack_name(self._settings.names(region), part),
            env=Environment(account=self._account, region=region),
            termination_protection=True,
        )
        acknowledge_stack(stack)
        return stack

    def _key_stacks(self) -> tuple[list[Stack], Mapping[str, str]]:
        """Make the table's key and its replicas; return their ARNs as the owner's stack has them.

        That is by the id that they share; the others' stacks know the ARN of their own.
        """
        settings = self._settings
        owner = self._stack("key", settings.owner)
        primary = table_key(owner, settings.names(settings.owner))
        self._keys[settings.owner] = primary.attr_arn
        stacks = [owner]
        for region in settings.regions[1:]:
            stack = self._stack("key", region)
            stack.add_stack_dependency(owner)
            names = settings.names(region)
            alias = table_alias(settings.names(settings.owner))
            found = lookup.key_arn(stack, Arns(names), alias, settings.owner)
            self._keys[region] = replica_key(stack, names, found).attr_arn
            stacks.append(stack)
        account = f"{Aws.ACCOUNT_ID}:key/{primary.ref}"
        return stacks, {r: f"arn:{Aws.PARTITION}:kms:{r}:{account}" for r in settings.regions}

    def _table_stack(self, before: list[Stack], keys: Mapping[str, str]) -> Stack:
        stack = self._stack("table", self._settings.owner)
        for each in before:
            stack.add_stack_dependency(each)
        Table(stack, self._settings, keys)
        return stack

    def _copies_stack(self, peer: str) -> Stack:
        """Make the buckets to which S3 copies: it refuses to copy to one that is not there."""
        stack, settings = self._stack("copies", peer), self._settings
        sources = [settings.names(each) for each, to in settings.copies.items() if to == peer]
        Copies(stack, settings.names(peer), sources, settings.copied)
        return stack

    def _reconciler_stack(self, region: str, artefact: Path, before: list[Stack]) -> None:
        stack = self._stack("reconciler", region)
        for each in before:
            stack.add_stack_dependency(each)
        names = self._settings.names(region)
        stream, prefix_lists, peer = lookup.of_region(stack, self._settings, Arns(names))
        replica = Replica(stream, self._keys.get(region), prefix_lists, peer)
        Reconciler(stack, self._settings, names, replica, Code.from_asset(str(artefact)))


def stack_name(names: Names, part: str) -> str:
    """Return what a stack is called; its name must begin with a letter, a table's need not."""
    name = names.of(part).replace("_", "-")
    return name if name[0].isalpha() else f"table-{name}"


def main() -> None:
    """Synthesise what the context's settings say."""
    app = App()
    try:
        settings = _settings(app.node.try_get_context("settings"))
        if not ARTEFACT.is_dir():
            raise InvalidInput(f"there is no {ARTEFACT}; run scripts/package first")
    except ReconcilerError as problem:
        sys.exit(str(problem))
    Deployment(app, settings, ARTEFACT, os.environ.get("CDK_DEFAULT_ACCOUNT"))
    app.synth()


def _settings(path: object) -> Settings:
    try:
        return read_settings(Path(str(path)).read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise InvalidInput(f"settings: {problem}; name a file: -c settings=FILE") from None


if __name__ == "__main__":
    main()
