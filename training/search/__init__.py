"""The search for what fits best: preprocessing, algorithm and parameters, cross-validated on the training rows."""
