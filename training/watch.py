"""Looking on while a model grows round by round."""

from collections.abc import Callable

from training.model import Model

# Called after each round with the number of rounds and the model so far; True ends the fit there.
Watch = Callable[[int, Model], bool]
