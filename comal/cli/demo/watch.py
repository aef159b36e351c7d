"""The second half of the demo: orders change, an alarm goes off, the model retrains itself and the alarm rests."""

from dataclasses import dataclass, field
from typing import Any

from comal.cli.batches import VALIDATED, batches_of
from comal.cli.demo.chain import MODEL
from comal.cli.demo.predictions import read_predictions
from comal.cli.demo.step import expect
from comal.cli.demo.steps import FUNCTION_LOGS, TacoDemo
from comal.cli.demo.traffic import Traffic
from comal.cli.following import decisions_of
from comal.cli.invoke import ask
from comal.cli.patience import wait_for
from comal.cli.request_body import from_json
from comal.cli.score import follow_scoring, lake_prefix, request_scoring

# The week in which the delivery app makes people order from farther away (examples/tacos/README.md).
CHANGED_WEEK = 3
# A window, and a little more: the first rows may fall to one that others have begun.
BURST_ORDERS = 1200
ALARM_TIMEOUT_S = 90.0
ALARM, AT_REST = "ALARM", "OK"
STATUS = f"comal status {MODEL}"


@dataclass
class TacoWatch:
    """What the second half's steps hand on to each other.

    Attributes:
        demo: The first half, with its runs and versions.
    """

    demo: TacoDemo
    _orders: list[dict[str, Any]] = field(default_factory=list)

    @property
    def alarm(self) -> str:
        """Name of the drift alarm."""
        return self.demo.target.names.alarm(MODEL, "drift")

    def change_orders(self) -> str:
        """Other orders come in, and go on coming in."""
        self._await_alarm(lambda state: state != ALARM, "the alarm of an earlier demo to rest")
        self._orders = self.demo.chain.orders(self.demo.chain.week_but_sunday(CHANGED_WEEK))
        predictions = self._ask_about(self._orders[:BURST_ORDERS])
        self.demo.traffic = Traffic(self.demo.target, MODEL, self._orders)
        self.demo.traffic.start()
        return f"{predictions:,} orders predicted at once, and some every second from now on"

    def push_outcomes(self) -> str:
        """How long those orders took is pushed; too few rows to train on by themselves."""
        pushed = self.demo.push_good(self.demo.chain.week_but_sunday(CHANGED_WEEK))
        runs = self._runs_decided()
        expect(
            len(runs) == len(self.demo.runs),
            seen=f"a run: {runs[0]['why']}.",
            expected="the rows wait, for retrain.on_new_rows asks for more.",
            logs=f"comal history {MODEL}",
        )
        return pushed

    def hear_alarm(self) -> str:
        """The drift alarm goes off."""
        return self._await_alarm(lambda state: state == ALARM, "the drift alarm to go off")

    def train_for_alarm(self) -> str:
        """One run starts, and the alarm is its reason."""
        told = self.demo.train()
        decision = next(row for row in self._runs_decided() if row["run_id"] == self.demo.runs[-1])
        expect(
            self.alarm in decision["why"],
            seen=f"the reason '{decision['why']}'.",
            expected=f"a reason that names {self.alarm}.",
            logs=f"comal history {MODEL}",
        )
        return f"{told}: {decision['why']}"

    def hear_rest(self) -> str:
        """Orders look like those that the new version was trained on; nothing else was trained meanwhile."""
        self._ask_about(self._orders[-BURST_ORDERS:])
        told = self._await_alarm(lambda state: state == AT_REST, "the drift alarm to rest")
        runs = self._runs_decided()
        expect(
            len(runs) == len(self.demo.runs),
            seen=f"{len(runs)} runs.",
            expected=f"{len(self.demo.runs)}: one for the alarm.",
            logs=f"comal history {MODEL}",
        )
        return f"{told}; one run for the alarm"

    def score(self) -> str:
        """The same orders are scored in a batch, and read back with one call of awswrangler."""
        target = self.demo.target
        asked = request_scoring(target, MODEL, lake_prefix(target, MODEL, ""))
        done = follow_scoring(target, MODEL, asked)
        rows = read_predictions(target, done)
        expect(
            rows == sum(batch["rows"] for batch in batches_of(target, MODEL) if batch["status"] == VALIDATED),
            seen=f"{rows} predictions.",
            expected="one for each validated row.",
            logs=FUNCTION_LOGS,
        )
        return f"{rows:,} predictions in {done['database']}.{done['table']}, read with awswrangler"

    def _runs_decided(self) -> list[dict[str, Any]]:
        """Decisions to run, newest first."""
        return [row for row in decisions_of(self.demo.target, MODEL) if row["decision"] == "run"]

    def _ask_about(self, orders: list[dict[str, Any]]) -> int:
        return len(ask(self.demo.target, MODEL, from_json(orders))["predictions"])

    def _await_alarm(self, is_right: Any, what: str) -> str:
        cloudwatch = self.demo.target.client("cloudwatch")

        def look() -> dict[str, Any] | None:
            (alarm,) = cloudwatch.describe_alarms(AlarmNames=[self.alarm])["MetricAlarms"]
            return alarm if is_right(alarm["StateValue"]) else None

        alarm = wait_for(look, what=what, timeout_s=ALARM_TIMEOUT_S, next_step=f"Run: {STATUS}, {FUNCTION_LOGS}")
        return f"{self.alarm} is {alarm['StateValue']}: {alarm['StateReason']}"
