"""What a job prints: lines for people, and metric lines for SageMaker's MetricDefinitions."""

from comal.evaluation import Evaluation


def say(text: str) -> None:
    """Print one line at once; a log that waits in a buffer is lost with the process."""
    print(text, flush=True)


def say_metrics(evaluation: Evaluation) -> None:
    """Print `metric <name>=<value>` for the challenger's held-out metrics and the rows trained on."""
    for name, value in evaluation.challenger.metrics.items():
        say(f"metric {name}={value!r}")
    say(f"metric train:rows={evaluation.trained_rows}")
