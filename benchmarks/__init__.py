"""Each hot path against its peer and its limit, as ratios measured in one run."""
