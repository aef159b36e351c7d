"""The steps of the demo, each of which does one thing through the same code as the commands."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comal.cli import batches, local_cloud, local_stack
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.demo.reset import reset_model
from comal.cli.demo.step import expect
from comal.cli.demo.traffic import Traffic
from comal.cli.endpoint import IN_SERVICE
from comal.cli.following import decisions_of, version_of_run, wait_for_endpoint, wait_for_run
from comal.cli.invoke import ask
from comal.cli.patience import wait_for
from comal.cli.push import follow_push, send_all
from comal.cli.reports import fetch_report
from comal.cli.repository import Repository
from comal.cli.request_body import from_json
from comal.cli.runs import SUCCEEDED
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.upload import plan_uploads
from comal.registry import APPROVED

RUN_START_TIMEOUT_S = 60.0
ANSWERS_OF_NEW_VERSION = 25
FUNCTION_LOGS = f"comal logs function {MODEL}"
JOB_LOGS = f"comal logs job {MODEL}"
ENDPOINT_LOGS = f"comal logs endpoint {MODEL}"


@dataclass
class TacoDemo:
    """What the steps hand on to each other.

    Attributes:
        repository: The clone.
        chain: The simulated taco chain.
        runs: Ids of the demo's runs, in order.
        versions: The rows of `versions_of` that the runs made, in order.
        traffic: Whoever keeps asking at the moment.
    """

    repository: Repository
    chain: TacoChain
    runs: list[str] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    _target: Target | None = None
    traffic: Traffic | None = None

    @property
    def target(self) -> Target:
        """The local stack; opened once the local cloud runs."""
        if self._target is None:
            self._target = open_target(LOCAL_STACK)
        return self._target

    def start_cloud(self) -> str:
        """The local cloud runs, started or found running."""
        info = local_cloud.start(self.repository)
        return f"{info.url}, process {info.pid}, data in {self.repository.local_dir}"

    def bring_up_stack(self) -> str:
        """The stack is what the program says, whatever a killed process has left: what exists is looked up first."""
        local_stack.run(self.repository, LOCAL_STACK, "refresh", quiet=True)
        summary = local_stack.run(self.repository, LOCAL_STACK, "up", quiet=True)
        expect(
            not summary["failures"],
            seen=f"{'; '.join(map(str, summary['failures']))}.",
            expected="every resource made.",
            logs=str(self.repository.local_dir),
        )
        return ", ".join(f"{count} {operation}" for operation, count in summary["counts"].items() if count)

    def reset(self) -> str:
        """Nothing is left of an earlier demo; other models are not touched."""
        removed = reset_model(self.target, MODEL)
        found = [f"{count} {kind}" for kind, count in removed.items() if count]
        return f"removed {', '.join(found)}" if found else "nothing to remove"

    def push_week(self, week: int) -> str:
        """A week of orders is validated."""
        return self.push_good(self.chain.week(week))

    def push_good(self, file: Path) -> str:
        """A file is validated."""
        batch = self.push(file)
        expect(
            batch["status"] == "validated",
            seen=f"{batch['source_key']} is {batch['status']}: {'; '.join(batch['problems'])}.",
            expected="validated.",
            logs=FUNCTION_LOGS,
        )
        drift = f"; warns: {batch['warnings'][0]}" if batch["warnings"] else ""
        return f"{batch['rows']:,} rows validated{drift}"

    def push_poison(self) -> str:
        """A poisoned file is quarantined with a report, and nothing else changes."""
        batch = self.push(self.chain.poisoned())
        expect(
            batch["status"] == batches.QUARANTINED and batch["problems"],
            seen=f"{batch['source_key']} is {batch['status']}.",
            expected="quarantined, with the problems named.",
            logs=FUNCTION_LOGS,
        )
        report = fetch_report(self.target, batch)
        expect(report, seen="no report.", expected="an HTML report.", logs=FUNCTION_LOGS)
        return f"{batch['problems'][0]}; report: {report}"

    def train(self) -> str:
        """A run starts by itself and ends well."""
        run_id = wait_for(
            self._new_run, what="a run to start", timeout_s=RUN_START_TIMEOUT_S, next_step=f"Run: {FUNCTION_LOGS}"
        )
        run = wait_for_run(self.target, MODEL, run_id)
        expect(
            run["status"] == SUCCEEDED,
            seen=f"run {run_id} {run['status']}: {run['failure']}",
            expected="a run that succeeds.",
            logs=JOB_LOGS,
        )
        self.runs.append(run_id)
        return f"run {run_id} in job {run['training_job']}"

    def judge(self) -> str:
        """The run registered a version, and the gate approved it."""
        version = version_of_run(self.target, MODEL, self.runs[-1])
        expect(version, seen="no version.", expected="a registered version.", logs=FUNCTION_LOGS)
        assert version is not None
        expect(
            version["approval"] == APPROVED,
            seen=f"version {version['version']} {version['approval']}: {version['why']}.",
            expected="a version that the gate approves.",
            logs=f"comal models {MODEL}",
        )
        self.versions.append(version)
        return f"version {version['version']}: {version['why']}"

    def serve(self) -> str:
        """The endpoint serves the newest version."""
        version = self.versions[-1]["version"]
        endpoint = wait_for_endpoint(self.target, MODEL, version)
        expect(
            endpoint["status"] == IN_SERVICE and endpoint["version"] == version,
            seen=f"{endpoint['status']} with version {endpoint['version']} ({endpoint['failure']}).",
            expected=f"InService with version {version}.",
            logs=ENDPOINT_LOGS,
        )
        return f"{endpoint['name']} serves version {version}"

    def predict(self) -> str:
        """Three orders get three predictions."""
        answer = ask(self.target, MODEL, from_json(self.chain.orders(self.chain.week(1))[:3]))
        predictions = [row["prediction"] for row in answer["predictions"]]
        version = str(self.versions[-1]["version"])
        expect(
            len(predictions) == 3 and str(answer["model_version"]) == version,
            seen=f"{predictions} from version {answer['model_version']}.",
            expected=f"three predictions from version {version}.",
            logs=ENDPOINT_LOGS,
        )
        return f"{', '.join(f'{value:.1f}' for value in predictions)} minutes to serve"

    def push_week_under_traffic(self, week: int) -> str:
        """From here on somebody keeps asking the endpoint, until `end_traffic`."""
        self.traffic = Traffic(self.target, MODEL, self.chain.orders(self.chain.week(week)))
        self.traffic.start()
        return self.push_week(week)

    def end_traffic(self) -> str:
        """The endpoint has moved to the newest version, and every request was answered."""
        assert self.traffic is not None  # an earlier step started it
        traffic = self.traffic
        moved = self.serve()
        version = str(self.versions[-1]["version"])
        wait_for(
            lambda: traffic.answers[version] >= ANSWERS_OF_NEW_VERSION or traffic.failures or None,
            what=f"{ANSWERS_OF_NEW_VERSION} answers from version {version}",
            timeout_s=RUN_START_TIMEOUT_S,
            next_step=f"Run: {ENDPOINT_LOGS}",
        )
        traffic.stop()
        failures = traffic.failures
        expect(
            not failures,
            seen=f"{len(failures)} of {traffic.requests} requests failed, the first with {failures[:1]}.",
            expected="no failed request.",
            logs=ENDPOINT_LOGS,
        )
        answered = ", ".join(f"{count} by version {name}" for name, count in sorted(traffic.answers.items()))
        return f"{moved}; {traffic.requests} requests meanwhile, 0 failed ({answered})"

    def push(self, file: Path) -> dict[str, Any]:
        """Push a file and follow it; the row of its batch."""
        uploads = plan_uploads(MODEL, [file])
        push_id = uuid.uuid4().hex[:12]
        send_all(self.target, uploads, push_id)
        return follow_push(self.target, MODEL, uploads, push_id)[0]

    def _new_run(self) -> str | None:
        """The run of the newest decision to run, unless it is one we know."""
        for decision in decisions_of(self.target, MODEL):
            run_id = decision.get("run_id")
            if decision["decision"] == "run" and run_id and run_id not in self.runs:
                return str(run_id)
        return None
