"""What every Lambda function is told by its environment, read on the first call and never at import."""

import os
from functools import cache
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from comal.errors import PlatformError
from comal.names import Names

PREFIX = "COMAL_"


class LambdaEnvironment(BaseModel):
    """The variables of all functions; a function that is told more derives from it, one field a variable.

    Field `image_uri` is read from COMAL_IMAGE_URI.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    stack: str
    account: str
    region: str

    @classmethod
    @cache
    def read(cls) -> Self:
        """The environment of this process; read once.

        Raises:
            PlatformError: A variable is absent or has no such value; the message names it.
        """
        variables = {
            name.removeprefix(PREFIX).lower(): value for name, value in os.environ.items() if name.startswith(PREFIX)
        }
        try:
            return cls.model_validate(variables)
        except ValidationError as error:
            found = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
            raise PlatformError(
                f"The function's environment does not fit: {found}.",
                next_step="Deploy the stack again with `comal up`.",
            ) from None

    @property
    def names(self) -> Names:
        """Names of the stack's resources."""
        return Names(stack=self.stack, account=self.account, region=self.region)
