"""Tests lie where their module lies; what has no module, or no tests there, says why."""

from pathlib import Path

import pytest

from tests.conftest import SLOW
from tests.test_architecture import ROOT, SOURCES, relative

TESTS = ROOT / "tests"

# A folder stands for all test files in it that have no module.
ABOUT_MORE_THAN_A_MODULE = {
    "tests/aws/test_contract.py": "the ports' contract, for the adapters and the fakes alike",
    "tests/aws/test_dead_letter_contract.py": "the same for a redrive's ports",
    "tests/aws/test_dead_letter_failures.py": "what a redrive's adapters make of AWS's failures",
    "tests/aws/test_failures.py": "what the other adapters make of AWS's failures",
    "tests/aws/test_instrumented_calls.py": "what an instrumented client sends and refuses",
    "tests/aws/test_instrumented_histories.py": "instrumented clients of two regions at once",
    "tests/aws/test_instrumented_pynamodb.py": "PynamoDB's models on an instrumented client",
    "tests/aws/test_instrumented_tokens.py": "transactions that are made again with their token",
    "tests/aws/test_named_contract.py": "the same for named writes of the write client",
    "tests/aws/test_named_writes.py": "named writes on DynamoDB, and their document's examples",
    "tests/crdt/test_laws.py": "the laws of the join, for every type",
    "tests/detection/test_broken_records.py": "records that nobody can read, in their batch",
    "tests/golden": "bytes that releases share",
    "tests/handlers/test_classic_versions.py": "items of a classic schema, through both functions",
    "tests/handlers/test_logs.py": "what every function logs, and what it must not",
    "tests/handlers/test_runtime_client.py": "every function under Lambda's runtime client",
    "tests/infra": "a test for each promise of the stacks, which many constructs make together",
    "tests/local/test_clients_of_others.py": "object mappers in two regions, on whole clouds",
    "tests/local/test_documented_answers.py": "doors of two regions, held to their document",
    "tests/local/test_bulk_load.py": "an ingest in two regions whose workers are killed",
    "tests/local/test_operations_of_a_public_suite.py": "callers' answers, beside a plain client's",
    "tests/local/test_outages.py": "functions that fail or stop, on whole clouds",
    "tests/promises": "promises of more than one room",
    "tests/redrive/test_interruptions.py": "a run that stops at any call, whatever it is doing",
    "tests/resolution/test_broken_messages.py": "messages that are broken or forged, in a batch",
    "tests/resolution/test_named_losses.py": "named writes, from the stream to the item",
    "tests/simulation/report/test_raw_writes.py": "what the story and the page say of raw clients",
    "tests/simulation/test_outside_cases.py": "small schedules with raw clients, and what is right",
    "tests/simulation/test_sabotage.py": "every rule of the protocol is missed when it is broken",
    "tests/local/test_storm.py": "thousands of conflicts at once, end to end",
    "tests/local/test_whole_tables.py": "tables adopted and swept by the commands, on whole clouds",
    "tests/local/worker/test_perseverance.py": "workers that fail, go on and are started again",
    "tests/sweeping/test_out_again.py": "the document's way out of the library",
    "tests/test_architecture.py": "the rules of the code",
    "tests/test_layout.py": "the rules of the tests",
    "tests/test_readme.py": "what the README says runs, and is true",
}

