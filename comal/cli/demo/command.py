"""`comal demo`: the command, which is what `make demo` runs."""

from comal.cli.console import examples, say
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.demo.step import Journal
from comal.cli.demo.steps import TacoDemo
from comal.cli.demo.summary import print_summary
from comal.cli.repository import find_repository

EPILOG = examples("comal demo", "make demo")
EXPLANATION = (
    "A taco chain (simulated) predicts how many minutes an order takes. Everything below happens on this machine: "
    "the Pulumi program, functions, jobs and endpoint are the ones that AWS would get."
)


def demo() -> None:
    """Run the whole loop with the simulated taco chain: push, train, serve, quarantine, retrain, replace.

    Only the model `tacos` of the stack `local` is reset; other models stay. It can be run again from any state. Exit
    code 0 only when every step held.
    """
    repository = find_repository()
    show = TacoDemo(repository, TacoChain(repository))
    steps = [
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
    journal = Journal(len(steps))
    say(EXPLANATION)
    for name, work in steps:
        journal.run(name, work)
    print_summary(journal.outcomes, show.versions, MODEL)
