"""CloudWatch."""

from localcloud.engine.resource_type import ResourceType, Tagging

_ARN = "join(':', ['arn:aws:cloudwatch', region, account, 'alarm', id])"

TYPES = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": ResourceType(
        service="cloudwatch",
        create="put_metric_alarm",
        delete="delete_alarms",
        id="in.name",
        key={"AlarmNames": "[id]"},
        read="describe_alarms",
        is_there=lambda answer, _id, _inputs: bool(answer["MetricAlarms"]),
        name="name",
        put=True,
        paths={
            "name": "AlarmName",
            "metricQueries": "Metrics",
            "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        },
        tagging=Tagging("tag_resource", "untag_resource", {"ResourceARN": "out.arn"}),
        defaults={"tags": {}},
        replace=("name",),
        actual={"threshold": "MetricAlarms[0].Threshold", "period": "MetricAlarms[0].Period"},
        outputs={"arn": _ARN},
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ResourceType(
        service="cloudwatch",
        create="put_composite_alarm",
        delete="delete_alarms",
        id="in.alarmName",
        key={"AlarmNames": "[id]"},
        read="describe_alarms",
        is_there=lambda answer, _id, _inputs: bool(answer["CompositeAlarms"]),
        name="alarmName",
        put=True,
        tagging=Tagging("tag_resource", "untag_resource", {"ResourceARN": "out.arn"}),
        defaults={"tags": {}},
        replace=("alarmName",),
        actual={"alarmRule": "CompositeAlarms[0].AlarmRule"},
        fixed={"describe_alarms": {"AlarmTypes": ["CompositeAlarm"]}},
        outputs={"arn": _ARN},
    ),
    "aws:cloudwatch/dashboard:Dashboard": ResourceType(
        service="cloudwatch",
        create="put_dashboard",
        delete="delete_dashboards",
        id="in.dashboardName",
        key={"DashboardName": "id", "DashboardNames": "[id]"},
        read="get_dashboard",
        name="dashboardName",
        put=True,
        replace=("dashboardName",),
        actual={"dashboardBody": "DashboardBody"},
        outputs={"dashboardArn": "join('', ['arn:aws:cloudwatch::', account, ':dashboard/', id])"},
    ),
}
