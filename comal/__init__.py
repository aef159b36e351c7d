"""comal's own language: recipes, events, names and the pure rules that every room shares."""

__version__ = "0.1.0"
