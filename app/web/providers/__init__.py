"""Pages for providers."""
