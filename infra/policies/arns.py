"""ARNs of what a stack's policies are about."""

from comal.names import Names


def bucket(name: str) -> str:
    """A bucket itself, which is what listing asks for."""
    return f"arn:aws:s3:::{name}"


def objects(bucket: str, keys: str) -> str:
    """Objects of a bucket; `keys` may hold stars."""
    return f"arn:aws:s3:::{bucket}/{keys}"


def batches(lake: str) -> list[str]:
    """Validated rows, and the same with what their windows held."""
    return [objects(lake, "validated/*"), objects(lake, "features/*")]


def table(names: Names, noun: str) -> str:
    """A DynamoDB table of the stack."""
    return names.arn("dynamodb", f"table/{names.shared(noun)}")


def sagemaker(names: Names, kind: str) -> str:
    """Every resource of a kind that belongs to the stack's models; `kind` ends in a slash."""
    return names.arn("sagemaker", f"{kind}{names.of_model('*')}")
