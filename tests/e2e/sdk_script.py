"""Run by the SDK's own Python: trains with the kit's container as a notebook would, then asks the kit's endpoint."""

import json
import sys

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Endpoint
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, S3DataSource, StoppingCondition
from sagemaker.train.model_trainer import ModelTrainer

asked = json.loads(sys.argv[1])
session = boto3.Session(region_name=asked["region"])
trainer = ModelTrainer(
    sagemaker_session=Session(boto_session=session, default_bucket=asked["bucket"]),
    training_image=asked["image"],
    role=asked["role"],
    base_job_name="sdk",
    compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10),
    hyperparameters={"model": asked["model"], "run_id": asked["run_id"]},
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
    output_data_config=OutputDataConfig(s3_output_path=asked["output"]),
)
inputs = [
    InputData(
        channel_name=channel["ChannelName"],
        data_source=S3DataSource(
            s3_uri=channel["DataSource"]["S3DataSource"]["S3Uri"],
            s3_data_type=channel["DataSource"]["S3DataSource"]["S3DataType"],
        ),
    )
    for channel in asked["channels"]
]
trainer.train(input_data_config=inputs, wait=True, logs=False)
job = trainer._latest_training_job
job.refresh()
answer = Endpoint.get(asked["endpoint"], session=session, region=asked["region"]).invoke(
    body=json.dumps(asked["row"]), content_type="application/json", accept="application/json"
)
print(
    json.dumps(
        {
            "job": job.training_job_name,
            "status": job.training_job_status,
            "artifacts": job.model_artifacts.s3_model_artifacts,
            "prediction": json.loads(answer.body.read()),
        }
    )
)
