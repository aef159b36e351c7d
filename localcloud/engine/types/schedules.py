"""EventBridge Scheduler."""

from localcloud.engine.resource_type import ResourceType

TYPES = {
    "aws:scheduler/schedule:Schedule": ResourceType(
        service="scheduler",
        create="create_schedule",
        delete="delete_schedule",
        read="get_schedule",
        id="in.name",
        key={"Name": "id", "GroupName": "in.groupName"},
        name="name",
        updates={
            "update_schedule": (
                "scheduleExpression",
                "scheduleExpressionTimezone",
                "flexibleTimeWindow",
                "target",
                "state",
                "description",
            )
        },
        defaults={"description": "", "state": "ENABLED", "scheduleExpressionTimezone": "UTC"},
        replace=("name", "groupName"),
        actual={"scheduleExpression": "ScheduleExpression", "state": "State"},
        outputs={"arn": "res.Arn || res.ScheduleArn"},
    ),
}
