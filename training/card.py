"""The model card: what a reader should know before using the model, in the sections of SageMaker's schema.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema
"""

from datetime import datetime, timedelta
from typing import Any

from comal import s3_layout
from comal.evaluation import Evaluation, Scores
from comal.lineage import Lineage
from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER
from comal.run_record import REPORT_NAME
from training.importance import Importances
from training.record import parameters_of

FILE_NAME = "model_card.json"
_MOST_BARS = 20

_FACETS = {"rmse": "RMSE", "mae": "MAE", "log_loss": "Loss", "auc": "AUC", "accuracy": "Accuracy"}
_PROBLEM_TYPES = {
    "regression": "Regression",
    "binary": "Binary Classification",
    "multiclass": "Multiclass Classification",
}
_ALGORITHMS = {
    "xgboost": "Gradient-boosted trees (XGBoost)",
    "lightgbm": "Gradient-boosted trees (LightGBM)",
    "linear": "Linear model (scikit-learn)",
}


def model_card(
    recipe: Recipe, evaluation: Evaluation, lineage: Lineage, importance: Importances, *, stopped: bool
) -> dict[str, Any]:
    """The card of one model; `stopped` says that its fit was cut short."""
    return {
        "model_overview": {
            "model_name": recipe.model,
            "model_description": f"Predicts {recipe.target} from {', '.join(recipe.features)}."[:1024],
            "problem_type": _PROBLEM_TYPES[recipe.task],
            "algorithm_type": _algorithm(recipe),
            **({"model_owner": recipe.registry.owner} if recipe.registry.owner else {}),
        },
        "intended_uses": {
            "purpose_of_model": recipe.registry.purpose
            or f"Predict {recipe.target} for rows like those that the model '{recipe.model}' was trained on.",
            "intended_uses": "Online predictions through the model's endpoint.",
            "factors_affecting_model_efficiency": "Rows unlike the training rows; profile.json describes those.",
            "risk_rating": "Unknown",
        },
        "training_details": {
            "objective_function": _objective(evaluation.metric),
            "training_observations": _observations(evaluation, stopped=stopped),
            "training_job_details": {
                "training_datasets": [entry.key for entry in lineage.inputs[:15]],
                "user_provided_hyper_parameters": [
                    {"name": name, "value": str(value)} for name, value in parameters_of(recipe).items()
                ],
            },
        },
        "evaluation_details": [_evaluation_details(evaluation), *_importance_details(importance)],
        "additional_information": {
            "caveats_and_recommendations": "The held-out rows come from the same batches as the training rows: the "
            "metrics say nothing of data that drifts.",
            "custom_details": {
                "run_id": evaluation.run_id,
                "recipe_sha256": lineage.recipe_sha256,
                "code_sha256": lineage.code_sha256,
                "seed": str(lineage.seed),
                "hardware": lineage.hardware,
                "created": lineage.created,
                "expires": _expires(lineage.created, recipe),
                "training_datasets": str(len(lineage.inputs)),
                "importance": _importance(importance),
                # Its place in the models bucket, once the run is registered.
                "report": s3_layout.run_record_key(recipe.model, evaluation.run_id, REPORT_NAME),
            },
        },
    }


def _algorithm(recipe: Recipe) -> str:
    own = recipe.training.fit
    return f"The team's own: {own}"[:1024] if own else _ALGORITHMS[recipe.training.algorithm]


def _expires(created: str, recipe: Recipe) -> str:
    return (datetime.fromisoformat(created) + timedelta(days=recipe.registry.expires_after_days)).isoformat()


def _importance(importance: Importances) -> str:
    """The features that matter most, with their 95 % intervals."""
    named = [
        f"{one.feature} {one.loss[0]:.3g} ({one.loss[1]:.3g} to {one.loss[2]:.3g})"
        for one in importance.features
        if one.loss
    ]
    return f"{importance.metric} lost when shuffled: {', '.join(named[:10])}"[:1024]


def _objective(metric: str) -> dict[str, Any]:
    direction = "Maximize" if metric in HIGHER_IS_BETTER else "Minimize"
    function = {"function": direction}
    if metric in _FACETS:
        function["facet"] = _FACETS[metric]
    return {"function": function, "notes": f"The gate judges by {metric} on held-out rows."}


def _observations(evaluation: Evaluation, *, stopped: bool) -> str:
    text = f"Trained on {evaluation.trained_rows} rows."
    return f"{text} The job was asked to stop before the fit was complete." if stopped else text


def _evaluation_details(evaluation: Evaluation) -> dict[str, Any]:
    groups = [_group("challenger", evaluation.challenger), _group("baseline", evaluation.baseline)]
    observation = f"Scored on {evaluation.held_out_rows} held-out rows."
    if evaluation.champion is not None:
        groups.append(_group(f"champion (version {evaluation.champion.version})", evaluation.champion))
        if evaluation.champion.unscored:
            observation += f" The champion could not be scored: {evaluation.champion.unscored}"
    return {
        "name": "Held-out rows",
        "evaluation_observation": observation,
        "metric_groups": [group for group in groups if group["metric_data"]],
    }


def _importance_details(importance: Importances) -> list[dict[str, Any]]:
    """Bars as SageMaker's console draws them; the dots of each row are in the report."""
    charts = [
        (f"{importance.metric} lost when shuffled", [(one.feature, one.loss) for one in importance.features]),
        ("mean absolute contribution (SHAP)", [(one.feature, one.contribution) for one in importance.features]),
    ]
    groups = [
        {"name": name, "metric_data": [_bars(name, [(feature, bar[0]) for feature, bar in bars if bar])]}
        for name, bars in charts
        if any(bar for _, bar in bars)
    ]
    observation = f"On {importance.rows} held-out rows; intervals are in importance.json, and plots in the report."
    return [{"name": "Features", "evaluation_observation": observation, "metric_groups": groups}] if groups else []


def _bars(name: str, bars: list[tuple[str, float]]) -> dict[str, Any]:
    largest = sorted(bars, key=lambda bar: -bar[1])[:_MOST_BARS]
    return {
        "name": name,
        "type": "bar_chart",
        "x_axis_name": [feature[:63] for feature, _ in largest],
        "y_axis_name": name,
        "value": [value for _, value in largest],
    }


def _group(name: str, scores: Scores) -> dict[str, Any]:
    return {
        "name": name,
        "metric_data": [{"name": metric, "type": "number", "value": value} for metric, value in scores.metrics.items()],
    }
