"""`python -m tests.e2e.first_half`: the demo up to the endpoint's move, for tests that kill things on the way."""

from comal.cli.demo.chain import TacoChain
from comal.cli.demo.command import first_half, play
from comal.cli.demo.steps import TacoDemo
from comal.cli.failures import explain
from comal.cli.repository import find_repository

if __name__ == "__main__":
    repository = find_repository()
    show = TacoDemo(repository, TacoChain(repository))
    try:
        play(show, first_half(show))
    except Exception as error:
        explanation = explain(error)
        if explanation is None:
            raise
        raise SystemExit(f"Error: {explanation.message}") from None
