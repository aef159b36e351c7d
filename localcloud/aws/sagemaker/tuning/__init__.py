"""Hyperparameter tuning jobs: many training jobs over ranges of hyperparameters, and the best of them."""
