"""Systems Manager parameters."""

from localcloud.engine.resource_type import ResourceType

TYPES = {
    "aws:ssm/parameter:Parameter": ResourceType(
        service="ssm",
        create="put_parameter",
        delete="delete_parameter",
        read="get_parameter",
        id="in.name",
        key={"Name": "id"},
        name="name",
        put=True,
        fixed={"put_parameter": {"Overwrite": True}},
        replace=("name",),
        outputs={"arn": "join('', ['arn:aws:ssm:', region, ':', account, ':parameter', id])"},
    ),
}
