"""Examples that run through the kit like anybody's own data."""
