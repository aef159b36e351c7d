"""What a person does after `up`."""

from infra.stack import Stack


def next_step(stack: Stack, repository_url: str) -> str:
    """One instruction, with the commands to type.

    Args:
        stack: The stack.
        repository_url: Where the image is pushed to; empty without the component training.
    """
    name = stack.names.stack
    if not stack.recipes:
        return "Write the first recipe: comal init DATA.csv --target COLUMN"
    model = stack.recipes[0].model
    push = f"comal push {model} FILE.csv -s {name}"
    if stack.settings.image_uri or not repository_url:
        return f"Push data: {push}"
    image = f"{repository_url}:v1"
    return (
        "Nothing is trained before there is an image: "
        f"docker build -f training/Dockerfile -t {image} . && docker push {image} && "
        f"pulumi config set comal:imageUri {image} --stack {name} && pulumi up --stack {name}. "
        f"What is pushed meanwhile waits: {push}"
    )
