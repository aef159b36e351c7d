"""Decides when reasons to train become a training run, and starts it."""
