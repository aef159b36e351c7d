"""SageMaker Feature Store: groups of features, an online store with the latest records, an offline one with all."""
