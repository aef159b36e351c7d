"""Owns the endpoints: each serves its model's newest approved version."""
