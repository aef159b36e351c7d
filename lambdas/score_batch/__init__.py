"""Scores validated batches with a transform job, and files the predictions in the lake."""
