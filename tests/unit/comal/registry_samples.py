from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from comal.names import Names
from comal.recipe import Recipe
from comal.registry import ModelVersion

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")


def make_recipe(**sections: Any) -> Recipe:
    values: dict[str, Any] = {
        "model": "tacos",
        "task": "regression",
        "target": "minutes",
        "features": {"distance_km": {"type": "number"}},
    }
    return Recipe.model_validate(values | sections)


def complaints(operation: str, request: dict[str, Any]) -> str:
    """What botocore's model of SageMaker has against a request; empty when nothing."""
    report = ParamValidator().validate(request, SAGEMAKER.operation_model(operation).input_shape)
    return str(report.generate_report())


def make_names() -> Names:
    return Names("dev", "000000000000", "us-east-1")


def make_version() -> ModelVersion:
    return ModelVersion(
        version=3,
        arn="arn:aws:sagemaker:us-east-1:000000000000:model-package/dev-tacos/3",
        approval="Approved",
        why="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        metrics={"rmse": 2.0},
        run_id="a" * 12,
        trained_rows=900,
        expires_at=None,
        image_uri="000000000000.dkr.ecr.us-east-1.amazonaws.com/comal:1",
        model_data_url="s3://models/tacos/runs/a/dev-tacos-a/output/model.tar.gz",
    )
