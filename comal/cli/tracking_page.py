"""Where a person looks at a stack's experiments: the page of its MLflow."""

from comal.cli.target import Target
from comal.cli.tracking_server import COMPONENT, COMPONENTS_SETTING, uri_of


def tracking_page(target: Target) -> str:
    """The address of the page; empty where the stack has no component `experiments`, or its App is not there yet.

    SageMaker's is signed for the person who asks, and good for five minutes.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePresignedMlflowAppUrl.html
    """
    uri = tracking_uri(target)
    if not uri.startswith("arn:"):
        return uri
    return str(target.client("sagemaker").create_presigned_mlflow_app_url(Arn=uri)["AuthorizedUrl"])


def tracking_uri(target: Target) -> str:
    """What MLflow's client is told to write there: a server's address or an App's ARN; empty without either."""
    config = target.repository.stack_config(target.stack)
    if COMPONENT not in (config.get(COMPONENTS_SETTING) or []):
        return ""
    if uri := uri_of(config):
        return uri
    sagemaker, name = target.client("sagemaker"), target.names.shared(COMPONENT)
    for page in sagemaker.get_paginator("list_mlflow_apps").paginate():
        for app in page["Summaries"]:
            if app["Name"] == name:
                return str(app["Arn"])
    return ""
