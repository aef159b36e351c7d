"""The alarms of a stack, and a dashboard a model."""

import json
from collections.abc import Sequence

import pulumi
from pulumi_aws import cloudwatch

from infra.alarms import Alarm, function_alarms, model_alarms
from infra.components.alert_topic import AlertTopic
from infra.components.function import QueuedFunction
from infra.dashboard import dashboard
from infra.stack import Stack


class Alarms(pulumi.ComponentResource):
    """The topic and everything that tells by it that something needs a person."""

    def __init__(self, stack: Stack, functions: Sequence[QueuedFunction]) -> None:
        """`functions` are those that work off a queue."""
        super().__init__("comal:monitoring:Alarms", "alarms")
        child = pulumi.ResourceOptions(parent=self)
        topic = AlertTopic(stack, opts=child)
        nouns = [queued.inbox.noun for queued in functions]
        for alarm in function_alarms(stack.names, nouns):
            self._add(stack, alarm, topic.arn)
        for recipe in stack.recipes:
            alarms = model_alarms(stack.names, recipe, stack.settings.alarm_period_seconds)
            for alarm in alarms:
                self._add(stack, alarm, topic.arn)
            arns = [stack.names.arn("cloudwatch", f"alarm:{alarm.name}") for alarm in alarms]
            cloudwatch.Dashboard(
                recipe.model,
                dashboard_name=stack.names.of_model(recipe.model),
                dashboard_body=json.dumps(dashboard(stack.names, recipe, arns)),
                opts=child,
            )
        self.register_outputs({"topic": topic.arn})

    def _add(self, stack: Stack, alarm: Alarm, topic_arn: pulumi.Input[str]) -> None:
        is_percentile = alarm.statistic.startswith("p")
        cloudwatch.MetricAlarm(
            alarm.label,
            name=alarm.name,
            alarm_description=alarm.description,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            statistic=None if is_percentile else alarm.statistic,
            extended_statistic=alarm.statistic if is_percentile else None,
            # A percentile of a handful of calls is one of them.
            evaluate_low_sample_count_percentiles="ignore" if is_percentile else None,
            dimensions=dict(alarm.dimensions),
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=alarm.threshold,
            period=alarm.period_s,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.breaching,
            treat_missing_data=alarm.missing,
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            insufficient_data_actions=[topic_arn] if alarm.missing == "missing" else None,
            tags=stack.tags(alarm.model),
            opts=pulumi.ResourceOptions(parent=self),
        )
