"""CloudFront and the WAF before the doors: nothing is cached, and floods are refused."""

from typing import Any

from tests.infra.stacks import REGIONS, SCENES, synthesised

DOMAIN = SCENES["options"]["api"]["domain"]
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def one(kind: str) -> dict[str, Any]:
    return synthesised("options").one("edge", kind, REGIONS[0])


def distribution() -> dict[str, Any]:
    config: dict[str, Any] = one("AWS::CloudFront::Distribution")["DistributionConfig"]
    return config


def test_the_distribution_calls_the_routed_name_over_tls_and_caches_nothing() -> None:
    config = distribution()
    [origin] = config["Origins"]
    behaviour = config["DefaultCacheBehavior"]

    assert origin["DomainName"] == f"routed.{DOMAIN['name']}"
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert behaviour["CachePolicyId"] == CACHING_DISABLED
    assert behaviour["OriginRequestPolicyId"] == ALL_BUT_HOST
    assert {"POST", "PATCH", "DELETE"} <= set(behaviour["AllowedMethods"])
    assert behaviour["ViewerProtocolPolicy"] == "https-only"
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"


def test_callers_find_it_by_the_door_s_name_over_both_protocols() -> None:
    records = synthesised("options").all("edge", "AWS::Route53::RecordSet", REGIONS[0]).values()

    assert {(each["Name"], each["Type"]) for each in records} == {
        (DOMAIN["name"], "A"),
        (DOMAIN["name"], "AAAA"),
    }
    assert distribution()["Aliases"] == [DOMAIN["name"]]


def test_the_firewall_stands_before_it_with_managed_rules_and_a_rate() -> None:
    firewall = one("AWS::WAFv2::WebACL")

    [logical] = synthesised("options").all("edge", "AWS::WAFv2::WebACL", REGIONS[0])
    assert distribution()["WebACLId"] == f"{logical}.Arn"
    assert firewall["Scope"] == "CLOUDFRONT"
    rules = {rule["Name"]: rule for rule in firewall["Rules"]}
    rate = rules.pop("rate")
    assert rate["Action"] == {"Block": {}}
    limit = {"AggregateKeyType": "IP", "Limit": DOMAIN["rate"], "EvaluationWindowSec": 300}
    assert rate["Statement"]["RateBasedStatement"] == limit
    assert len(rules) == 3
    assert all(name.startswith("AWSManagedRules") for name in rules)


def test_a_body_that_the_door_would_take_is_not_refused_for_its_size() -> None:
    rules = {rule["Name"]: rule for rule in one("AWS::WAFv2::WebACL")["Rules"]}
    common = rules["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]

    [override] = common["RuleActionOverrides"]
    assert override == {"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}


def test_no_request_is_kept_as_a_sample() -> None:
    firewall = one("AWS::WAFv2::WebACL")
    seen = [firewall["VisibilityConfig"], *(r["VisibilityConfig"] for r in firewall["Rules"])]

    assert {each["SampledRequestsEnabled"] for each in seen} == {False}
