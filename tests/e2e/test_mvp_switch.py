"""Components switched on in place: the MVP first, continuous training later, nothing replaced."""

import pytest

from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.repository import Repository
from tests.e2e.clone import Clone

MVP = "[data, training, registry, serving]"


@pytest.fixture(scope="module")
def chain(clone: Clone) -> TacoChain:
    return TacoChain(Repository(clone.root))


def changes(clone: Clone) -> set[str]:
    counts = clone.json("up")["counts"]
    return {operation for operation, count in counts.items() if count} - {"same"}


def test_the_mvp_comes_up(clone):
    clone.stack_value("comal:components", MVP)
    assert changes(clone) == {"create"}


def test_in_the_mvp_new_data_waits_for_a_request(clone, chain):
    clone.comal("push", MODEL, str(chain.week(1)))
    (row,) = clone.json("status", MODEL)
    assert row["run"] is None
    assert "comal retrain" in row["next_step"]


def test_in_the_mvp_a_request_trains_and_serves(clone):
    outcome = clone.json("retrain", MODEL, "--reason", "first run")
    assert (outcome["version"], outcome["approval"]) == (1, "Approved")
    assert outcome["endpoint"]["version"] == 1


def test_continuous_training_is_switched_on_and_nothing_is_replaced(clone):
    (before,) = clone.json("status", MODEL)
    clone.stack_value("comal:components", MVP.replace("]", ", continuous_training]"))
    assert changes(clone) <= {"create", "update"}
    (after,) = clone.json("status", MODEL)
    assert after["endpoint"] == before["endpoint"]
    assert after["champion"] == before["champion"]


def test_a_component_without_what_it_needs_is_refused(clone):
    clone.stack_value("comal:components", "[data, registry]")
    done = clone.comal("preview", exit_code=2)
    assert "training" in done.stdout + done.stderr
