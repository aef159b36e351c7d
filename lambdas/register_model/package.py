"""The CreateModelPackage request of a run's model.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""

import json
from datetime import datetime, timedelta
from typing import Any

from comal import registry, s3_layout
from comal.events import event_id
from comal.names import Names
from comal.recipe import Recipe
from lambdas.register_model.training_output import FinishedJob, TrainingOutput

_CONTENT_TYPES = ["application/json", "text/csv"]
_RESPONSE_TYPES = ["application/json"]


def package_request(
    names: Names, recipe: Recipe, job: FinishedJob, output: TrainingOutput, *, image_uri: str
) -> dict[str, Any]:
    """A version that waits for its verdict. Versions carry no tags: on AWS those belong to the group."""
    evaluation_uri = f"s3://{names.bucket('models')}/{s3_layout.run_evaluation_key(job.model, job.run_id)}"
    return {
        "ModelPackageGroupName": names.of_model(job.model),
        "ModelPackageDescription": f"{recipe.target} of {job.model}, run {job.run_id}"[:1024],
        "InferenceSpecification": {
            "Containers": [{"Image": image_uri, "ModelDataUrl": job.model_data_url}],
            "SupportedContentTypes": _CONTENT_TYPES,
            "SupportedResponseMIMETypes": _RESPONSE_TYPES,
        },
        "ModelApprovalStatus": registry.PENDING,
        "ModelCard": {"ModelCardContent": _card(output.card_json, recipe), "ModelCardStatus": "PendingReview"},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": evaluation_uri}}},
        "CustomerMetadataProperties": registry.customer_metadata(
            run_id=job.run_id,
            expires_at=datetime.fromisoformat(output.lineage.created)
            + timedelta(days=recipe.registry.expires_after_days),
            when_expired=recipe.registry.when_expired,
            trained_rows=output.evaluation.trained_rows,
            metrics=output.evaluation.challenger.metrics,
            recent=output.evaluation.recent,
        ),
        # A repeated request gives the version that the first one made; at most 36 characters.
        "ClientToken": event_id(names.stack, job.model, job.run_id),
    }


def _card(card_json: bytes, recipe: Recipe) -> str:
    """The run's card as a package takes it: on one line, and of its overview only who made the model.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageModelCard.html
    """
    owner = {"model_creator": recipe.registry.owner} if recipe.registry.owner else {}
    return json.dumps({**json.loads(card_json), "model_overview": owner})
