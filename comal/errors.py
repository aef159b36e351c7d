"""The errors the kit raises, by who can mend them.

ComalError
├── UserError          what the user gave us is wrong; shown without a traceback, exit code 2
│   ├── RecipeError    a recipe key, unit or value
│   └── DataError      a file, a batch, a row that was sent to a model
├── AlgorithmError     training or scoring cannot work with what it was given
└── PlatformError      AWS, the local cloud or this machine is not in the state that we need
"""


class ComalError(Exception):
    """Base of everything the kit raises on purpose.

    Args:
        message: What was found and what was expected, with the place.
        next_step: What the reader can do about it; one imperative sentence.
    """

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class UserError(ComalError):
    """What the user gave us is wrong."""


class RecipeError(UserError):
    """A recipe has a wrong key, unit or value; the message names file, line, value and expectation."""


class DataError(UserError):
    """Data does not fit the recipe; the message names the column, what was found and what was expected."""


class AlgorithmError(ComalError):
    """Training or scoring cannot work with what it was given."""


class PlatformError(ComalError):
    """AWS, the local cloud or this machine is not in the state that we need."""
