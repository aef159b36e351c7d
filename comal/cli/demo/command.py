"""`comal demo`: the command, which is what `make demo` runs."""

from collections.abc import Callable

from comal.cli.console import examples, say
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.demo.step import Journal
from comal.cli.demo.steps import TacoDemo
from comal.cli.demo.summary import print_summary
from comal.cli.demo.watch import TacoWatch
from comal.cli.repository import find_repository

EPILOG = examples("comal demo", "make demo")
EXPLANATION = (
    "A taco chain (simulated) predicts how many minutes an order takes. Everything below happens on this machine: "
    "the Pulumi program, functions, jobs, alarms and endpoint are the ones that AWS would get."
)

Steps = list[tuple[str, Callable[[], str]]]


def demo() -> None:
    """Run the whole loop with the simulated taco chain: push, train, serve, quarantine, retrain, replace, watch.

    Only the model `tacos` of the stack `local` is reset; other models stay. It can be run again from any state. Exit
    code 0 only when every step held.
    """
    repository = find_repository()
    show = TacoDemo(repository, TacoChain(repository))
    play(show, first_half(show) + second_half(TacoWatch(show)))


def play(show: TacoDemo, steps: Steps) -> None:
    """Run steps in order, with progress, and sum them up.

    Raises:
        StepError: One did not hold.
    """
    journal = Journal(len(steps))
    say(EXPLANATION)
    for name, work in steps:
        journal.run(name, work)
    print_summary(journal.outcomes, show.versions, MODEL)


def first_half(show: TacoDemo) -> Steps:
    """From nothing to a model that retrains on new data and replaces itself."""
    return [
        ("the local cloud runs", show.start_cloud),
        ("the stack is up", show.bring_up_stack),
        ("an earlier demo is cleared away", show.reset),
        ("week 1 of orders is pushed", lambda: show.push_week(1)),
        ("a model is trained", show.train),
        ("it is registered and passes the gate", show.judge),
        ("an endpoint serves it", show.serve),
        ("three orders are predicted", show.predict),
        ("a poisoned file is kept out", show.push_poison),
        ("week 2 is pushed, while somebody keeps asking", lambda: show.push_week_under_traffic(2)),
        ("the model is retrained", show.train),
        ("the challenger beats the champion", show.judge),
        ("the endpoint has moved, no request failed", show.end_traffic),
        ("three orders are predicted by the new version", show.predict),
    ]


def second_half(watch: TacoWatch) -> Steps:
    """From orders that change to a model that has learned them, and predictions in a batch."""
    show = watch.demo
    return [
        ("a delivery app changes the orders", watch.change_orders),
        ("their outcomes are pushed, too few to retrain by themselves", watch.push_outcomes),
        ("the drift alarm goes off", watch.hear_alarm),
        ("the model is retrained for that reason", watch.train_for_alarm),
        ("the challenger beats the champion on recent orders", show.judge),
        ("the endpoint serves it", show.serve),
        ("the alarm rests again, after one run", watch.hear_rest),
        ("no request failed meanwhile", show.end_traffic),
        ("all orders are scored in a batch", watch.score),
    ]
