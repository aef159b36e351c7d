"""CloudWatch Logs."""

from localcloud.engine.resource_type import ResourceType, Tagging

_ARN = "join(':', ['arn:aws:logs', region, account, 'log-group', id])"

TYPES = {
    "aws:cloudwatch/logGroup:LogGroup": ResourceType(
        service="logs",
        create="create_log_group",
        delete="delete_log_group",
        id="in.name",
        key={"logGroupName": "id"},
        name="name",
        paths={"name": "logGroupName"},
        updates={"put_retention_policy": ("retentionInDays",)},
        tagging=Tagging("tag_resource", "untag_resource", {"resourceArn": _ARN}),
        defaults={"tags": {}},
        local=("skipDestroy",),
        replace=("name",),
        outputs={"arn": _ARN},
    ),
}
