"""What a function finds around it: its variables, its layers, and the packages that AWS's runtime has built in."""

import importlib.metadata
import os
import re
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.arn import parse_arn
from ministack.services import lambda_svc

from localcloud.aws.ministack_patches.layers import LayerStore, find_digest
from localcloud.processes import STATE_DIR_VARIABLE

NAMES = {
    "ministack.core.lambda_runtime": (
        "_RESERVED_RUNTIME_ENV_VARS",
        "_account_region_from_function_config",
        "execution_credentials",
    ),
    "ministack.services.lambda_svc": ("_lambda_layer_version_name_and_number_from_arn_spec",),
}

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


def function_variables(config: dict[str, Any]) -> dict[str, str]:
    """The variables that the function's owner set, less those that Lambda reserves."""
    variables = config.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if name not in lambda_runtime._RESERVED_RUNTIME_ENV_VARS}


def worker_environment(
    config: dict[str, Any], variables: dict[str, str], directory: Path, packages: Path, layers: LayerStore
) -> dict[str, str]:
    """AWS's variables of a function, see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html."""
    _, region = lambda_runtime._account_region_from_function_config(config)
    name = config.get("FunctionName", "")
    kept = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
    return {
        **kept,
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": directory.name,
        "HOME": str(directory),
        "LAMBDA_TASK_ROOT": str(directory / "code"),
        "PYTHONPATH": str(packages),
        STATE_DIR_VARIABLE: os.environ[STATE_DIR_VARIABLE],
        "TMPDIR": str(directory / "tmp"),
        **variables,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        **lambda_runtime.execution_credentials(config),
        "_LAMBDA_FUNCTION_ARN": config.get("FunctionArn", ""),
        "_LAMBDA_LAYERS_DIRS": os.pathsep.join(_layer_trees(config, layers)),
        "_LAMBDA_TIMEOUT": str(config.get("Timeout", 3)),
    }


def _layer_trees(config: dict[str, Any], layers: LayerStore) -> list[str]:
    trees = []
    for attached in config.get("Layers") or []:
        arn = parse_arn(attached if isinstance(attached, str) else attached["Arn"])
        name, version = lambda_svc._lambda_layer_version_name_and_number_from_arn_spec(arn)
        digest = find_digest(name, version, arn.account_id, arn.region)
        if digest:
            trees.append(str(layers.tree(digest)))
    return trees


def files_of_distribution(name: str) -> set[Path]:
    """Top-level packages and modules of an installed distribution and of all it requires."""
    found: set[Path] = set()
    wanted, seen = [name], set()
    while wanted:
        distribution = importlib.metadata.distribution(wanted.pop())
        if distribution.name in seen:
            continue
        seen.add(distribution.name)
        requirements = [line for line in distribution.requires or [] if "extra ==" not in line]
        wanted += [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in requirements]
        for file in distribution.files or []:
            if file.suffix == ".py" and file.parts[0] not in ("..", "__pycache__"):
                found.add(Path(str(distribution.locate_file(file.parts[0]))))
    return found
