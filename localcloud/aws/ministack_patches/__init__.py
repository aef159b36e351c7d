"""Everything that reaches into MiniStack's private names, checked against the pinned version when it starts."""
