"""A simulated taco chain whose truth is known; see README.md here."""
