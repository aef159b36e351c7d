"""One folder a function: a thin handler and pure logic."""
