"""What an alarm is, and how CloudFormation has it.

It tells the topic when it goes on and when it is over. Its description says what it means and where
its entry in the runbook is.
Source: CloudWatch API reference, PutMetricAlarm; CloudWatch guide, "Configuring how alarms treat
missing data", "Math expressions with metrics".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from aws_cdk.aws_cloudwatch import CfnAlarm
from constructs import Construct

from infra.metrics import Metric

RUNBOOK = "infra/RUNBOOK.md"
_RESULT = "result"
Query: TypeAlias = CfnAlarm.MetricDataQueryProperty


@dataclass(frozen=True)
class Alarm:
    """One alarm: which numbers, how long above which limit, have a person told.

    kind: its entry in the runbook. about: which it is, of several of a kind. metrics: by the ids
    that `expression` names them by; without one there is one metric. It is on while that is above
    the limit in `breaching` of the last `periods`; None: in all. on_silence: it is on while nothing
    is reported, whatever it would be; else what is not reported is well.
    """

    kind: str
    means: str
    metrics: Mapping[str, Metric]
    above: float = 0
    expression: str = ""
    about: str = ""
    period_seconds: int = 300
    periods: int = 1
    breaching: int | None = None
    on_silence: bool = False

    @property
    def resource(self) -> str:
        """What its name says of it."""
        return "-".join(filter(None, (self.kind, self.about)))


def make_alarm(scope: Construct, alarm: Alarm, name: str, topic: str, runbook: str) -> None:
    """Make an alarm. runbook: where the runbook can be read; without, its path in this project."""
    CfnAlarm(
        scope,
        alarm.resource,
        alarm_name=name,
        alarm_description=f"{alarm.means} What to do: {runbook or RUNBOOK}#{alarm.kind}",
        metrics=_queries(alarm),
        comparison_operator="LessThanThreshold" if alarm.on_silence else "GreaterThanThreshold",
        threshold=1 if alarm.on_silence else alarm.above,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.breaching or alarm.periods,
        treat_missing_data="breaching" if alarm.on_silence else "notBreaching",
        alarm_actions=[topic],
        ok_actions=[topic],
    )


def _queries(alarm: Alarm) -> list[Query]:
    queries = [
        Query(
            id=identifier,
            metric_stat=_measured(metric, alarm.period_seconds),
            return_data=not alarm.expression,
        )
        for identifier, metric in alarm.metrics.items()
    ]
    if alarm.expression:
        queries.append(Query(id=_RESULT, expression=alarm.expression, return_data=True))
    return queries


def _measured(metric: Metric, period: int) -> CfnAlarm.MetricStatProperty:
    return CfnAlarm.MetricStatProperty(
        metric=CfnAlarm.MetricProperty(
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=[
                CfnAlarm.DimensionProperty(name=name, value=value)
                for name, value in metric.dimensions.items()
            ],
        ),
        period=period,
        stat=metric.statistic,
    )
