"""How a training job is told where to write its run to as well: by what MLflow's client reads itself.

https://mlflow.org/docs/latest/api_reference/python_api/mlflow.environment_variables.html
"""

# A job without it writes its run nowhere else.
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
EXPERIMENT_VARIABLE = "MLFLOW_EXPERIMENT_NAME"


def tracking_environment(experiment: str, uri: str) -> dict[str, str]:
    """Variables of a job; none without a server's address."""
    return {TRACKING_VARIABLE: uri, EXPERIMENT_VARIABLE: experiment} if uri else {}
