"""The HTTP door's own name: a certificate, two names in each region, and the routing between them.

Each region has a name of its own, and Route 53 leads the name of all to the nearest region that is
well. A region is out of it while its function does not answer, or while its `/health` says that
something is wrong and another region's says that there all is well.
HAZARD if `/health` alone decided: what all regions depend on would take all of them out at once.
A region's stack has its own checks of the others, so nothing here waits for another stack.
Source: Route 53 guide, "Latency-based routing", "Health checks that monitor other health checks";
API Gateway guide, "Custom domain names for HTTP APIs"; ACM guide, "DNS validation".
"""

from collections.abc import Mapping, Sequence

from aws_cdk.aws_apigatewayv2 import CfnApiMapping, CfnDomainName, CfnStage
from aws_cdk.aws_certificatemanager import CfnCertificate
from aws_cdk.aws_route53 import CfnHealthCheck, CfnRecordSet
from constructs import Construct

from infra.api_settings import Domain

_HEALTH, _LIVE = "/health", "/health/live"
_EVERY_SECONDS, _FAILURES = 30, 3
_HTTPS = 443


def certificate(scope: Construct, domain: Domain) -> CfnCertificate:
    """Make the certificate of a domain's name and of all names below it."""
    names = [domain.name, f"*.{domain.name}"]
    validation = [
        CfnCertificate.DomainValidationOptionProperty(
            domain_name=name, hosted_zone_id=domain.hosted_zone
        )
        for name in names
    ]
    return CfnCertificate(
        scope,
        "Certificate",
        domain_name=domain.name,
        subject_alternative_names=names[1:],
        validation_method="DNS",
        domain_validation_options=validation,
    )


class DoorName(Construct):
    """The names of one region's API. `others` are the other regions."""

    def __init__(
        self,
        scope: Construct,
        domain: Domain,
        stage: CfnStage,
        region: str,
        others: Sequence[str],
    ) -> None:
        super().__init__(scope, "Domain")
        self._domain, self._stage = domain, stage
        self._certificate = certificate(self, domain).ref
        own = self._name("Own", domain.of(region))
        CfnRecordSet(self, "OwnRecord", **self._alias(domain.of(region), own))
        routed = self._name("Routed", domain.routed)
        CfnRecordSet(
            self,
            "RoutedRecord",
            **self._alias(domain.routed, routed),
            set_identifier=region,
            region=region,
            health_check_id=self._is_well(region, others),
        )

    def _name(self, part: str, name: str) -> CfnDomainName:
        configuration = CfnDomainName.DomainNameConfigurationProperty(
            certificate_arn=self._certificate,
            endpoint_type="REGIONAL",
            security_policy="TLS_1_2",
        )
        made = CfnDomainName(
            self, part, domain_name=name, domain_name_configurations=[configuration]
        )
        CfnApiMapping(
            self,
            f"{part}Mapping",
            api_id=self._stage.api_id,
            domain_name=made.ref,
            stage=self._stage.ref,
        )
        return made

    def _alias(self, name: str, target: CfnDomainName) -> Mapping[str, object]:
        alias = CfnRecordSet.AliasTargetProperty(
            dns_name=target.attr_regional_domain_name,
            hosted_zone_id=target.attr_regional_hosted_zone_id,
        )
        zone = self._domain.hosted_zone
        return {"name": name, "type": "A", "hosted_zone_id": zone, "alias_target": alias}

    def _is_well(self, region: str, others: Sequence[str]) -> str:
        """Return the check of this region: it answers, and is well or no worse than the others."""
        answers = self._asked("Answers", region, _LIVE)
        well = self._asked("Well", region, _HEALTH)
        elsewhere = [self._asked(f"Well-{other}", other, _HEALTH) for other in others]
        nobody = self._counted("NobodyElse", elsewhere, 1, inverted=True)
        no_worse = self._counted("NoWorse", [well, nobody], 1)
        return self._counted("Serves", [answers, no_worse], 2)

    def _asked(self, part: str, region: str, path: str) -> str:
        return self._check(
            part,
            CfnHealthCheck.HealthCheckConfigProperty(
                type="HTTPS",
                fully_qualified_domain_name=self._domain.of(region),
                port=_HTTPS,
                resource_path=path,
                enable_sni=True,
                request_interval=_EVERY_SECONDS,
                failure_threshold=_FAILURES,
            ),
        )

    def _counted(
        self, part: str, children: list[str], threshold: int, *, inverted: bool = False
    ) -> str:
        """Return a check that passes if as many others do; the other way round if inverted."""
        return self._check(
            part,
            CfnHealthCheck.HealthCheckConfigProperty(
                type="CALCULATED",
                child_health_checks=children,
                health_threshold=threshold,
                inverted=inverted,
            ),
        )

    def _check(self, part: str, configuration: CfnHealthCheck.HealthCheckConfigProperty) -> str:
        check: str = CfnHealthCheck(
            self, part, health_check_config=configuration
        ).attr_health_check_id
        return check
