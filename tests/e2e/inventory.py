"""Everything that a stack may leave behind, service by service."""

from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]


def inventory(client: Client) -> dict[str, list[str]]:
    """Names of what exists in the services that the kit uses, kinds with nothing left out."""
    sagemaker, events, functions = client("sagemaker"), client("events"), client("lambda")
    cloudwatch = client("cloudwatch")
    found = {
        "buckets": [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
        "functions": [function["FunctionName"] for function in functions.list_functions()["Functions"]],
        "layers": [layer["LayerName"] for layer in functions.list_layers()["Layers"]],
        "event source mappings": [m["UUID"] for m in functions.list_event_source_mappings()["EventSourceMappings"]],
        "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "policies": [policy["PolicyName"] for policy in client("iam").list_policies(Scope="Local")["Policies"]],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "tables": client("dynamodb").list_tables()["TableNames"],
        "rules": [rule["Name"] for rule in events.list_rules()["Rules"]],
        "state machines": [m["name"] for m in client("stepfunctions").list_state_machines()["stateMachines"]],
        "alarms": [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]],
        "dashboards": [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]],
        "topics": [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
        "log groups": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
        "endpoints": [item["EndpointName"] for item in sagemaker.list_endpoints()["Endpoints"]],
        "endpoint configs": [i["EndpointConfigName"] for i in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
        "models": [item["ModelName"] for item in sagemaker.list_models()["Models"]],
        "groups": [
            item["ModelPackageGroupName"]
            for item in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        ],
    }
    found |= {
        "glue databases": [database["Name"] for database in client("glue").get_databases()["DatabaseList"]],
        "schedules": [schedule["Name"] for schedule in client("scheduler").list_schedules()["Schedules"]],
        "scalable targets": [
            target["ResourceId"]
            for target in client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")[
                "ScalableTargets"
            ]
        ],
    }
    ours = {kind: [name for name in names if _may_not_stay(name)] for kind, names in found.items()}
    return {kind: names for kind, names in ours.items() if names}


def _may_not_stay(name: str) -> bool:
    """SageMaker's own log groups outlive jobs on AWS, too; nothing else may stay, whatever it is called."""
    return not name.startswith(("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/TransformJobs"))
