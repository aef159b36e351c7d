"""`python -m training serve`: a trained model behind SageMaker's serving contract."""