# A folder stands for all modules in it that have no tests at their path.
TESTED_ELSEWHERE = {
    "handlers/schema_settings.py": "with the functions that have a schema, in test_ingest",
    "handlers/api_function.py": "what the routes share, in handlers/test_api",
    "infra": "by what the synthesised stacks promise, in tests/infra",
    "reconciler/api": "by whole requests and their answers, in handlers/test_api",
    "reconciler/aws": "adapters: by the contract and the failures, in tests/aws",
    "reconciler/calls": "by callers' answers, in tests/aws/test_instrumented*",
    "reconciler/cli/conflict_views.py": "with its command, in test_conflicts",
    "reconciler/cli/demo.py": "run as its user runs it, in tests/demo",
    "reconciler/cli/drill.py": "in tests/drills/failure/test_drill.py",
    "reconciler/cli/guests.py": "in tests/drills/guests/test_drill.py",
    "reconciler/cli/metric_views.py": "with its command, in test_metrics",
    "reconciler/cli/migration.py": "in tests/drills/migration/test_drill.py",
    "reconciler/cli/schema_file.py": "with who takes such a file, in test_local and test_adopt",
    "reconciler/cli/simulate.py": "run as its user runs it, in tests/simulation",
    "reconciler/cli/whole_tables.py": "with its commands, in test_adopt and test_sweep",
    "reconciler/client/blind.py": "with every look at an item, in test_named_writes",
    "reconciler/client/placeholders.py": "with what is joined by it, in calls/test_conditions",
    "reconciler/client/transacting.py": "with transactions, in test_table",
    "reconciler/client/writer.py": "with all that a table writes, in test_table",
    "reconciler/client/queries.py": "with what a table yields, in test_table",
    "reconciler/client/replacing.py": "by the store's contract, in aws/test_contract",
    "reconciler/client/shown.py": "with what an editor shows, in test_editor",
    "reconciler/client/tracked.py": "with a dict user's habits, in test_editor",
    "reconciler/client/lost_answers.py": "with every way to lose an answer, in test_table",
    "reconciler/conflict/marks.py": "with what they are for, in test_marking",
    "reconciler/conflict/verdict.py": "with what a record means, in test_classification",
    "reconciler/crdt/base.py": "by the laws of the join and by each type",
    "reconciler/crdt/counter_removals.py": "with the counters that hold them, in test_counter_pn",
    "reconciler/crdt/counter_slots.py": "with what is filed of counters, in test_plain",
    "reconciler/crdt/dot_function.py": "with each register that is made of it",
    "reconciler/crdt/elements.py": "with both sets that are made of it",
    "reconciler/demo": "by whole runs, in test_run",
    "reconciler/deployment": "mostly data, which tests/infra compares with what is deployed",
    "reconciler/detection": "by what the detector makes of records, in test_detector",
    "reconciler/doctor": "each check both ways, in test_doctor",
    "reconciler/drills": "parts of drills: by whole ones, in test_drill and test_on_this_machine",
    "reconciler/feed": "by decisions carried out, in test_carrying_out and handlers/test_approve",
    "reconciler/ingest": "parts of an ingest: by whole objects, in handlers/test_ingest",
    "reconciler/item/standing.py": "with the names that clients add to, client/test_named_writes",
    "reconciler/item/replaying.py": "with the names that are replayed, in test_names",
    "reconciler/item/undoing.py": "with what names took the place of, in test_names",
    "reconciler/item/replicated.py": "data: with its wire form, in test_metadata",
    "reconciler/local": "parts of a cloud: by whole ones, in test_cloud and worker/test_process",
    "reconciler/metrics": "parts of the page and of the text, in test_page",
    "reconciler/ports.py": "protocols: held by tests/aws/test_contract.py",
    "reconciler/redrive": "parts of a run, in test_drain, test_redriver and cli/test_redrive",
    "reconciler/resolution/evidence.py": "with what is merged, in test_resolver",
    "reconciler/simulation": "parts of a world: by whole runs, in test_world and test_search",
    "reconciler/sweeping/tally.py": "with what is counted, in test_adoption and test_anti_entropy",
    "reconciler/text/page.py": "by both pages, metrics/test_page and simulation/report/test_page",
    "scripts": "they start commands; tests/test_readme.py looks at them",
}


def place_of_tests(module: Path) -> str:
    """Return where a module's tests lie; a package's own in a file of its name."""
    parts = module.relative_to(ROOT).parts
    *folders, name = parts[1:] if parts[0] == "reconciler" else parts
    name = f"{folders[-1] if folders else parts[0]}.py" if name == "__init__.py" else name
    return "/".join(["tests", *folders, f"test_{name}"])


def files_of_tests() -> set[str]:
    return {relative(path) for path in TESTS.rglob("test_*.py")}


def named_by(listed: dict[str, str], path: str) -> set[str]:
    """Return the entries of a list that stand for a path."""
    return {entry for entry in listed if path == entry or path.startswith(f"{entry}/")}


def held(listed: dict[str, str], paths: set[str]) -> None:
    """Fail unless a list stands for all of the paths, and each of its entries for some."""
    assert {path for path in paths if not named_by(listed, path)} == set()
    assert set(listed) - {entry for path in paths for entry in named_by(listed, path)} == set()


def test_every_test_file_has_its_module_or_says_what_it_is_about() -> None:
    places = {place_of_tests(module) for module in SOURCES}

    held(ABOUT_MORE_THAN_A_MODULE, files_of_tests() - places)


def test_every_module_has_its_tests_or_says_where_it_is_tested() -> None:
    there = files_of_tests()
    modules = {path for path in SOURCES if path.name != "__init__.py"}

    held(TESTED_ELSEWHERE, {relative(p) for p in modules if place_of_tests(p) not in there})


@pytest.mark.parametrize("slow", SLOW)
def test_what_is_listed_as_slow_is_there(slow: str) -> None:
    assert (TESTS / slow).exists()


def test_helpers_at_the_top_serve_more_than_one_folder() -> None:
    helpers = {p.stem for p in TESTS.glob("*.py")} - {"__init__", "check", "conftest"}
    users = {
        name: {
            path.relative_to(TESTS).parts[0]
            for path in TESTS.rglob("*.py")
            if f"tests.{name} import" in path.read_text() and path.stem != name
        }
        for name in helpers
        if not name.startswith("test_")
    }

    assert {name for name, folders in users.items() if len(folders) < 2} == set()
