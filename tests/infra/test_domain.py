"""The door's own name: how Route 53 leads it to a region, and which regions it leaves out."""

from typing import Any

import pytest

from tests.infra.stacks import REGIONS, SCENES, Stacks, synthesised

EU, OTHER = REGIONS[1], REGIONS[0]
NAME = "api.parties.example"
ROUTED = f"routed.{NAME}"
DOMAIN = SCENES["options"]["api"]["domain"]


def of(kind: str) -> dict[str, dict[str, Any]]:
    return synthesised("options").all("reconciler", kind)


def record(name: str) -> dict[str, Any]:
    [found] = [each for each in of("AWS::Route53::RecordSet").values() if each["Name"] == name]
    return found


def serves(well: set[str], answering: set[str]) -> bool:
    """Return what Route 53 would make of the checks on the region's record."""
    checks = of("AWS::Route53::HealthCheck")

    def passes(reference: str) -> bool:
        check = checks[reference.removesuffix(".HealthCheckId")]["HealthCheckConfig"]
        if check["Type"] == "HTTPS":
            region = check["FullyQualifiedDomainName"].removesuffix(f".{NAME}")
            assert region in REGIONS[:2]
            return region in (well if check["ResourcePath"] == "/health" else answering)
        passing = sum(map(passes, check["ChildHealthChecks"]))
        return bool((passing >= check["HealthThreshold"]) != check["Inverted"])

    return passes(record(ROUTED)["HealthCheckId"])


@pytest.mark.parametrize(
    ("well", "answering", "served"),
    [
        ({EU, OTHER}, {EU, OTHER}, True),
        ({EU}, {EU, OTHER}, True),
        ({OTHER}, {EU, OTHER}, False),
        ({OTHER}, {OTHER}, False),
        (set(), {EU, OTHER}, True),  # what all depend on is sick: that takes nobody out
        (set(), {EU}, True),
        (set(), {OTHER}, False),
    ],
)
def test_a_region_serves_while_it_answers_and_is_well_or_nobody_else_is(
    well: set[str], answering: set[str], served: bool
) -> None:
    assert serves(well, answering) == served


def test_the_nearest_region_that_serves_is_found_by_the_name_of_all() -> None:
    found = record(ROUTED)

    assert (found["Region"], found["SetIdentifier"], found["Type"]) == (EU, EU, "A")
    names = of("AWS::ApiGatewayV2::DomainName")
    [routed] = [key for key, each in names.items() if each["DomainName"] == ROUTED]
    assert found["AliasTarget"]["DNSName"] == f"{routed}.RegionalDomainName"
    assert "HealthCheckId" not in record(f"{EU}.{NAME}")


def test_both_names_lead_to_the_api_by_tls_of_today_with_one_certificate() -> None:
    names = of("AWS::ApiGatewayV2::DomainName")
    [certificate] = of("AWS::CertificateManager::Certificate")
    for each in names.values():
        [how] = each["DomainNameConfigurations"]
        assert how["SecurityPolicy"] == "TLS_1_2"
        assert how["EndpointType"] == "REGIONAL"
        assert how["CertificateArn"] == certificate
    [api] = of("AWS::ApiGatewayV2::Api")
    mapped = of("AWS::ApiGatewayV2::ApiMapping").values()
    assert {each["DomainName"] for each in mapped} == set(names)
    assert {each["ApiId"] for each in mapped} == {f"{api}.ApiId"}


def test_the_certificate_is_validated_in_the_zone_for_all_its_names() -> None:
    [made] = of("AWS::CertificateManager::Certificate").values()

    assert made["ValidationMethod"] == "DNS"
    covered = {made["DomainName"], *made["SubjectAlternativeNames"]}
    assert covered == {NAME, f"*.{NAME}"}
    validated = {each["DomainName"]: each["HostedZoneId"] for each in
                 made["DomainValidationOptions"]}  # fmt: skip
    assert validated == dict.fromkeys(covered, DOMAIN["hosted_zone"])


def test_an_api_with_a_name_of_its_own_has_no_other_address() -> None:
    [api] = of("AWS::ApiGatewayV2::Api").values()
    [plain] = synthesised("aws-owned").all("reconciler", "AWS::ApiGatewayV2::Api").values()

    assert api["DisableExecuteApiEndpoint"] is True
    assert "DisableExecuteApiEndpoint" not in plain


def test_without_a_firewall_callers_use_the_name_that_is_routed() -> None:
    api = {**SCENES["options"]["api"], "domain": {**DOMAIN, "firewall": False}}
    stacks = Stacks({**SCENES["options"], "api": api})

    records = stacks.all("reconciler", "AWS::Route53::RecordSet").values()
    assert {each["Name"] for each in records} == {NAME, f"{EU}.{NAME}"}
    assert not [name for name in stacks.names() if "-edge-" in name]
