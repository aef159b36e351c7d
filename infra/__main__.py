"""The stack: reads its settings, makes the components that they name, says what comes next."""

import pulumi
import pulumi_aws as aws

from comal import recipe_file, s3_layout
from comal.names import Names
from infra.aws_rules import check_aws_rules
from infra.components.alarms import Alarms
from infra.components.batch_serving import BatchServing
from infra.components.clean_up import CleanUp
from infra.components.continuous_training import ContinuousTraining
from infra.components.data_lake import DataLake
from infra.components.delivery import Deliveries
from infra.components.experiments import Experiments
from infra.components.feature_store import FeatureStore
from infra.components.monitoring import Monitoring
from infra.components.registry import Registry
from infra.components.serving import Serving
from infra.components.training import Training
from infra.next_step import next_step
from infra.settings import REPOSITORY, read_settings
from infra.stack import Stack, choose_recipes

settings = read_settings(pulumi.Config("comal").get, pulumi.get_stack())
names = Names(pulumi.get_stack(), aws.get_caller_identity().account_id, aws.get_region().region)
stack = Stack(names, settings, choose_recipes([*recipe_file.load_folder(REPOSITORY / "recipes").values()], settings))
check_aws_rules(stack.recipes, settings)

data = DataLake(stack)
components: list[pulumi.Resource] = [data]
functions = [*data.functions]
repository_url: pulumi.Input[str] = ""
if settings.has("feature_store"):
    feature_store = FeatureStore(stack, layer=data.layer, database=data.database, recipes=data.recipes)
    components.append(feature_store)
    functions += feature_store.functions
if settings.has("training"):
    experiments = Experiments(stack) if settings.has("experiments") else None
    components += [experiments] if experiments else []
    training = Training(stack, layer=data.layer, tracking_uri=experiments.tracking_uri if experiments else None)
    components.append(training)
    functions += training.functions
    repository_url = training.repository_url
    if settings.has("continuous_training"):
        components.append(ContinuousTraining(stack, inbox=training.inbox))
if settings.has("registry"):
    components.append(Registry(stack, layer=data.layer))
if settings.has("serving"):
    serving = Serving(stack, layer=data.layer)
    components.append(serving)
    functions += serving.functions
if settings.has("batch_serving"):
    batch_serving = BatchServing(stack, layer=data.layer, database=data.database)
    components.append(batch_serving)
    functions += batch_serving.functions
if settings.has("monitoring"):
    monitoring = Monitoring(stack, layer=data.layer)
    functions += monitoring.functions
    components += [monitoring, Alarms(stack, functions)]
clean_up = CleanUp(stack, layer=data.layer, cleans=components)
Deliveries(stack, functions, after=clean_up.invocation)

models = [recipe.model for recipe in stack.recipes]
pulumi.export("components", list(settings.components))
pulumi.export("buckets", {kind: names.bucket(kind) for kind in ("landing", "lake", "models")})
pulumi.export("tables", {"batches": names.shared("batches"), "retraining": names.shared("retraining")})
pulumi.export("upload", {m: f"s3://{names.bucket('landing')}/{s3_layout.incoming_key(m, '')}" for m in models})
pulumi.export("endpoints", {model: names.of_model(model) for model in models})
pulumi.export("next_step", pulumi.Output.from_input(repository_url).apply(lambda url: next_step(stack, url)))
