"""Where a model stands: its batches, its last run, its champion and its endpoint, and what to do next."""

from collections import Counter
from typing import Any

from comal.cli.batches import QUARANTINED, VALIDATED, batches_of, validated_rows
from comal.cli.catalogue import deployed_recipe
from comal.cli.endpoint import IN_SERVICE, endpoint_of
from comal.cli.monitoring import monitoring_of
from comal.cli.runs import RUNNING, SUCCEEDED, last_run
from comal.cli.target import Target
from comal.cli.verdict import rejection_of
from comal.cli.versions import champion_of, has_expired, versions_of
from comal.registry import PENDING
from comal.training_window import BatchCounts, count_batches


def standing_of(target: Target, model: str) -> dict[str, Any]:
    """Where a model stands.

    Returns:
        model, batches (number per status), rows (validated), waiting (validated batches whose windows are still being
        computed), last_quarantined (batch or None), run (the last, or
        None), champion (version row or None), latest (version row or None), endpoint (or None), monitoring (a value of
        `monitoring_of`), next_step.
    """
    batches = batches_of(target, model)
    versions = versions_of(target, model)
    standing: dict[str, Any] = {
        "model": model,
        "batches": dict(Counter(batch["status"] for batch in batches)),
        "rows": sum(batch["rows"] or 0 for batch in batches if batch["status"] == VALIDATED),
        "waiting": count_batches(validated_rows(target, model), deployed_recipe(target, model)).waiting,
        "last_quarantined": next((batch for batch in reversed(batches) if batch["status"] == QUARANTINED), None),
        "run": last_run(target, model),
        "champion": champion_of(versions),
        "latest": versions[0] if versions else None,
        "endpoint": endpoint_of(target, model),
        "monitoring": monitoring_of(target, model),
    }
    standing["next_step"] = next_step(standing, target.option)
    return standing


def next_step(standing: dict[str, Any], option: str = "") -> str:
    """What somebody who looks at a model would do next.

    Args:
        standing: A value of `standing_of`.
        option: What to append to a command so that it means the same stack.
    """
    model, run, endpoint = standing["model"], standing["run"], standing["endpoint"]
    champion, latest = standing["champion"], standing["latest"]
    if run and run["status"] == RUNNING:
        return f"A run is {run['step']}; look again: comal status {model}{option}"
    validated, waiting = standing["batches"].get(VALIDATED, 0), standing["waiting"]
    if waiting and waiting == validated:
        return (
            f"{BatchCounts(0, waiting).lack}; look again: comal status {model}{option}; what keeps them: "
            f"comal logs function {model}{option}"
        )
    if run and run["status"] != SUCCEEDED:
        return f'comal logs job {model}{option}, then: comal retrain {model} --reason "…"{option}'
    if not validated:
        return f"comal push {model} FILE…{option}"
    if latest is None:
        return f'comal retrain {model} --reason "first run"{option}'
    if latest["approval"] == PENDING:
        return (
            f'comal promote {model} {latest["version"]} --why "…"{option}, or reject it: comal models {model}{option}'
        )
    if champion is None:
        return f"{rejection_of(latest)}; see why: comal models {model}{option}"
    if endpoint is None or endpoint["status"] != IN_SERVICE or endpoint["version"] != champion["version"]:
        return f"The endpoint is moving to version {champion['version']}; look again: comal status {model}{option}"
    if has_expired(champion):
        return f'comal retrain {model} --reason "version {champion["version"]} expired"{option}'
    return f"comal invoke {model} --data '{{…}}'{option}"
