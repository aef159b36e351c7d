"""CloudWatch."""

from localcloud.engine.resource_type import ResourceType

TYPES = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": ResourceType(
        service="cloudwatch",
        create="put_metric_alarm",
        delete="delete_alarms",
        id="in.name",
        key={"AlarmNames": "[id]"},
        name="name",
        put=True,
        paths={"name": "AlarmName", "metricQueries": "Metrics"},
        replace=("name",),
        outputs={"arn": "join(':', ['arn:aws:cloudwatch', region, account, 'alarm', id])"},
    ),
}
