"""What the stacks are made of, on record; `python -m tests.infra.expectations` writes it anew after a wanted change."""

import json
from pathlib import Path

from tests.infra.program import ALL, IMAGE_URI, Program, evaluate

FOLDER = Path(__file__).parent / "expected"
STACKS = {
    "without_image": {"models": ("tacos",)},
    "mvp": {"models": ("tacos",), "imageUri": IMAGE_URI},
    "everything": {"models": ("tacos",), "imageUri": IMAGE_URI, "components": ALL},
}
NAMING = ("name", "bucket", "key", "rule", "role", "layerName", "modelPackageGroupName", "functionName")


def describe(program: Program) -> dict[str, str]:
    """Each resource's path in the stack, with the name that AWS knows it by."""
    described = {}
    for resource in sorted(program.resources, key=lambda one: one.urn):
        if not resource.is_component:
            known_by = next((resource.inputs[key] for key in NAMING if key in resource.inputs), "")
            described[resource.urn.split("::", 2)[2]] = known_by
    return described


def main() -> None:
    """Writes every expectation anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, settings in STACKS.items():
        text = json.dumps(describe(evaluate("dev", **settings)), indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
