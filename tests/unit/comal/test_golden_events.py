"""Every event of the kit has a golden file, which is what the code emits."""

import json

import pytest

from comal import events
from comal.recipe_training import Search
from tests.running_cloud import REPOSITORY

FOLDER = REPOSITORY / "tests/events"
WHO = {"event_id": "0123456789abcdef", "stack": "dev", "model": "tacos"}
BATCH = {"batch_id": "89abcdef01234567", "push_id": "5f0c1de2a3b4", "source_key": "incoming/tacos/week1.csv"}
STORED = "tacos/v1/dt=2026-03-02/89abcdef01234567"
TRIGGER = events.Trigger(event_id="fedcba9876543210", kind="new_rows", reason="1,200 new rows", rows=1200)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/dev-tacos/2"
GOLDEN = [
    events.BatchValidated(
        **WHO,
        **BATCH,
        rows=1200,
        validated_key=f"validated/{STORED}.parquet",
        profile_key=f"profiles/{STORED}.json",
        report_key=f"reports/{STORED}.json",
        warnings=["column 'distance_km' drifted: KS distance 0.37"],
    ),
    events.FeaturesIngested(
        **WHO,
        batch_id="89abcdef01234567",
        rows=1200,
        features_key="features/tacos/0a1b2c3d/dt=2026-03-02/89abcdef01234567.parquet",
    ),
    events.BatchRejected(
        **WHO,
        **BATCH,
        quarantine_key=f"quarantine/{STORED}/week1.csv",
        report_key=f"reports/{STORED}.json",
        problems=["column 'store': found unknown values 'sur', expected one of 'centro', 'norte'"],
    ),
    events.TrainingRequested(
        **WHO,
        kind="request",
        reason="new menu",
        requested_by="ana",
        search=Search(trials=40, minutes=5, algorithms=["lightgbm", "linear"]),
    ),
    events.TrainingStarted(
        **WHO,
        run_id="0123456789ab",
        training_job_name="dev-tacos-0123456789ab",
        execution_arn="arn:aws:states:us-east-1:000000000000:execution:dev-tacos:dev-tacos-0123456789ab",
        triggers=[TRIGGER],
    ),
    events.TrainingRefused(**WHO, triggers=[TRIGGER], why="300 of 1,000 new rows"),
    events.ModelRegistered(
        **WHO, run_id="0123456789ab", version=2, model_package_arn=ARN, metrics={"rmse": 3.25, "mae": 2.5}
    ),
    events.ModelApproved(**WHO, version=2, model_package_arn=ARN, why="rmse 3.25 beats the champion's 3.5"),
    events.ModelRejected(**WHO, version=2, model_package_arn=ARN, why="rmse 3.75 is above the champion's 3.5"),
    events.ModelDeployed(**WHO, version=2, endpoint_name="dev-tacos", model_package_arn=ARN),
    events.ModelRolledBack(**WHO, version=2, endpoint_name="dev-tacos", why="the container did not answer /ping"),
    events.BatchScoringRequested(**WHO, prefix="validated/tacos/v1/dt=2026-03-02/", requested_by="ana"),
    events.BatchScored(
        **WHO,
        version=2,
        transform_job_name="dev-tacos-score-0123456789ab",
        source_prefix="validated/tacos/v1/dt=2026-03-02/",
        predictions_prefix="predictions/tacos/v1/dt=2026-03-03/0123456789ab/",
        rows=1200,
    ),
    events.DriftScored(
        **WHO,
        version=2,
        window_id="0011223344556677",
        rows=1000,
        looked_at=3,
        drift_score=1.75,
        prediction_drift_score=0.5,
        columns={"distance_km": 1.75, "store": 0.25},
        report_key="monitoring/tacos/v1/dt=2026-03-02/0011223344556677.json",
    ),
]


def test_every_kind_of_event_has_a_golden_file():
    assert {type(event).__name__ for event in GOLDEN} == set(events.Event.kinds)
    assert set(events.Event.kinds) <= {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("event", GOLDEN, ids=lambda event: type(event).__name__)
def test_a_golden_event_is_read_and_is_what_is_emitted(event):
    envelope = json.loads((FOLDER / f"{type(event).__name__}.json").read_text())
    assert events.parse(envelope) == event
    assert envelope["source"] == events.SOURCE
    assert envelope["detail"] == json.loads(event.model_dump_json())
