"""Which CloudWatch alarms are reasons to train a model again."""

from comal.names import Names
from comal.recipe import Recipe

# A model's own alarms, made by the component `monitoring`; a recipe calls them by these nouns.
OWN = ("drift", "quality")


def watched_alarms(names: Names, recipe: Recipe) -> list[str]:
    """Names of the alarms in `retrain.on_alarm`, in its order: a noun is the model's own, others are names."""
    return [names.alarm(recipe.model, alarm) if alarm in OWN else alarm for alarm in recipe.retrain.on_alarm]
