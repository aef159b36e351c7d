"""Text from outside as one printable line: a person's reason, a service's failure."""


def one_line(text: str, limit: int | None = None) -> str:
    """A text without line breaks, terminal escapes or other characters that are not printed; cut at a length."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1] + "…"
