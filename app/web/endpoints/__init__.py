"""Pages for endpoints."""
