"""Images that run on this machine."""

import json
import subprocess
import sys

from comal.cli.images import PRELOAD, write_images
from comal.cli.repository import find_repository


def test_the_image_of_a_stack_is_this_clone_run_by_this_interpreter(clone):
    (clone / "stacks/Pulumi.local.yaml").write_text("config: {'comal:imageUri': 'registry/comal:local'}")
    images = json.loads(write_images(find_repository(clone)).read_text())
    image = images["registry/comal:local"]
    assert (image["command"], image["cwd"]) == ([sys.executable, "-m", "training"], str(clone))


def test_everything_that_is_preloaded_can_be_imported():
    done = subprocess.run([sys.executable, "-c", f"import {', '.join(PRELOAD)}"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_stacks_without_an_image_are_left_out(clone):
    assert json.loads(write_images(find_repository(clone)).read_text()) == {}
