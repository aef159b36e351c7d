"""Computes a model's features from validated batches, one after the other, into its feature groups."""
