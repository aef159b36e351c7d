"""What the local engine tells its user when a program or a stack cannot be carried out."""

from localcloud.errors import LocalCloudError


class EngineError(LocalCloudError):
    """The project, the stack file or the program asks for what the engine cannot do."""


class UnsupportedError(EngineError):
    """A resource type, an input or a function that has no row in `types/`."""


class StateLockedError(EngineError):
    """Another operation works on the same state file."""
