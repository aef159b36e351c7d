"""Where alarms are told to people: an encrypted SNS topic, with a mail address where the stack names one."""

import json

import pulumi
from pulumi_aws import budgets, kms, sns

from infra.policies import resources
from infra.stack import Stack

KEY_DELETION_DAYS = 7
# Shares of the monthly budget: what was spent, and what the month is heading for.
SPENT_PERCENT, FORECAST_PERCENT = 80, 100


class AlertTopic(pulumi.ComponentResource):
    """The topic, its key and, with a monthly budget, what tells that it runs out.

    Alarms cannot publish to a topic under AWS's own SNS key, so it has one of its own.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html

    Attributes:
        arn: ARN of the topic.
    """

    def __init__(self, stack: Stack, *, opts: pulumi.ResourceOptions) -> None:
        super().__init__("comal:monitoring:AlertTopic", "alerts", None, opts)
        child = pulumi.ResourceOptions(parent=self)
        names, tags = stack.names, stack.tags()
        key = kms.Key(
            "alerts",
            description=f"Encrypts {names.shared('alerts')}",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            policy=json.dumps(resources.alert_key(names)),
            tags=tags,
            opts=child,
        )
        topic = sns.Topic(
            "alerts",
            name=names.shared("alerts"),
            display_name=f"comal {names.stack}",
            kms_master_key_id=key.key_id,
            policy=json.dumps(resources.alert_topic(names)),
            tags=tags,
            opts=child,
        )
        self.arn = topic.arn
        if stack.settings.alert_email:
            sns.TopicSubscription(
                "alerts", topic=topic.arn, protocol="email", endpoint=stack.settings.alert_email, opts=child
            )
        if stack.settings.monthly_budget_usd:
            self._add_budget(stack)
        self.register_outputs({"arn": self.arn})

    def _add_budget(self, stack: Stack) -> None:
        """What the stack's resources cost, by their tag; the tag must be activated for cost allocation once.

        https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
        """
        notifications = [
            budgets.BudgetNotificationArgs(
                comparison_operator="GREATER_THAN",
                notification_type=kind,
                threshold=percent,
                threshold_type="PERCENTAGE",
                subscriber_sns_topic_arns=[self.arn],
            )
            for kind, percent in (("ACTUAL", SPENT_PERCENT), ("FORECASTED", FORECAST_PERCENT))
        ]
        budgets.Budget(
            "monthly",
            name=stack.names.shared("monthly"),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(stack.settings.monthly_budget_usd),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:comal:stack${stack.names.stack}"]}],
            notifications=notifications,
            tags=stack.tags(),
            opts=pulumi.ResourceOptions(parent=self),
        )
