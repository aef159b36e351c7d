"""What makes a model train again by itself: new data, its alarms, its schedule."""

import json
from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_aws import scheduler

from comal.events import SOURCE
from comal.recipe import Recipe
from comal.watched_alarms import watched_alarms
from infra.components.function import Inbox
from infra.components.role import Role
from infra.policies import services
from infra.stack import Stack


class ContinuousTraining(pulumi.ComponentResource):
    """What fills the queue of request_training; without it training waits for a request."""

    def __init__(self, stack: Stack, *, inbox: Inbox) -> None:
        """`inbox` is the queue of request_training."""
        super().__init__("comal:training:ContinuousTraining", "continuous-training")
        waiting = [recipe.model for recipe in stack.recipes if recipe.feature_groups]
        self._add_rows(stack, inbox, "validated", "BatchValidated", [{"anything-but": waiting}] if waiting else [])
        if waiting:
            self._add_rows(stack, inbox, "ingested", "FeaturesIngested", waiting)
        for recipe in stack.recipes:
            self._add_alarms(stack, recipe, inbox)
        scheduled = [recipe for recipe in stack.recipes if recipe.retrain.schedule]
        if scheduled:
            child = pulumi.ResourceOptions(parent=self)
            role = Role(
                "retrain_schedule",
                stack,
                service="scheduler.amazonaws.com",
                policy=services.schedule(stack.names, "request_training"),
                opts=child,
            )
            for recipe in scheduled:
                self._add_schedule(stack, recipe, inbox, role)
        self.register_outputs({})

    def _add_rows(self, stack: Stack, inbox: Inbox, reason: str, event: str, models: Sequence[Any]) -> None:
        """New rows: those of models with feature groups count when their features are there."""
        detail = {"stack": [stack.names.stack], **({"model": models} if models else {})}
        inbox.receives(reason, {"source": [SOURCE], "detail-type": [event], "detail": detail}, parent=self)

    def _add_alarms(self, stack: Stack, recipe: Recipe, inbox: Inbox) -> None:
        """Both ends of an alarm: that it goes off, and that it rests again."""
        alarms = watched_alarms(stack.names, recipe)
        if not alarms:
            return
        pattern = {
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "detail": {"alarmName": alarms, "state": {"value": ["ALARM", "OK"]}},
        }
        inbox.receives(f"alarms-{recipe.model}", pattern, parent=self)

    def _add_schedule(self, stack: Stack, recipe: Recipe, inbox: Inbox, role: Role) -> None:
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
        message = {
            "source": SOURCE,
            "detail-type": "Schedule",
            "model": recipe.model,
            "time": "<aws.scheduler.scheduled-time>",
        }
        scheduler.Schedule(
            f"{recipe.model}-retrain",
            name=f"{stack.names.of_model(recipe.model)}-retrain",
            schedule_expression=recipe.retrain.schedule,
            flexible_time_window={"mode": "OFF"},
            target={"arn": inbox.arn, "role_arn": role.arn, "input": json.dumps(message)},
            opts=pulumi.ResourceOptions(parent=self),
        )
