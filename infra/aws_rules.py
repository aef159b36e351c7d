"""What AWS does not do, refused at preview with the alternative and its price; docs/aws-rules.md cites the pages."""

from collections.abc import Sequence

from comal.errors import UserError
from comal.recipe import Recipe
from infra.settings import Settings

# https://aws.amazon.com/sagemaker/pricing/ (real-time inference, ml.c6i.large, us-east-1, read in 2026)
_SMALL_INSTANCE_USD_PER_HOUR = 0.10


def check_aws_rules(recipes: Sequence[Recipe], settings: Settings) -> None:
    """Refuses what AWS would refuse after minutes, or would take and not do.

    Raises:
        UserError: A recipe and the stack's components do not go together.
    """
    for recipe in recipes:
        if settings.has("monitoring") and recipe.serving.mode == "serverless":
            raise UserError(
                f"recipes/{recipe.model}.yaml has serving.mode serverless, and comal:components has monitoring: "
                "a serverless endpoint has no data capture, so there would be nothing to monitor.",
                next_step="Set serving.mode to realtime (or leave it to the stack with auto), which costs "
                f"about ${_SMALL_INSTANCE_USD_PER_HOUR:.2f} an hour for each instance of the default type; or take "
                "monitoring out of comal:components.",
            )
