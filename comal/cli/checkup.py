"""What a machine and an account must have, each found out by one small check."""

import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from comal.cli import local_cloud
from comal.cli.pulumi_cli import INSTALL, find_pulumi
from comal.cli.repository import Repository
from comal.cli.target import Target, open_target
from comal.errors import PlatformError, RecipeError
from comal.recipe import Recipe

LEAST_PYTHON = (3, 11)
LEAST_DISK_BYTES = 3 * 1024**3

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Finding:
    """What one check found; `next_step` is empty when all is well."""

    check: str
    state: str
    found: str
    next_step: str = ""


def machine_findings(repository: Repository) -> list[Finding]:
    """Checks of this machine."""
    return [
        _python(),
        _environment(repository),
        _disk(repository.root),
        _port(repository),
        _namespaces(),
        _layer(repository),
        _pulumi(),
    ]


def _python() -> Finding:
    found = f"Python {platform.python_version()}, {platform.machine()}"
    if sys.version_info < LEAST_PYTHON:
        return Finding("python", PROBLEM, found, "Install Python 3.11 or later, then `make setup`.")
    return Finding("python", OK, found)


def _environment(repository: Repository) -> Finding:
    if Path(sys.prefix).resolve() == (repository.root / ".venv").resolve():
        return Finding("environment", OK, sys.prefix)
    return Finding("environment", WARNING, f"{sys.prefix} is not the clone's .venv", "Run: source .venv/bin/activate")


def _disk(root: Path) -> Finding:
    free_bytes = shutil.disk_usage(root).free
    found = f"{free_bytes / 1024**3:.1f} GiB free"
    if free_bytes < LEAST_DISK_BYTES:
        return Finding("disk", PROBLEM, found, f"Free {LEAST_DISK_BYTES / 1024**3:.0f} GiB below {root}.")
    return Finding("disk", OK, found)


def _port(repository: Repository) -> Finding:
    info = local_cloud.running(repository)
    if info is not None:
        return Finding("port", OK, f"the local cloud runs on {info.url}")
    port = local_cloud.port(repository)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return Finding("port", WARNING, f"{port} is taken", f"Run: comal cloud start --port {port + 34}")
    return Finding("port", OK, f"{port} is free")


def _namespaces() -> Finding:
    """Jobs see the container's own paths only where user namespaces are allowed."""
    try:
        done = subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        done = False
    if done:
        return Finding("unshare", OK, "user namespaces work; jobs see /opt/ml")
    return Finding("unshare", WARNING, "no user namespaces; jobs use SAGEMAKER_BASE_DIR instead of /opt/ml")


def _layer(repository: Repository) -> Finding:
    layers = repository.state_dir / "layers"
    built = sorted(path.name for path in layers.iterdir() if path.is_dir()) if layers.is_dir() else []
    if built:
        return Finding("layer", OK, ", ".join(built))
    return Finding("layer", PROBLEM, "the Lambda layer is not built", "Run: make setup")


def _pulumi() -> Finding:
    path = find_pulumi()
    if path is None:
        return Finding("pulumi", WARNING, "no Pulumi CLI; stacks other than local need it", INSTALL)
    version = subprocess.run([path, "version"], capture_output=True, text=True, check=False).stdout.strip()
    return Finding("pulumi", OK, f"{version} ({path})")


def stack_findings(stack: str) -> list[Finding]:
    """Checks of a stack on AWS and of the account behind it."""
    try:
        target = open_target(stack)
    except PlatformError as error:
        return [Finding("stack", PROBLEM, error.message, error.next_step)]
    return account_findings(target)


def account_findings(target: Target) -> list[Finding]:
    """Checks of an account; the GPU quotas only once the credentials are good."""
    findings = [_credentials(target)]
    if findings[0].state == OK:
        findings += [_gpu_quota(target, recipe) for recipe in _gpu_recipes(target)]
    return findings


def _credentials(target: Target) -> Finding:
    try:
        who = target.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return Finding("credentials", PROBLEM, f"{error}", "Log in: `aws configure sso`, or keys in the environment.")
    return Finding("credentials", OK, f"{who['Arn']} in {target.connection.region}")


def _gpu_recipes(target: Target) -> list[Recipe]:
    from comal.recipe_file import load

    recipes = []
    for path in sorted(target.repository.recipes_dir.glob("*.yaml")):
        try:
            recipes.append(load(path))
        except RecipeError:
            continue  # `comal recipe check` is the place that reports it
    return [recipe for recipe in recipes if recipe.training.uses_gpu]


def _gpu_quota(target: Target, recipe: Recipe) -> Finding:
    """New accounts have a quota of 0 for GPU training instances.

    https://docs.aws.amazon.com/general/latest/gr/sagemaker.html#limits_sagemaker
    """
    spot = " spot" if recipe.training.spot else ""
    quota_name = f"{recipe.training.instance} for{spot} training job usage"
    check = f"gpu quota of {recipe.model}"
    try:
        pages = target.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        quotas = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
    except (BotoCoreError, ClientError) as error:
        return Finding(check, WARNING, f"cannot be read: {error}", "Ask for servicequotas:ListServiceQuotas.")
    value = quotas.get(quota_name, 0.0)
    if value >= 1:
        return Finding(check, OK, f"{quota_name}: {value:.0f}")
    region = target.connection.region
    return Finding(
        check,
        PROBLEM,
        f"{quota_name}: {value:.0f}",
        f"Ask for 1 in Service Quotas > Amazon SageMaker > '{quota_name}' in {region} (takes hours to days), "
        "or use another training.instance.",
    )
