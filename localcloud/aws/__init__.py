"""One port that answers as AWS does: an edge in front of MiniStack, plus the services that MiniStack lacks."""
