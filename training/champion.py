"""The champion's artifact, unpacked with limits and loaded like any other model."""

from pathlib import Path

from comal.archive import Limits, extract
from comal.errors import PlatformError
from training.channels import Champion
from training.model import TrainedModel, load_model


def load_champion(champion: Champion, folder: Path) -> TrainedModel:
    """The champion, unpacked into `folder`.

    Raises:
        ComalError: The archive is absent, unsafe or of another version of the kit.
    """
    if not champion.archive.exists():
        raise PlatformError(
            f"The champion channel has no {champion.archive.name}.",
            next_step="Check the champion's ModelDataUrl.",
        )
    extract(champion.archive, folder, Limits())
    return load_model(folder)
