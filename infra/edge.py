"""CloudFront and a WAF before the HTTP doors of all regions, where the deployment asks for them.

The WAF refuses what AWS's managed rules know as an attack, addresses of bad repute, and more than
so many requests of one address. Nothing is cached; CloudFront calls the name that Route 53 leads to
a region. Certificate and WAF of CloudFront live in us-east-1.
Limit: who calls a region by its own name passes the WAF by, not the authorizer or the throttling.
Source: WAF guide, "AWS Managed Rules rule groups list", "Rate-based rule statement"; CloudFront
guide, "Use managed cache policies", "Use managed origin request policies".
"""

from aws_cdk.aws_cloudfront import CachePolicy, CfnDistribution, OriginRequestPolicy
from aws_cdk.aws_route53 import CfnRecordSet
from aws_cdk.aws_route53_targets import CloudFrontTarget
from aws_cdk.aws_wafv2 import CfnWebACL
from constructs import Construct

from infra.acknowledged import acknowledge_edge
from infra.api_settings import Domain
from infra.domain import certificate
from reconciler.deployment.names import Names

EDGE_REGION = "us-east-1"
_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
)
# It refuses bodies above 8 KB, which a write may have: the door has a bound of its own.
_COUNTED = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
_METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]


class Edge(Construct):
    """The distribution of a domain, its WAF, its certificate and its records."""

    def __init__(self, scope: Construct, names: Names, domain: Domain) -> None:
        super().__init__(scope, "Edge")
        firewall = self._firewall(names, domain)
        target = self._distribution(names, domain, firewall).attr_domain_name
        zone = CloudFrontTarget.CLOUDFRONT_ZONE_ID
        for kind in ("A", "AAAA"):
            CfnRecordSet(
                self,
                f"Record{kind}",
                name=domain.name,
                type=kind,
                hosted_zone_id=domain.hosted_zone,
                alias_target=CfnRecordSet.AliasTargetProperty(dns_name=target, hosted_zone_id=zone),
            )

    def _firewall(self, names: Names, domain: Domain) -> str:
        rate = CfnWebACL.RuleProperty(
            name="rate",
            priority=len(_GROUPS),
            action=CfnWebACL.RuleActionProperty(block={}),
            statement=CfnWebACL.StatementProperty(
                rate_based_statement=CfnWebACL.RateBasedStatementProperty(
                    aggregate_key_type="IP", limit=domain.rate, evaluation_window_sec=300
                )
            ),
            visibility_config=_seen("rate"),
        )
        made = CfnWebACL(
            self,
            "Firewall",
            name=names.of("firewall"),
            scope="CLOUDFRONT",
            default_action=CfnWebACL.DefaultActionProperty(allow={}),
            rules=[*(_managed(place, name) for place, name in enumerate(_GROUPS)), rate],
            visibility_config=_seen("all"),
        )
        arn: str = made.attr_arn
        return arn

    def _distribution(self, names: Names, domain: Domain, firewall: str) -> CfnDistribution:
        made = CfnDistribution(
            self,
            "Distribution",
            distribution_config=CfnDistribution.DistributionConfigProperty(
                enabled=True,
                comment=f"HTTP door of {names.table}",
                aliases=[domain.name],
                http_version="http2and3",
                ipv6_enabled=True,
                web_acl_id=firewall,
                origins=[_origin(domain)],
                default_cache_behavior=_uncached(),
                viewer_certificate=CfnDistribution.ViewerCertificateProperty(
                    acm_certificate_arn=certificate(self, domain).ref,
                    minimum_protocol_version="TLSv1.2_2021",
                    ssl_support_method="sni-only",
                ),
            ),
        )
        acknowledge_edge(made)
        return made


def _origin(domain: Domain) -> CfnDistribution.OriginProperty:
    return CfnDistribution.OriginProperty(
        id="door",
        domain_name=domain.routed,
        custom_origin_config=CfnDistribution.CustomOriginConfigProperty(
            origin_protocol_policy="https-only", origin_ssl_protocols=["TLSv1.2"]
        ),
    )


def _uncached() -> CfnDistribution.DefaultCacheBehaviorProperty:
    # HAZARD if answers were cached: a writer would edit an item as it was.
    caching = CachePolicy.CACHING_DISABLED
    forwarding = OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER
    return CfnDistribution.DefaultCacheBehaviorProperty(
        target_origin_id="door",
        viewer_protocol_policy="https-only",
        allowed_methods=_METHODS,
        cache_policy_id=caching.cache_policy_id,
        origin_request_policy_id=forwarding.origin_request_policy_id,
        compress=True,
    )


def _managed(priority: int, name: str) -> CfnWebACL.RuleProperty:
    counted = [
        CfnWebACL.RuleActionOverrideProperty(
            name=rule, action_to_use=CfnWebACL.RuleActionProperty(count={})
        )
        for rule in _COUNTED.get(name, ())
    ]
    group = CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS", name=name, rule_action_overrides=counted or None
    )
    return CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=CfnWebACL.OverrideActionProperty(none={}),
        statement=CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        visibility_config=_seen(name),
    )


def _seen(metric: str) -> CfnWebACL.VisibilityConfigProperty:
    """Return what WAF shows of a rule: counts, and no samples, for a request may hold an item."""
    return CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )
