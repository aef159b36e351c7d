"""The one container: train and serve by SageMaker's contract."""
