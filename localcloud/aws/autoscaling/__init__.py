"""Application Auto Scaling for SageMaker's endpoint variants."""
