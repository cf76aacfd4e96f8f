"""What resources are called: any table, any environment, and what each service takes."""

import pytest

from reconciler.deployment.names import MAX_SUFFIX, Names, is_module_name, partition_of

LONGEST_REGION = "ap-southeast-1"
FUNCTION_LIMIT, BUCKET_LIMIT = 64, 63


def test_a_name_says_table_resource_region_and_environment() -> None:
    assert Names("parties", "eu-west-1").home_queue == "parties-resolve-eu-west-1"
    assert Names("parties", "eu-west-1", "dev").home_queue == "parties-resolve-eu-west-1-dev"


def test_a_table_named_after_its_environment_does_not_say_it_twice() -> None:
    names = Names("parties-dev", "eu-west-1", "dev")

    assert names.table == "parties-dev"
    assert names.ledger == "parties-ledger-eu-west-1-dev"


@pytest.mark.parametrize("table", ["T" * 255, "Stack-OrdersTable-1ABCDEFGHIJKL2", "prod.orders"])
def test_any_table_has_names_that_every_service_takes(table: str) -> None:
    names = Names(table, LONGEST_REGION, "x" * MAX_SUFFIX)

    assert len(names.of("lookup-stream")) <= FUNCTION_LIMIT
    assert len(names.evidence_bucket) <= BUCKET_LIMIT
    assert names.evidence_bucket == names.evidence_bucket.lower()
    assert "." not in names.home_queue + names.evidence_bucket


@pytest.mark.parametrize("table", ["T" * 255, "parties", "prod.orders", "orders-of-the-world-1"])
def test_buckets_of_copies_have_names_that_s3_takes_and_that_tell_of_what_and_where(
    table: str,
) -> None:
    regions = (LONGEST_REGION, "us-isof-south-1", "eu-west-1", "eu-west-2")
    made = {
        Names(table, region, "x" * MAX_SUFFIX).copy_of(resource, peer)
        for region in regions
        for peer in regions
        for resource in ("evidence", "ingest")
    }

    assert len(made) == 2 * len(regions) ** 2
    assert all(len(name) <= BUCKET_LIMIT for name in made)
    assert all(name == name.lower().replace(".", "-") for name in made)


def test_tables_whose_names_begin_alike_are_told_apart() -> None:
    first, second = (Names(f"{'long' * 9}-{n}", "eu-west-1") for n in (1, 2))

    assert first.ledger != second.ledger
    assert first.evidence_bucket != second.evidence_bucket
    assert first.copy_of("ingest", "us-east-1") != second.copy_of("ingest", "us-east-1")


def test_names_of_one_table_differ() -> None:
    names = Names("parties", "eu-west-1")

    queues = {*names.dead_letter_queues(), names.home_queue, names.witness_queue}
    assert len(queues) == 7


@pytest.mark.parametrize(
    ("first", "second"), [("Parties", "parties"), ("my_orders", "my-orders"), ("Aa", "aA")]
)
def test_tables_that_differ_in_case_or_underscores_have_buckets_of_their_own(
    first: str, second: str
) -> None:
    one, other = (Names(f"{name}-table", "eu-west-1", "dev") for name in (first, second))
    assert one.evidence_bucket != other.evidence_bucket
    for names in (one, other):
        assert len(names.evidence_bucket) <= BUCKET_LIMIT
        assert names.evidence_bucket == names.evidence_bucket.lower().replace("_", "-")


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        *(("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")),
        *(("us-iso-east-1", "aws-iso"), ("us-isob-east-1", "aws-iso-b")),
        *(("us-isof-south-1", "aws-iso-f"), ("eu-isoe-west-1", "aws-iso-e")),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_is_in_the_partition_that_its_name_begins_with(
    region: str, partition: str
) -> None:
    assert partition_of(region) == partition


@pytest.mark.parametrize("name", ["a-b", "a..b", "", "1st", "a.class", "import", "a b"])
def test_what_python_cannot_import_is_no_modules_name(name: str) -> None:
    assert not is_module_name(name)
    assert is_module_name("shop.merging")
