"""Systems Manager parameters."""

from localcloud.engine.resource_type import ResourceType, Tagging

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
        overwrite={"Overwrite": True},
        tagging=Tagging(
            "add_tags_to_resource", "remove_tags_from_resource", {"ResourceId": "id"}, {"ResourceType": "Parameter"}
        ),
        defaults={"tags": {}},
        replace=("name",),
        outputs={"arn": "join('', ['arn:aws:ssm:', region, ':', account, ':parameter', id])"},
    ),
}
