"""What the local cloud tells its user when it cannot go on: what was found, and the next step."""


class LocalCloudError(Exception):
    """A failure the user can do something about.

    Attributes:
        message: What was found, and what was expected.
        next_step: What to type or change.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}".strip())
        self.message = message
        self.next_step = next_step


class PortTakenError(LocalCloudError):
    """Somebody else listens on the port; the message names them."""


class AlreadyRunningError(LocalCloudError):
    """This state directory is already served by a running local cloud."""


class StateDirectoryError(LocalCloudError):
    """The state directory cannot be written: missing rights, or a full disk."""


class StartError(LocalCloudError):
    """The local cloud ended, or did not answer in time, while it started."""


class SubstrateError(LocalCloudError):
    """MiniStack is not the version, or has not the names, that the patches were written for."""
