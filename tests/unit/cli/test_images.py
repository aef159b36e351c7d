"""Images that run on this machine."""

import json
import sys

from comal.cli.images import write_images
from comal.cli.repository import find_repository


def test_the_image_of_a_stack_is_this_clone_run_by_this_interpreter(clone):
    (clone / "stacks/Pulumi.local.yaml").write_text("config: {'comal:imageUri': 'registry/comal:local'}")
    images = json.loads(write_images(find_repository(clone)).read_text())
    assert images == {
        "registry/comal:local": {"command": [sys.executable, "-m", "training"], "cwd": str(clone), "env": {}}
    }


def test_stacks_without_an_image_are_left_out(clone):
    assert json.loads(write_images(find_repository(clone)).read_text()) == {}
