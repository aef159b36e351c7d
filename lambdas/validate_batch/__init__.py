"""validate_batch: each pushed file is judged once and ends either validated or in quarantine."""
